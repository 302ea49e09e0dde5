//! What the numbers of a run depend on besides its scenario: the API servers, nodes, admission, how full the
//! cluster is, the machine that makes the load.
//!
//! Read before and after the load, never while it goes on. What this user may not read is left out: a
//! comparison then says nothing about it.

mod machine;
mod server;

use std::collections::BTreeMap;

use bench_cluster::{Cluster, ListQuery, Request};
use bench_model::{ResourceRef, Verb};
use bench_results::NodeShape;
use serde::Deserialize;

pub use machine::{host, own_digest, throttled_periods};
pub use server::{api_servers, build, feature_gates};

/// Resources that are counted: those that fill etcd and the caches of the API server.
const COUNTED: [(&str, &str, &str); 11] = [
    ("", "v1", "nodes"),
    ("", "v1", "namespaces"),
    ("", "v1", "pods"),
    ("", "v1", "services"),
    ("", "v1", "configmaps"),
    ("", "v1", "secrets"),
    ("", "v1", "events"),
    ("apps", "v1", "deployments"),
    ("apps", "v1", "replicasets"),
    ("batch", "v1", "jobs"),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
];

/// What may change or refuse a request on its way in.
const ADMISSION: [(&str, &str); 4] = [
    ("mutating", "mutatingwebhookconfigurations"),
    ("validating", "validatingwebhookconfigurations"),
    ("validating-policy", "validatingadmissionpolicies"),
    ("mutating-policy", "mutatingadmissionpolicies"),
];

/// Nodes that are read at most.
const MAX_NODES: usize = 20_000;
const PAGE: u32 = 500;
/// Characters of one text that are kept.
const MAX_TEXT: usize = 200;
/// Shapes of nodes that are told apart; the other nodes are counted together.
const MAX_SHAPES: usize = 100;
/// Webhooks and policies that are named.
const MAX_ADMISSION: usize = 500;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Node {
    metadata: Metadata,
    status: NodeStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    labels: BTreeMap<String, String>,
    remaining_item_count: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeStatus {
    node_info: NodeInfo,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeInfo {
    kubelet_version: String,
    container_runtime_version: String,
    kernel_version: String,
    os_image: String,
    architecture: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counted {
    metadata: Metadata,
    items: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named {
    metadata: Metadata,
}

/// What a server may say in one text; no control characters.
fn capped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect::<String>().trim().to_owned()
}

fn resource(group: &str, version: &str, plural: &str) -> ResourceRef {
    ResourceRef {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
        namespace: String::new(),
    }
}

/// Objects by resource. One object of each is read; the server tells how many more there are.
pub async fn objects(cluster: &Cluster) -> BTreeMap<String, u64> {
    let mut objects = BTreeMap::new();
    for (group, version, plural) in COUNTED {
        let target = resource(group, version, plural);
        if let Some(n) = count(cluster, &target).await {
            objects.insert(target.to_string(), n);
        }
    }
    objects
}

async fn count(cluster: &Cluster, target: &ResourceRef) -> Option<u64> {
    let request = Request {
        verb: Verb::List,
        target,
        name: "",
        query: "limit=1",
        content_type: "",
        body: Default::default(),
        keep_body: true,
    };
    let reply = cluster.call(request).await.ok()?;
    let list: Counted = serde_json::from_slice(&reply.body).ok()?;
    Some(list.items.len() as u64 + list.metadata.remaining_item_count.unwrap_or(0))
}

/// Nodes by shape; empty when they may not be listed.
pub async fn nodes(cluster: &Cluster) -> Vec<NodeShape> {
    let mut shapes: BTreeMap<NodeShape, u64> = BTreeMap::new();
    for node in all::<Node>(cluster, &resource("", "v1", "nodes")).await.unwrap_or_default() {
        let NodeInfo { kubelet_version, container_runtime_version, kernel_version, os_image, architecture } =
            node.status.node_info;
        let instance_type = node.metadata.labels.get("node.kubernetes.io/instance-type").cloned();
        let shape = NodeShape {
            kubelet: capped(&kubelet_version),
            runtime: capped(&container_runtime_version),
            kernel: capped(&kernel_version),
            os: capped(&os_image),
            architecture: capped(&architecture),
            instance_type: capped(&instance_type.unwrap_or_default()),
            count: 0,
        };
        let is_known = shapes.len() < MAX_SHAPES || shapes.contains_key(&shape);
        let others = || NodeShape { kubelet: "others".to_owned(), ..NodeShape::default() };
        *shapes.entry(if is_known { shape } else { others() }).or_default() += 1;
    }
    shapes.into_iter().map(|(shape, count)| NodeShape { count, ..shape }).collect()
}

/// Names of all nodes; empty when they may not be listed.
pub async fn node_names(cluster: &Cluster) -> Vec<String> {
    let nodes = all::<Named>(cluster, &resource("", "v1", "nodes")).await.unwrap_or_default();
    nodes.into_iter().map(|node| node.metadata.name).collect()
}

/// Names of what takes part in admission; `None` when nothing of it may be listed.
pub async fn admission(cluster: &Cluster) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut is_known = false;
    for (kind, plural) in ADMISSION {
        let target = resource("admissionregistration.k8s.io", "v1", plural);
        if let Some(found) = all::<Named>(cluster, &target).await {
            is_known = true;
            names.extend(found.into_iter().map(|one| format!("{kind}/{}", capped(&one.metadata.name))));
        }
    }
    names.sort();
    names.truncate(MAX_ADMISSION);
    is_known.then_some(names)
}

/// All objects of a resource, as far as they can be read; `None` when they may not be listed.
async fn all<T: serde::de::DeserializeOwned>(cluster: &Cluster, target: &ResourceRef) -> Option<Vec<T>> {
    let query = ListQuery { limit: PAGE, ..ListQuery::default() };
    cluster.list_all(target, query, MAX_NODES, |item| serde_json::from_str(item).ok()).await.ok()
}
