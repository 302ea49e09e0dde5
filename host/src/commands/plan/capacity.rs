//! How many pods of a plan the simulated cluster of its scenario cannot start.
//!
//! Known before anything runs where the scenario says what the nodes take: places for pods and addresses. Counts
//! what plugin `objects` is configured to make; other plugins, processors and memory are left out. Real clusters say
//! nothing before a run.

use bench_engine::PlannedJob;
use bench_sim::SimConfig;
use bench_template::{ParamValue, Stamp, Template};
use serde_json::{Value, json};

/// Network, gateway and broadcast of a node's range are no pod's.
const RESERVED_ADDRESSES: u64 = 3;

/// What the nodes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    nodes: u64,
    pods_per_node: u64,
    addresses_per_node: u64,
}

/// Pods of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobPods {
    /// Pods that it makes.
    pub made: u64,
    /// Those that find no place, and those that find no address; with pods of jobs before it that are still there.
    pub no_place: u64,
    /// See `no_place`.
    pub no_address: u64,
}

impl Capacity {
    /// Of the simulated cluster.
    pub fn new(config: &SimConfig) -> Self {
        let bits = 32_u32.saturating_sub(u32::from(config.node.pod_cidr_mask));
        Self {
            nodes: u64::from(config.nodes),
            pods_per_node: u64::from(config.pods_per_node),
            addresses_per_node: 1_u64.checked_shl(bits).unwrap_or(0).saturating_sub(RESERVED_ADDRESSES),
        }
    }

    /// What becomes of the pods of each job; `None` for a job of which that is not known.
    pub fn judge(&self, jobs: &[std::sync::Arc<PlannedJob>]) -> Vec<Option<JobPods>> {
        let mut there = 0;
        jobs.iter()
            .map(|job| {
                let config = serde_json::from_str(&job.config).unwrap_or(Value::Null);
                let is_known = job.plugin.loaded.manifest.name == "objects";
                let made = is_known.then(|| made(&config, self.nodes)).flatten()?;
                let found = self.judge_one(there, made);
                if config.get("delete").is_none_or(Value::is_null) {
                    there += made;
                }
                Some(found)
            })
            .collect()
    }

    fn judge_one(&self, there: u64, made: u64) -> JobPods {
        let places = self.nodes.saturating_mul(self.pods_per_node);
        let addresses = self.nodes.saturating_mul(self.addresses_per_node);
        let all = there.saturating_add(made);
        let no_place = all.saturating_sub(places).min(made);
        let no_address = all.min(places).saturating_sub(addresses).min(made - no_place);
        JobPods { made, no_place, no_address }
    }

    /// For JSON.
    pub fn to_json(self) -> Value {
        json!({
            "nodes": self.nodes,
            "podsPerNode": self.pods_per_node,
            "podAddressesPerNode": self.addresses_per_node,
        })
    }

    /// For people.
    pub fn to_text(self) -> String {
        let plural = if self.nodes == 1 { "" } else { "s" };
        let Self { nodes, pods_per_node, addresses_per_node } = self;
        format!(
            "{nodes} simulated node{plural}, each with {pods_per_node} places and {addresses_per_node} addresses for pods"
        )
    }
}

impl JobPods {
    /// For JSON.
    pub fn to_json(&self) -> Value {
        json!({ "made": self.made, "noPlace": self.no_place, "noAddress": self.no_address })
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("makes {} pods", self.made);
        let lines = [(self.no_place, "Too many pods"), (self.no_address, "no IP addresses available")];
        for (pods, cause) in lines.into_iter().filter(|(pods, _)| *pods > 0) {
            text.push_str(&format!("; {pods} will not start: {cause}"));
        }
        text
    }
}

