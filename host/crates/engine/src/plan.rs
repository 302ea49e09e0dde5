//! What a run will do, worked out before it does anything.
//!
//! Made of a scenario, its loaded plugins, their checked configurations and a shard. Everything in it is
//! decided: the same scenario, seed and shard give the same plan.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bench_model::{JobName, PluginName, QueueName, QueueSpec, Shard};
use bench_plugin_host::{Allow, Allowed, Grants, GuestLimits, LoadedPlugin};
use bench_scenario::{KubernetesGrant, PluginUse, ProxyGrant, Scenario};

/// A plugin as a scenario uses it.
#[derive(Clone)]
pub struct PlannedPlugin {
    /// Its name in the scenario.
    pub name: PluginName,
    /// The component.
    pub loaded: LoadedPlugin,
    /// What it may do.
    pub grants: Grants,
    /// What it may use up.
    pub limits: GuestLimits,
}

/// A job: one workload and its queues.
#[derive(Clone)]
pub struct PlannedJob {
    /// Unique in the plan.
    pub name: JobName,
    /// Its workload.
    pub plugin: Arc<PlannedPlugin>,
    /// Without `setup`, which every job has.
    pub queues: BTreeMap<QueueName, QueueSpec>,
    /// Load at its start that does not count.
    pub warmup: Duration,
    /// How long to go on observing after it; `None` waits until the cluster is quiet.
    pub settle: Option<Duration>,
    /// JSON, valid against the plugin's schema, with defaults.
    pub config: String,
}

/// A measurement.
#[derive(Clone)]
pub struct PlannedMeasurement {
    /// Unique in the plan; thresholds name it.
    pub name: String,
    /// Its plugin.
    pub plugin: Arc<PlannedPlugin>,
    /// JSON, valid against the plugin's schema, with defaults.
    pub config: String,
}

/// The caps that hold for all plugins together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    /// Objects that may be created.
    pub objects: Option<u64>,
    /// Namespaces that may be created.
    pub namespaces: Option<u64>,
}

/// All of a run.
#[derive(Clone)]
pub struct Plan {
    /// Seeds everything random.
    pub seed: u64,
    /// Which part of the whole.
    pub shard: Shard,
    /// The run stops after it.
    pub deadline: Duration,
    /// Caps for all plugins together.
    pub caps: Caps,
    /// In the scenario's order.
    pub measurements: Vec<Arc<PlannedMeasurement>>,
    /// In the scenario's order, which is the order of the run.
    pub jobs: Vec<Arc<PlannedJob>>,
}

/// What a scenario's plan is made of besides the scenario.
pub struct PlanInput<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Every plugin of the scenario, loaded.
    pub plugins: BTreeMap<PluginName, LoadedPlugin>,
    /// Checked configuration of each job, in order.
    pub job_configs: Vec<String>,
    /// Checked configuration of each measurement, in order.
    pub measurement_configs: Vec<String>,
    /// Which part of the whole.
    pub shard: Shard,
}

/// A plan that cannot be made; each part was checked before, so this is a bug of the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{user}` has no loaded plugin `{plugin}` or no configuration")]
pub struct PlanError {
    /// The job or measurement.
    pub user: String,
    /// The plugin that it names.
    pub plugin: PluginName,
}

/// Works out what a run will do.
///
/// # Errors
/// When `input` lacks a plugin or a configuration that the scenario names.
pub fn plan(input: PlanInput<'_>) -> Result<Plan, PlanError> {
    let PlanInput { scenario, plugins, job_configs, measurement_configs, shard } = input;
    let plugins: BTreeMap<PluginName, Arc<PlannedPlugin>> = plugins
        .into_iter()
        .filter_map(|(name, loaded)| {
            let usage = scenario.plugins.get(&name)?;
            Some((name.clone(), Arc::new(planned_plugin(name, usage, loaded))))
        })
        .collect();
    let find = |user: &str, plugin: &PluginName, config: Option<&String>| {
        let error = || PlanError { user: user.to_owned(), plugin: plugin.clone() };
        Ok::<_, PlanError>((
            plugins.get(plugin).ok_or_else(error)?.clone(),
            config.ok_or_else(error)?.clone(),
        ))
    };
    let mut planned = Plan {
        seed: scenario.seed,
        shard,
        deadline: scenario.deadline,
        caps: Caps { objects: scenario.limits.objects, namespaces: scenario.limits.namespaces },
        measurements: Vec::new(),
        jobs: Vec::new(),
    };
    for (at, measurement) in scenario.measurements.iter().enumerate() {
        let name = measurement.name.to_string();
        let (plugin, config) = find(&name, &measurement.plugin, measurement_configs.get(at))?;
        planned.measurements.push(Arc::new(PlannedMeasurement { name, plugin, config }));
    }
    for (at, job) in scenario.jobs.iter().enumerate() {
        let (plugin, config) = find(job.name.as_str(), &job.plugin, job_configs.get(at))?;
        planned.jobs.push(Arc::new(PlannedJob {
            name: job.name.clone(),
            plugin,
            queues: job.queues.clone(),
            warmup: job.warmup.unwrap_or_default(),
            settle: job.settle,
            config,
        }));
    }
    Ok(planned)
}

fn planned_plugin(name: PluginName, usage: &PluginUse, loaded: LoadedPlugin) -> PlannedPlugin {
    let grants = Grants::new(loaded.manifest.permissions.clone(), allow(&usage.allow));
    let limits = GuestLimits {
        memory_bytes: usage.limits.memory_bytes,
        call: Duration::from_millis(usage.limits.call_millis),
        ..GuestLimits::default()
    };
    PlannedPlugin { name, loaded, grants, limits }
}

fn allow(grants: &bench_scenario::Grants) -> Allow {
    let kubernetes = match &grants.kubernetes {
        KubernetesGrant::Nothing => Allowed::default(),
        KubernetesGrant::AsAsked => Allowed::AllAsked,
        KubernetesGrant::Rules(rules) => Allowed::Only(rules.clone()),
    };
    let proxy = match &grants.proxy {
        ProxyGrant::Nothing => Allowed::default(),
        ProxyGrant::AsAsked => Allowed::AllAsked,
        ProxyGrant::Targets(targets) => Allowed::Only(targets.clone()),
    };
    Allow { kubernetes, prometheus: grants.prometheus, raw: grants.raw, proxy }
}
