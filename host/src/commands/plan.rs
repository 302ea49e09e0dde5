//! `bench plan`: what a run would do, and what its plugins may do.

mod capacity;
mod nodes;

use bench_engine::{Plan, PlannedPlugin};
use bench_model::{NamespaceScope, Permissions, QueueSpec, ValidityBounds};
use serde_json::json;

use self::capacity::{Capacity, JobPods};
use super::{
    connect::{connect_to_read, simulated},
    load::{Loaded, load},
};
use crate::{
    cli::{ClusterArgs, Output, PlanArgs},
    diagnostics::{Failure, Ui},
    exit_code::Exit,
};

/// What the host does besides, see `engine/src/measurement/probe.rs`.
const WATCH_PROBE: &str = "measure  bench: how late watches are, by a ConfigMap in the first namespace of the run, changed twice a second\n";

/// What is said of a cluster that nobody asked.
const NOT_ASKED: &str =
    "cluster  not asked; with --context its nodes and pods are read: how many pods will not start\n";

/// Shows the plan of a scenario. Touches no cluster unless flags name one; of that it reads nodes and pods.
pub async fn run(args: PlanArgs, ui: &Ui) -> Result<Exit, Failure> {
    let loaded = load(&args.scenario).await?;
    let capacity = capacity(&loaded, &args.cluster).await?;
    let prediction = Prediction {
        jobs: capacity.as_ref().map(|capacity| capacity.judge(&loaded.plan.jobs)).unwrap_or_default(),
        capacity,
    };
    match args.output {
        Output::Json => ui.print(&format!("{:#}\n", as_json(&loaded, &prediction)))?,
        Output::Text => ui.print(&as_text(&loaded, &prediction))?,
    }
    Ok(Exit::Pass)
}

/// What the cluster takes; `None` when nobody asked it. Flags go before the file, as for a run.
async fn capacity(loaded: &Loaded, args: &ClusterArgs) -> Result<Option<Capacity>, Failure> {
    if args.kubeconfig.is_none() && args.context.is_none() {
        if let Some(config) = simulated(&loaded.scenario)? {
            return Ok(Some(Capacity::simulated(&config)));
        }
        if args.cluster_uid.is_none() {
            return Ok(None);
        }
    }
    let cluster = connect_to_read(&loaded.scenario, &loaded.folder, args).await?;
    let rooms = nodes::rooms(&cluster).await.map_err(|error| Failure::error(Exit::Unreachable, error))?;
    Ok(Some(Capacity::of(rooms, &cluster.facts().server)))
}

/// What can be said before the run of the pods that its jobs make.
struct Prediction {
    capacity: Option<Capacity>,
    /// In the order of the plan.
    jobs: Vec<Option<JobPods>>,
}

impl Prediction {
    fn of_job(&self, at: usize) -> Option<&JobPods> {
        self.jobs.get(at)?.as_ref()
    }
}

/// Plugins of a plan, each once, in the order of their names.
fn plugins(plan: &Plan) -> Vec<&PlannedPlugin> {
    let used =
        plan.measurements.iter().map(|one| &*one.plugin).chain(plan.jobs.iter().map(|job| &*job.plugin));
    let mut plugins: Vec<_> = used.collect();
    plugins.sort_by(|a, b| a.name.cmp(&b.name));
    plugins.dedup_by(|a, b| a.name == b.name);
    plugins
}

fn as_json(loaded: &Loaded, prediction: &Prediction) -> serde_json::Value {
    let Loaded { scenario, plan, .. } = loaded;
    let config = |text: &str| serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
    json!({
        "schemaVersion": 1,
        "scenario": scenario.name,
        "seed": plan.seed,
        "repeat": scenario.repeat,
        "shard": { "index": plan.shard.index(), "total": plan.shard.total() },
        "deadline": bench_model::format_duration(plan.deadline),
        "limits": scenario.limits,
        "validity": scenario.validity,
        "cluster": scenario.cluster,
        "capacity": prediction.capacity.as_ref().map(Capacity::to_json),
        "plugins": plugins(plan).into_iter().map(|plugin| json!({
            "name": plugin.name,
            "version": plugin.loaded.manifest.version,
            "digest": plugin.loaded.digest,
            "grants": plugin.grants.effective(),
            "memoryBytes": plugin.limits.memory_bytes,
        })).collect::<Vec<_>>(),
        "measurements": plan.measurements.iter().map(|one| json!({
            "name": one.name, "plugin": one.plugin.name, "config": config(&one.config),
        })).collect::<Vec<_>>(),
        "watchProbe": !plan.measurements.is_empty(),
        "jobs": plan.jobs.iter().enumerate().map(|(at, job)| json!({
            "name": job.name, "plugin": job.plugin.name, "queues": job.queues, "config": config(&job.config),
            "pods": prediction.of_job(at).map(JobPods::to_json),
        })).collect::<Vec<_>>(),
        "thresholds": scenario.thresholds.iter().map(|threshold| &threshold.text).collect::<Vec<_>>(),
    })
}