/// Pods that a configuration of `objects` makes; `None` when a template cannot be judged without the run.
fn made(config: &Value, nodes: u64) -> Option<u64> {
    let create = config.get("create")?;
    let iterations = create.get("iterations").and_then(Value::as_u64).unwrap_or(1);
    let objects = create.get("objects")?.as_array()?;
    let mut pods = 0_u64;
    for object in objects {
        let replicas = object.get("replicas").and_then(Value::as_u64).unwrap_or(1);
        let each = pods_of(&rendered(object)?, nodes);
        pods = pods.saturating_add(iterations.saturating_mul(replicas).saturating_mul(each));
    }
    Some(pods)
}

/// The first object of a template.
fn rendered(object: &Value) -> Option<Value> {
    let source = object.get("template")?.as_str()?;
    let stamp = Stamp { run_id: "", job: "", template: "" };
    let template = Template::compile(source, "", &stamp).ok()?;
    let variables = object.get("variables");
    let value = |name: &String| match name.as_str() {
        "iteration" => ParamValue::Int(0),
        "replica" => ParamValue::Int(1),
        _ => match variables.and_then(|variables| variables.get(name)) {
            Some(Value::Number(number)) => ParamValue::Int(number.as_i64().unwrap_or(0)),
            Some(Value::String(text)) => ParamValue::Text(text),
            _ => ParamValue::Text("x"),
        },
    };
    let values: Vec<_> = template.params().iter().map(value).collect();
    let mut renderer = template.renderer();
    serde_json::from_slice(renderer.render(&values).ok()?.body).ok()
}

/// Pods that come of one object.
fn pods_of(object: &Value, nodes: u64) -> u64 {
    let spec = |key: &str| object.get("spec").and_then(|spec| spec.get(key)).and_then(Value::as_u64);
    match object.get("kind").and_then(Value::as_str) {
        Some("Pod") => 1,
        Some("Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController") => {
            spec("replicas").unwrap_or(1)
        }
        Some("Job") => {
            let parallelism = spec("parallelism").unwrap_or(1);
            parallelism.min(spec("completions").unwrap_or(parallelism))
        }
        Some("DaemonSet") => nodes,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(pods_per_node: u32, mask: u8) -> Capacity {
        let mut config = SimConfig { pods_per_node, ..SimConfig::default() };
        config.node.pod_cidr_mask = mask;
        Capacity::new(&config)
    }

    fn check(capacity: Capacity, there: u64, made: u64, no_place: u64, no_address: u64) {
        assert_eq!(capacity.judge_one(there, made), JobPods { made, no_place, no_address });
    }

    #[test]
    fn pods_past_the_places_or_the_addresses_do_not_start() {
        check(capacity(110, 24), 0, 110, 0, 0);
        check(capacity(110, 24), 0, 150, 40, 0);
        check(capacity(400, 24), 0, 300, 0, 47);
        check(capacity(400, 23), 0, 300, 0, 0);
        check(capacity(400, 24), 200, 300, 100, 147);
        check(capacity(110, 24), 500, 10, 10, 0);
    }

    #[test]
    fn pods_are_counted_by_kind() {
        let object = |kind: &str, spec: Value| pods_of(&json!({ "kind": kind, "spec": spec }), 3);
        assert_eq!(object("Pod", json!({})), 1);
        assert_eq!((object("Deployment", json!({})), object("Deployment", json!({ "replicas": 4 }))), (1, 4));
        assert_eq!(object("Job", json!({ "parallelism": 5, "completions": 2 })), 2);
        assert_eq!((object("DaemonSet", json!({})), object("ConfigMap", json!({}))), (3, 0));
    }

    #[test]
    fn a_configuration_makes_iterations_times_replicas() {
        let template = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: 'a-{{ iteration }}'}\nspec: {replicas: {{ n }}}".replace("{replicas: {{ n }}}", "\n  replicas: {{ n }}");
        let object = json!({ "template": template, "replicas": 3, "variables": { "n": 2 } });
        assert_eq!(made(&json!({ "create": { "iterations": 5, "objects": [object] } }), 1), Some(30));
    }
}
