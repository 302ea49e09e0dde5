//! [`ScenarioFile`] to [`Scenario`], or every problem of the file at once.
//!
//! Each part is read in its own file and gives nothing where it had to report something; a scenario is made
//! only when nothing was reported at all.

mod cluster;
mod jobs;
mod plugins;
mod thresholds;
mod validity;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bench_model::JobName;
use bench_template::yaml::Node;

use crate::{
    Limits, Mistake, Problems, Scenario, ScenarioFile,
    fields::{Fields, Report},
    value,
};

/// A run without `deadline:` ends within an hour.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(3600);
const DEFAULT_SEED: u64 = 1;
/// As `--repeat`.
const MAX_REPEAT: u64 = 1000;

/// Checks a scenario file.
///
/// # Errors
/// With every problem of the file, those that [`crate::parse`] left in it included. Not checked: whether
/// plugins exist, their `with:` (see [`crate::check_config`]), the settings of a simulated cluster.
pub fn validate(file: ScenarioFile) -> Result<Scenario, Problems> {
    let mut report = Report::new(Arc::clone(&file.sources));
    let scenario = read(&file, &mut report);
    // A value whose variable is missing is reported once, not again for what it does not look like.
    report.problems.retain(|problem| !file.problems.iter().any(|earlier| problem.follows_from(earlier)));
    let mut problems = file.problems.clone();
    problems.append(&mut report.problems);
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(Problems::of(&file.name, problems)),
    }
}

fn read(file: &ScenarioFile, report: &mut Report) -> Option<Scenario> {
    let mut fields = Fields::of_item(&file.root, "the scenario", report)?;
    fields.optional("apiVersion");
    fields.optional("kind");
    let metadata = metadata(&mut fields, report);
    let seed = fields.optional("seed").and_then(|node| value::integer(node, "seed", 0, u64::MAX, report));
    let repeat =
        fields.optional("repeat").and_then(|node| value::integer(node, "repeat", 1, MAX_REPEAT, report));
    let variables = variables(fields.optional("variables"), report);
    let cluster = cluster::cluster(fields.entry("cluster"), file, report);
    let limits = limits(&mut fields, report);
    let prometheus = cluster::prometheus(fields.optional("prometheus"), report);
    let plugins = plugins::plugins(&mut fields, report);
    let measurements = plugins::measurements(fields.optional("measurements"), &plugins, file, report);
    let jobs = jobs::jobs(&mut fields, &plugins, &measurements, file, report);
    let thresholds = thresholds::thresholds(fields.optional("thresholds"), &jobs, &measurements, report);
    thresholds::slos(fields.optional("slos"), report);
    let validity = validity::validity(fields.entry("validity"), report);
    let deadline = fields.optional("deadline").and_then(|node| value::duration(node, "deadline", report));
    fields.finish(report);
    let (name, description) = metadata?;
    Some(Scenario {
        name,
        description,
        seed: seed.unwrap_or(DEFAULT_SEED),
        variables,
        repeat: repeat.and_then(|times| u32::try_from(times).ok()).unwrap_or(1),
        cluster: cluster?,
        limits,
        prometheus,
        plugins: plugins.used,
        measurements: measurements.used,
        jobs: jobs.used,
        thresholds,
        validity,
        deadline: deadline.unwrap_or(DEFAULT_DEADLINE),
        file: Arc::new(file.clone()),
    })
}

fn metadata(fields: &mut Fields<'_>, report: &mut Report) -> Option<(String, String)> {
    let help = "write for example `metadata: { name: pod-churn }`";
    fields.required("metadata", help, report)?;
    let entry = fields.entry("metadata")?;
    let mut metadata = Fields::of(&entry.value, "`metadata`", &entry.key.span, report)?;
    let name = metadata.required("name", "write for example `name: pod-churn`", report);
    let name = name.and_then(|node| value::name(node, "name", JobName::parse, report));
    let description =
        metadata.optional("description").and_then(|node| value::text(node, "description", report));
    metadata.finish(report);
    Some((name?.as_str().to_owned(), description.unwrap_or_default().to_owned()))
}

/// Their values were checked when they were put in.
fn variables(node: Option<&Node>, report: &mut Report) -> BTreeMap<String, serde_json::Value> {
    let Some(node) = node else { return BTreeMap::new() };
    let Some(entries) = node.as_map() else {
        let found = node.type_name().to_owned();
        let mistake =
            Mistake::WrongType { key: "`variables`".to_owned(), expected: "a mapping".to_owned(), found };
        report.add(&node.span, mistake);
        return BTreeMap::new();
    };
    entries.iter().map(|entry| (entry.key.text.clone(), entry.value.to_json())).collect()
}

fn limits(fields: &mut Fields<'_>, report: &mut Report) -> Limits {
    let Some(entry) = fields.entry("limits") else { return Limits::default() };
    let Some(mut fields) = Fields::of(&entry.value, "`limits`", &entry.key.span, report) else {
        return Limits::default();
    };
    let mut count = |key: &'static str, max: u64, report: &mut Report| {
        fields.optional(key).and_then(|node| value::integer(node, key, 1, max, report))
    };
    let objects = count("objects", u64::MAX, report);
    let namespaces = count("namespaces", u64::MAX, report);
    let per_second = count("requestsPerSecond", 1_000_000, report);
    fields.finish(report);
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    let requests_per_second = per_second.and_then(|value| bench_model::Rate::try_new(value as f64).ok());
    Limits { objects, requests_per_second, namespaces }
}
