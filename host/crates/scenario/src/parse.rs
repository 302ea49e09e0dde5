//! Text to [`ScenarioFile`]: YAML, `--set`, variables.

use std::sync::Arc;

use bench_template::yaml::{self, Node};

use crate::{Mistake, Problem, Problems, Sources, fields::Report, set, variables};

/// The API version of the file format.
pub const API_VERSION: &str = "bench.dev/v1alpha1";
/// The kind of the file.
pub const KIND: &str = "Scenario";

/// A scenario file as a tree with places; `--set` applied, variables put in, shape not checked yet.
#[derive(Debug, Clone)]
pub struct ScenarioFile {
    pub(crate) name: String,
    pub(crate) root: Node,
    pub(crate) sources: Arc<Sources>,
    /// Found so far; [`crate::validate`] adds its own and reports all.
    pub(crate) problems: Vec<Problem>,
}

impl ScenarioFile {
    /// The name that messages show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file as JSON with `--set` and variables resolved: what a record keeps of it.
    pub fn to_json(&self) -> serde_json::Value {
        self.root.to_json()
    }
}

/// Reads a scenario file.
///
/// `file` is the name for messages; `sets` are the values of `--set`, each `path=value`: keys and list
/// indexes joined by dots, items of a list also by their `name`.
///
/// # Errors
/// When there is nothing to go on with: not YAML, empty, larger than 1 MiB, no mapping, or another
/// `apiVersion` or `kind`. Smaller mistakes stay in the result until [`crate::validate`] reports them with its own.
pub fn parse(text: &str, file: &str, sets: &[String]) -> Result<ScenarioFile, Problems> {
    let mut sources = Sources::new(file, text);
    let parsed = yaml::parse(text).map_err(|error| {
        let problem = Problem::new(&sources, &error.span, Mistake::Yaml(error.mistake));
        Problems::of(file, vec![problem])
    })?;
    let mut root = parsed.root;
    let sets: Vec<set::Set> = sets.iter().map(|set| set::Set::new(set, &mut sources)).collect();
    let mut report = Report::new(Arc::new(sources));
    check_header(&root, &mut report);
    if !report.problems.is_empty() {
        return Err(Problems::of(file, report.problems));
    }
    for error in parsed.mistakes {
        report.add(&error.span, Mistake::Yaml(error.mistake));
    }
    for set in sets {
        set.apply(&mut root, &mut report);
    }
    variables::substitute(&mut root, &mut report);
    Ok(ScenarioFile { name: file.to_owned(), root, sources: report.sources, problems: report.problems })
}

/// A file of another kind gets one message, not one for each of its keys.
fn check_header(root: &Node, report: &mut Report) {
    if root.as_map().is_none() {
        let found = root.type_name().to_owned();
        let mistake =
            Mistake::WrongType { key: "a scenario".to_owned(), expected: "a mapping".to_owned(), found };
        report.add(&root.span, mistake);
        return;
    }
    for (key, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let first =
            root.as_map().and_then(<[yaml::Entry]>::first).map_or(root.span.clone(), |e| e.key.span.clone());
        match root.get(key) {
            None => {
                let help = format!("add `{key}: {expected}` at the top");
                report.add(
                    &first,
                    Mistake::MissingKey { key: key.to_owned(), within: "the file".to_owned(), help },
                );
            }
            Some(node) if node.as_text() != Some(expected) => {
                let found = report.slice(&node.span);
                report.add(&node.span, Mistake::NotAScenario { key, found, expected });
            }
            Some(_) => {}
        }
    }
}