fn as_text(loaded: &Loaded, prediction: &Prediction) -> String {
    let Loaded { scenario, plan, .. } = loaded;
    let times = if scenario.repeat > 1 { format!(", {} times", scenario.repeat) } else { String::new() };
    let mut text = format!(
        "scenario {} (seed {}, deadline {}{times})\n",
        scenario.name,
        plan.seed,
        bench_model::format_duration(plan.deadline)
    );
    let cap = |limit: Option<u64>| limit.map_or_else(|| "no cap".to_owned(), |limit| limit.to_string());
    let rate =
        scenario.limits.requests_per_second.map_or_else(|| "no cap".to_owned(), |rate| rate.to_string());
    let (objects, namespaces) = (cap(plan.caps.objects), cap(plan.caps.namespaces));
    text.push_str(&format!("limits   objects {objects}, namespaces {namespaces}, requests {rate}\n"));
    if scenario.validity != ValidityBounds::default() {
        text.push_str(&format!("validity {}\n", validity_text(&scenario.validity)));
    }
    match &prediction.capacity {
        Some(capacity) => text.push_str(&format!("cluster  {}\n", capacity.to_text())),
        None => text.push_str(NOT_ASKED),
    }
    text.push('\n');
    for plugin in plugins(plan) {
        let manifest = &plugin.loaded.manifest;
        text.push_str(&format!("plugin   {} {} {}\n", plugin.name, manifest.version, plugin.loaded.digest));
        text.push_str(&permissions_text(&plugin.grants.effective(), "  "));
    }
    text.push('\n');
    for measurement in &plan.measurements {
        text.push_str(&format!("measure  {} by {}\n", measurement.name, measurement.plugin.name));
    }
    if !plan.measurements.is_empty() {
        text.push_str(WATCH_PROBE);
    }
    for (at, job) in plan.jobs.iter().enumerate() {
        text.push_str(&format!("job      {} by {}\n", job.name, job.plugin.name));
        for (name, spec) in &job.queues {
            text.push_str(&format!("  queue {name}: {}\n", queue_text(spec)));
        }
        if let Some(pods) = prediction.of_job(at) {
            text.push_str(&format!("  {}\n", pods.to_text()));
        }
    }
    if !scenario.thresholds.is_empty() {
        text.push('\n');
    }
    for threshold in &scenario.thresholds {
        text.push_str(&format!("gate     {threshold}\n"));
    }
    text
}

/// All bounds, as soon as one of them is not the usual one.
fn validity_text(bounds: &ValidityBounds) -> String {
    let time = bench_model::format_duration(std::time::Duration::from_nanos(bounds.lag.time_ns));
    format!(
        "delivered at least {}, p99 lag at most {time} or {} of p50, lost observations at most {}, 429s at most {}",
        bounds.delivered, bounds.lag.response_share, bounds.lost_observations, bounds.too_many_requests
    )
}

fn queue_text(spec: &QueueSpec) -> String {
    let arrival = format!("{:?}", spec.arrival).to_lowercase();
    let pacing = spec.rate.map_or_else(
        || "unpaced".to_owned(),
        |rate| format!("{rate}, burst {}, {arrival} arrival", spec.burst),
    );
    format!("{pacing}, at most {} in flight", spec.in_flight)
}

/// The rights of a plugin, one line each.
pub fn permissions_text(permissions: &Permissions, indent: &str) -> String {
    let mut text = String::new();
    for rule in &permissions.kubernetes {
        let verbs: Vec<_> = rule.verbs.iter().map(|verb| verb.as_str()).collect();
        let groups: Vec<_> =
            rule.api_groups.iter().map(|group| if group.is_empty() { "core" } else { group }).collect();
        let place = match &rule.namespaces {
            NamespaceScope::Run => "in namespaces of the run".to_owned(),
            NamespaceScope::All => "in the whole cluster".to_owned(),
            NamespaceScope::Named(names) => format!("in {}", names.join(", ")),
        };
        let what = format!("{} of {}", rule.resources.join(", "), groups.join(", "));
        text.push_str(&format!("{indent}may {} {what} {place}\n", verbs.join(", ")));
    }
    if permissions.prometheus {
        text.push_str(&format!("{indent}may query Prometheus\n"));
    }
    if permissions.raw {
        text.push_str(&format!("{indent}may read whole objects\n"));
    }
    for target in &permissions.proxy {
        text.push_str(&format!("{indent}may reach {target} through the API server\n"));
    }
    if text.is_empty() {
        text = format!("{indent}may do nothing on the cluster\n");
    }
    text
}
