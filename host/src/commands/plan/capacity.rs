//! How many pods of a plan a cluster cannot start.
//!
//! Known before anything runs where it is known what the nodes take: places for pods and addresses. Counts what plugin
//! `objects` is configured to make; other plugins, selectors, tolerations, processors and memory are left out.

use bench_engine::PlannedJob;
use bench_sim::SimConfig;
use bench_template::{ParamValue, Stamp, Template};
use serde_json::{Value, json};

/// Network, gateway and broadcast of a node's range are no pod's.
const RESERVED_ADDRESSES: u64 = 3;

/// What one node still takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Pods.
    pub places: u64,
    /// Pods with an address of their own; `None` when the cluster does not say.
    pub addresses: Option<u64>,
}

impl Room {
    /// Addresses for pods in a range of IPv4 of which `bits` are the network's.
    pub fn addresses_in(bits: u8) -> u64 {
        let free = 32_u32.saturating_sub(u32::from(bits));
        1_u64.checked_shl(free).unwrap_or(0).saturating_sub(RESERVED_ADDRESSES)
    }
}

/// What all nodes take together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    nodes: u64,
    places: u64,
    /// `None` when one node's are not known.
    addresses: Option<u64>,
    /// Pods that can find a place and an address, at the most: the scheduler knows nothing of addresses, and may put more on a
    /// node than that has while another has some left.
    startable: u64,
    /// Where the nodes are; `None` for a simulated cluster.
    server: Option<String>,
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
    /// Of a simulated cluster.
    pub fn simulated(config: &SimConfig) -> Self {
        let room = Room {
            places: u64::from(config.pods_per_node),
            addresses: Some(Room::addresses_in(config.node.pod_cidr_mask)),
        };
        Self { server: None, ..Self::of((0..config.nodes).map(|_| room), "") }
    }

    /// Of nodes that a server told of.
    pub fn of(rooms: impl IntoIterator<Item = Room>, server: &str) -> Self {
        let none =
            Self { nodes: 0, places: 0, addresses: Some(0), startable: 0, server: Some(server.to_owned()) };
        rooms.into_iter().fold(none, |sum, room| Self {
            nodes: sum.nodes + 1,
            places: sum.places.saturating_add(room.places),
            addresses: sum.addresses.zip(room.addresses).map(|(sum, more)| sum.saturating_add(more)),
            startable: sum
                .startable
                .saturating_add(room.addresses.map_or(room.places, |addresses| addresses.min(room.places))),
            server: sum.server,
        })
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
        let all = there.saturating_add(made);
        let no_place = all.saturating_sub(self.places).min(made);
        let no_address = all.min(self.places).saturating_sub(self.startable).min(made - no_place);
        JobPods { made, no_place, no_address }
    }

    /// For JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "server": self.server,
            "nodes": self.nodes,
            "podPlaces": self.places,
            "podAddresses": self.addresses,
        })
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let Self { nodes, places, addresses, server, .. } = self;
        let plural = if *nodes == 1 { "" } else { "s" };
        let addresses = addresses.map_or_else(|| "unknown".to_owned(), |addresses| addresses.to_string());
        match server {
            None => {
                format!("{nodes} simulated node{plural}; places for pods {places}, addresses {addresses}")
            }
            Some(server) => format!(
                "{server}: {nodes} node{plural} for any pod; free places for pods {places}, free addresses {addresses}"
            ),
        }
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
        Capacity::simulated(&config)
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
    fn nodes_of_different_room_add_up_and_unknown_addresses_hold_nobody_back() {
        let room = |places, addresses| Room { places, addresses };
        let mixed = Capacity::of([room(10, Some(5)), room(3, Some(100))], "x");
        check(mixed.clone(), 0, 8, 0, 0);
        check(mixed.clone(), 0, 9, 0, 1);
        check(mixed, 0, 20, 7, 5);
        check(Capacity::of([room(10, None), room(10, Some(4))], "x"), 0, 20, 0, 6);
        check(Capacity::of([], "x"), 0, 2, 2, 0);
        assert_eq!((Room::addresses_in(24), Room::addresses_in(32), Room::addresses_in(200)), (253, 0, 0));
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
