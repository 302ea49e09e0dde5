//! `with:` blocks: free-form until their plugin's JSON Schema is known.

mod fill;
mod manifest_use;
mod schema_check;

pub use manifest_use::ManifestUse;

use std::{io, path::Path, sync::Arc};

use bench_template::yaml::{Entry, Node, Span, Value};
use serde::{Serialize, Serializer};

use crate::{
    Mistake, Problem, ScenarioFile, Sources,
    fields::{Fields, Report},
};

/// A block of a scenario that somebody else knows the shape of.
#[derive(Debug, Clone)]
pub struct ConfigBlock {
    pub(crate) node: Node,
    /// Underlined for problems of the whole block.
    pub(crate) at: Span,
    pub(crate) sources: Arc<Sources>,
}

impl ConfigBlock {
    /// The value of an entry, which must be a mapping or empty.
    pub(crate) fn of_entry(
        entry: &Entry,
        key: &str,
        file: &ScenarioFile,
        report: &mut Report,
    ) -> Option<Self> {
        let mut node = entry.value.clone();
        match &node.value {
            Value::Map(_) => {}
            Value::Null => node.value = Value::Map(Vec::new()),
            Value::Bool(_) | Value::Number(_) | Value::Text { .. } | Value::List(_) => {
                let (expected, found) = ("a mapping".to_owned(), node.type_name().to_owned());
                report.add(&node.span, Mistake::WrongType { key: key.to_owned(), expected, found });
                return None;
            }
        }
        Some(Self { node, at: entry.key.span.clone(), sources: Arc::clone(&file.sources) })
    }

    /// The `with:` of a job or a measurement; empty where there is none.
    pub(crate) fn of_with(fields: &mut Fields<'_>, file: &ScenarioFile, report: &mut Report) -> Option<Self> {
        if let Some(entry) = fields.entry("with") {
            return Self::of_entry(entry, "`with`", file, report);
        }
        let at = fields.place().clone();
        let node = Node { value: Value::Map(Vec::new()), span: at.clone() };
        Some(Self { node, at, sources: Arc::clone(&file.sources) })
    }

    /// The block as JSON, as written: no defaults, files not read.
    pub fn to_json(&self) -> serde_json::Value {
        self.node.to_json()
    }

    /// A problem at the value under a JSON pointer into the block; where nothing stands there, at its
    /// nearest parent.
    pub fn problem(&self, pointer: &str, message: &str, label: &str, help: Option<&str>) -> Problem {
        let (message, label, help) = (message.to_owned(), label.to_owned(), help.map(str::to_owned));
        self.at(pointer, Mistake::Rejected { message, label, help })
    }

    fn at(&self, pointer: &str, mistake: Mistake) -> Problem {
        Problem::new(&self.sources, &self.value_span(pointer), mistake)
    }

    /// The place of a value: scalars themselves, lists and mappings by the key above them.
    fn value_span(&self, pointer: &str) -> Span {
        let mut pointer = pointer;
        loop {
            match (self.node.at(pointer), pointer.rsplit_once('/')) {
                (Some(_), _) if pointer.is_empty() => return self.at.clone(),
                (Some((key, node)), _) => {
                    return match (&node.value, key) {
                        (Value::Map(_) | Value::List(_) | Value::Null, Some(key)) => key.span.clone(),
                        (Value::Map(entries), None) => {
                            entries.first().map_or(node.span.clone(), |entry| entry.key.span.clone())
                        }
                        _ => node.span.clone(),
                    };
                }
                (None, Some((parent, _))) => pointer = parent,
                (None, None) => return self.at.clone(),
            }
        }
    }
}

impl Serialize for ConfigBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// A configuration that its plugin can take.
#[derive(Debug, Clone)]
pub struct CheckedConfig {
    /// With defaults filled in and files read.
    pub config: serde_json::Value,
    /// Its object templates, in the order of the configuration.
    pub manifests: Vec<ManifestUse>,
}

/// Holds a block against the JSON Schema of its plugin and makes the JSON that the plugin gets.
///
/// Defaults of the schema are filled in (`properties`, `items`, `additionalProperties`, local `$ref`). Text
/// with `"format": "bench-file"` is a path relative to the scenario's folder, without `..`, and is replaced by
/// the file's text. `read` gets that path as written. Beside `bench-file`, `"benchTemplate": {"params":
/// [...], "variablesFrom": "key"}` makes the host compile the text as a template and check that each of its
/// parameters is one of `params` or a key of the mapping under the sibling `key`. The formats
/// `bench-duration`, `bench-rate` and `bench-bytes` check the units of a text.
///
/// # Errors
/// With every problem of the block, each at its key or value; those of a template in the template file.
pub fn check_config(
    block: &ConfigBlock,
    schema: &serde_json::Value,
    read: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<CheckedConfig, Vec<Problem>> {
    schema_check::check(block, schema, read)
}
