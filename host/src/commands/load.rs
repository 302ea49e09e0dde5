//! From a scenario file to a plan: parse, validate, resolve and load plugins, check their configuration.
//!
//! Touches no cluster. Every mistake of a step is reported at once, at its place in the file.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use bench_engine::{Plan, PlanInput};
use bench_model::{PluginKind, PluginName, Shard};
use bench_plugin_host::{HostSettings, LoadedPlugin, PluginHost};
use bench_scenario::{ConfigBlock, ManifestUse, Problem, Problems, Scenario};

use crate::{
    builtin,
    cli::ScenarioArgs,
    diagnostics::{Failure, Message},
    exit_code::Exit,
};

/// A scenario with everything that it names.
pub struct Loaded {
    /// The file's text, for the record.
    pub text: String,
    /// The file's path as given.
    pub file: String,
    /// Folder of relative paths.
    pub folder: PathBuf,
    /// The scenario.
    pub scenario: Scenario,
    /// Object templates of the jobs, with their places.
    pub manifests: Vec<ManifestUse>,
    /// What the run will do.
    pub plan: Plan,
}

/// Largest scenario or template that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Loads a scenario and its plugins, and plans the run.
pub async fn load(args: &ScenarioArgs) -> Result<Loaded, Failure> {
    let path = &args.scenario;
    let text = read_text(path).map_err(|source| {
        let error = Message(format!("failed to read the scenario `{}`: {source}", path.display()));
        Failure::error(Exit::InvalidScenario, error)
    })?;
    let file = path.display().to_string();
    let folder =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let invalid = |problems: Problems| Failure::diagnostic(Exit::InvalidScenario, problems);
    let scenario_file = bench_scenario::parse(&text, &file, &args.sets).map_err(invalid)?;
    let scenario = bench_scenario::validate(scenario_file).map_err(invalid)?;
    let plugins = load_plugins(&scenario, &folder).await?;
    let (plan, manifests) = plan(&scenario, plugins, &folder)?;
    Ok(Loaded { text, file, folder, scenario, manifests, plan })
}

/// The plugin host with its cache in the user's cache folder.
pub fn plugin_host() -> Result<PluginHost, Failure> {
    let settings = HostSettings { cache_dir: cache_dir() };
    PluginHost::new(settings).map_err(|error| Failure::error(Exit::Bug, error))
}

/// `$XDG_CACHE_HOME/bench`, or `~/.cache/bench`; none when there is no home.
fn cache_dir() -> Option<PathBuf> {
    let from =
        |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    from("XDG_CACHE_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("bench"))
}

fn read_text(path: &Path) -> io::Result<String> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it has {bytes} bytes, at most {MAX_FILE_BYTES} are read")));
    }
    std::fs::read_to_string(path)
}

async fn load_plugins(
    scenario: &Scenario,
    folder: &Path,
) -> Result<BTreeMap<PluginName, LoadedPlugin>, Failure> {
    let host = plugin_host()?;
    let mut plugins = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, usage) in &scenario.plugins {
        let reference = usage.from.to_string();
        let place = format!("/plugins/{name}/from");
        match load_plugin(&host, &reference, folder).await {
            Ok(plugin) => drop(plugins.insert(name.clone(), plugin)),
            Err((message, help)) => {
                problems.push(scenario.problem(&place, &message, "not a plugin", help.as_deref()))
            }
        }
    }
    match Problems::new(scenario.file.name(), problems) {
        Some(problems) => Err(Failure::diagnostic(Exit::Plugin, problems)),
        None => Ok(plugins),
    }
}

/// Loads one plugin; the error is what to tell and what to do.
pub async fn load_plugin(
    host: &PluginHost,
    reference: &str,
    folder: &Path,
) -> Result<LoadedPlugin, (String, Option<String>)> {
    let resolved = bench_plugin_host::resolve(reference, folder, &builtin::PLUGINS).map_err(|error| {
        let names: Vec<_> = builtin::PLUGINS.iter().map(|(name, _)| format!("`builtin:{name}`")).collect();
        (
            chain(&error),
            Some(format!("built-in plugins: {}; others by the path of a component", names.join(", "))),
        )
    })?;
    host.load(&resolved).await.map_err(|error| (chain(&error), None))
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn plan(
    scenario: &Scenario,
    plugins: BTreeMap<PluginName, LoadedPlugin>,
    folder: &Path,
) -> Result<(Plan, Vec<ManifestUse>), Failure> {
    let read = |path: &Path| read_text(&folder.join(path));
    let mut manifests = Vec::new();
    let mut problems = wrong_kinds(scenario, &plugins);
    let declared = |name: &PluginName| {
        let plugin = plugins.get(name)?;
        Some(plugin.manifest.metrics.iter().map(|metric| metric.name.to_string()).collect())
    };
    problems.extend(scenario.unknown_metrics(declared));
    let mut check = |plugin: &PluginName, block: &ConfigBlock| {
        let schema = plugins.get(plugin).map_or(&serde_json::Value::Null, |plugin| plugin.schema.as_ref());
        let checked = bench_scenario::check_config(block, schema, &read);
        match checked {
            Ok(mut checked) => {
                manifests.append(&mut checked.manifests);
                checked.config.to_string()
            }
            Err(mut found) => {
                problems.append(&mut found);
                String::new()
            }
        }
    };
    let job_configs = scenario.jobs.iter().map(|job| check(&job.plugin, &job.config)).collect();
    let measurement_configs =
        scenario.measurements.iter().map(|one| check(&one.plugin, &one.config)).collect();
    if let Some(problems) = Problems::new(scenario.file.name(), problems) {
        return Err(Failure::diagnostic(Exit::InvalidScenario, problems));
    }
    let input = PlanInput { scenario, plugins, job_configs, measurement_configs, shard: Shard::WHOLE };
    let plan = bench_engine::plan(input).map_err(|error| Failure::error(Exit::Bug, error))?;
    Ok((plan, manifests))
}

/// Jobs whose plugin is no workload, measurements whose plugin is no measurement.
fn wrong_kinds(scenario: &Scenario, plugins: &BTreeMap<PluginName, LoadedPlugin>) -> Vec<Problem> {
    let is = |name: &PluginName, kind| {
        plugins.get(name).is_none_or(|plugin| plugin.manifest.kinds.contains(&kind))
    };
    let jobs =
        scenario.jobs.iter().enumerate().filter(|(_, job)| !is(&job.plugin, PluginKind::Workload)).map(
            |(at, job)| {
                let message = format!("plugin `{}` of job `{}` is no workload", job.plugin, job.name);
                let help = "it can be used under `measurements`";
                scenario.problem(&format!("/jobs/{at}/plugin"), &message, "no workload", Some(help))
            },
        );
    let measurements =
        scenario.measurements.iter().enumerate().filter(|(_, one)| !is(&one.plugin, PluginKind::Measurement));
    let measurements = measurements.map(|(at, one)| {
        let message = format!("plugin `{}` of measurement `{}` is no measurement", one.plugin, one.name);
        let help = "it can be used by a job";
        scenario.problem(&format!("/measurements/{at}/plugin"), &message, "no measurement", Some(help))
    });
    jobs.chain(measurements).collect()
}
