//! What the nodes of a cluster still take: read from it, nothing else is asked.
//!
//! A node counts if any pod may go there: Ready, not cordoned, no taint that keeps pods away. Its places are
//! `status.allocatable.pods`, its addresses those of its IPv4 range in `spec.podCIDRs`, both less what runs there. Where the network
//! plugin has ranges of its own, it is only known what Kubernetes says.

use std::collections::BTreeMap;

use bench_cluster::{Cluster, ListQuery, RequestError};
use bench_model::ResourceRef;
use serde::Deserialize;

use super::capacity::Room;

/// Nodes and pods that are read at most: more than a supported cluster has.
const MAX_NODES: usize = 20_000;
const MAX_PODS: usize = 500_000;
const PAGE: u32 = 500;

/// Pods that still have their place.
const RUNNING: &str = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Node {
    metadata: Metadata,
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeSpec {
    unschedulable: bool,
    taints: Vec<Taint>,
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Taint {
    effect: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NodeStatus {
    allocatable: Allocatable,
    conditions: Vec<Condition>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Allocatable {
    pods: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Condition {
    r#type: String,
    status: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pod {
    spec: PodSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: String,
    host_network: bool,
}

/// Pods on one node.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    places: u64,
    addresses: u64,
}

/// Room on each node that takes any pod.
///
/// # Errors
/// When nodes or pods may not be listed, or no answer came.
pub async fn rooms(cluster: &Cluster) -> Result<Vec<Room>, RequestError> {
    let query = ListQuery { limit: PAGE, ..ListQuery::default() };
    let parse = |item: &str| serde_json::from_str::<Node>(item).ok();
    let nodes = cluster.list_all(&core("nodes"), query, MAX_NODES, parse).await?;
    let running = ListQuery { field_selector: RUNNING, ..query };
    let parse = |item: &str| serde_json::from_str::<Pod>(item).ok();
    let pods = cluster.list_all(&core("pods"), running, MAX_PODS, parse).await?;
    Ok(free(&nodes, pods))
}

fn core(plural: &str) -> ResourceRef {
    ResourceRef {
        group: String::new(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        namespace: String::new(),
    }
}

fn free(nodes: &[Node], pods: Vec<Pod>) -> Vec<Room> {
    let mut taken: BTreeMap<String, Taken> = BTreeMap::new();
    for Pod { spec } in pods {
        let on = taken.entry(spec.node_name).or_default();
        on.places += 1;
        on.addresses += u64::from(!spec.host_network);
    }
    let room = |node: &Node| {
        let Taken { places, addresses } = taken.get(&node.metadata.name).copied().unwrap_or_default();
        let all: u64 = node.status.allocatable.pods.parse().unwrap_or(0);
        Room {
            places: all.saturating_sub(places),
            addresses: node.addresses().map(|all| all.saturating_sub(addresses)),
        }
    };
    nodes.iter().filter(|node| node.takes_any_pod()).map(room).collect()
}

impl Node {
    fn takes_any_pod(&self) -> bool {
        let is_ready = |condition: &Condition| condition.r#type == "Ready" && condition.status == "True";
        let keeps_away = |taint: &Taint| taint.effect == "NoSchedule" || taint.effect == "NoExecute";
        !self.spec.unschedulable
            && !self.spec.taints.iter().any(keeps_away)
            && self.status.conditions.iter().any(is_ready)
    }

    /// Those of its first range of IPv4.
    fn addresses(&self) -> Option<u64> {
        let ranges = self.spec.pod_cidrs.iter().filter_map(|range| range.split_once('/'));
        let (_, bits) = ranges.into_iter().find(|(address, _)| !address.contains(':'))?;
        bits.parse().ok().map(Room::addresses_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::{Value, json};

    fn node(spec: Value, ready: &str) -> Value {
        let status =
            json!({ "allocatable": { "pods": "110" }, "conditions": [{ "type": "Ready", "status": ready }] });
        json!({ "metadata": { "name": "a" }, "spec": spec, "status": status })
    }

    #[track_caller]
    fn check(nodes: Value, pods: Value, expected: &[Room]) {
        let nodes: Vec<Node> = serde_json::from_value(nodes).expect("nodes");
        assert_eq!(free(&nodes, serde_json::from_value(pods).expect("pods")), expected);
    }

    #[test]
    fn what_runs_on_a_node_has_taken_places_and_addresses() {
        let room = |places, addresses| [Room { places, addresses }];
        let both = json!({ "podCIDRs": ["fd00::/64", "10.0.0.0/24"] });
        check(json!([node(both.clone(), "True")]), json!([]), &room(110, Some(253)));
        let pods = json!([
            { "spec": { "nodeName": "a" } },
            { "spec": { "nodeName": "a", "hostNetwork": true } },
            { "spec": { "nodeName": "b" } },
        ]);
        check(json!([node(both, "True")]), pods.clone(), &room(108, Some(252)));
        check(json!([node(json!({}), "True")]), pods.clone(), &room(108, None));
        check(json!([node(json!({ "podCIDRs": ["10.0.0.0/x"] }), "True")]), pods, &room(108, None));
    }

    #[test]
    fn nodes_that_take_no_pod_are_left_out() {
        let tainted = |effect: &str| json!({ "taints": [{ "key": "k", "effect": effect }] });
        let all = json!([
            node(json!({ "unschedulable": true }), "True"),
            node(tainted("NoSchedule"), "True"),
            node(tainted("NoExecute"), "True"),
            node(json!({}), "Unknown"),
            { "metadata": {} },
        ]);
        check(all, json!([]), &[]);
        check(
            json!([node(tainted("PreferNoSchedule"), "True")]),
            json!([]),
            &[Room { places: 110, addresses: None }],
        );
    }
}
