//! Where daemons run: the nodes that may have one, and the node that a pod is made for.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::controllers::Seen;
use crate::controllers::pods::Pod;
use crate::controllers::scheduler::{Taint, Wishes};
use crate::store::{ChangeKind, Object};

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeWire {
    spec: NodeSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    taints: Vec<Taint>,
}

/// Whether a change of a node may change where daemons run; heartbeats do not.
pub(super) fn affects_daemons(seen: Seen<'_>) -> bool {
    let Some(previous) = &seen.change.previous else { return true };
    let object = &seen.change.object;
    let spec = |object: &Object| object.value().get("spec").cloned();
    seen.change.kind != ChangeKind::Modified
        || previous.labels != object.labels
        || spec(previous) != spec(object)
}

/// Pods by the node that they are on or made for.
pub(super) fn place(pods: &[Arc<Pod>]) -> BTreeMap<String, Vec<Arc<Pod>>> {
    let mut placed = BTreeMap::<String, Vec<Arc<Pod>>>::new();
    for pod in pods {
        let node = pod.node.as_ref().map(ToString::to_string).or_else(|| wanted_node(&pod.object));
        if let Some(node) = node {
            placed.entry(node).or_default().push(pod.clone());
        }
    }
    placed
}

/// The node in the affinity that this controller wrote.
fn wanted_node(pod: &Object) -> Option<String> {
    let value = pod.value();
    let terms = value.pointer(
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0",
    );
    terms.and_then(Value::as_str).map(str::to_owned)
}

/// Replaces whatever the affinity says about node names by one node (`ReplaceDaemonSetPodNodeNameNodeAffinity`).
pub(super) fn pin(spec: &mut Map<String, Value>, node: &str) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let field = json!([{ "key": "metadata.name", "operator": "In", "values": [node] }]);
    let affinity = spec.entry("affinity").or_insert_with(|| json!({}));
    let Some(affinity) = affinity.as_object_mut() else { return };
    let node_affinity = affinity.entry("nodeAffinity").or_insert_with(|| json!({}));
    let Some(node_affinity) = node_affinity.as_object_mut() else { return };
    let required = node_affinity.entry(REQUIRED).or_insert_with(|| json!({ "nodeSelectorTerms": [{}] }));
    let terms = required.get_mut("nodeSelectorTerms").and_then(Value::as_array_mut);
    for term in terms.into_iter().flatten().filter_map(Value::as_object_mut) {
        term.insert("matchFields".into(), field.clone());
    }
}

/// The spec without the pin, to ask which nodes would be accepted.
pub(super) fn without_affinity_fields(mut spec: Value) -> Value {
    const TERMS: &str =
        "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = spec.pointer_mut(TERMS).and_then(Value::as_array_mut);
    let mut any_left = false;
    for term in terms.into_iter().flatten().filter_map(Value::as_object_mut) {
        term.remove("matchFields");
        any_left |= !term.is_empty();
    }
    if !any_left
        && let Some(affinity) = spec.pointer_mut("/affinity/nodeAffinity").and_then(Value::as_object_mut)
    {
        affinity.remove("requiredDuringSchedulingIgnoredDuringExecution");
    }
    spec
}

pub(super) fn should_run(node: &Object, wishes: &Wishes) -> bool {
    let taints = node.decode::<NodeWire>().map(|wire| wire.spec.taints).unwrap_or_default();
    let repelled = taints
        .iter()
        .any(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute") && !wishes.tolerates(taint));
    wishes.accepts(node) && !repelled
}
