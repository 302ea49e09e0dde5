//! Fake nodes: the Node objects that kwok plays.

use serde_json::{Value, json};

use crate::component::{Component, Setup};
use crate::control_plane::StartError;

/// Annotation by which kwok knows its nodes.
pub(crate) const ANNOTATION: &str = "kwok.x-k8s.io/node=fake";

/// Creates the nodes `fake-0000` and up.
pub(crate) fn create(setup: &Setup) -> Result<(), StartError> {
    for index in 0..setup.options.nodes {
        let node = node(index, setup.options.pods_per_node);
        post(setup, "/api/v1/nodes", &node)?;
    }
    Ok(())
}

/// Creates an object; one that exists already is as good.
pub(crate) fn post(setup: &Setup, path: &str, object: &Value) -> Result<(), StartError> {
    let address = setup.address(Component::ApiServer);
    let answer = setup.client.post(address, path, &object.to_string()).map_err(StartError::Client)?;
    match answer.status {
        200..=299 | 409 => Ok(()),
        status => Err(StartError::Refused { path: path.to_owned(), status, answer: answer.body }),
    }
}

/// An object or list; `None` if it cannot be had.
pub(crate) fn get(setup: &Setup, path: &str) -> Option<Value> {
    let answer = setup.client.get(setup.address(Component::ApiServer), path).ok()?;
    (answer.status == 200).then(|| serde_json::from_str(&answer.body).ok()).flatten()
}

/// Number of fake nodes that say they are Ready; 0 if they cannot be listed.
pub(crate) fn n_ready(setup: &Setup) -> u32 {
    let Some(list) = get(setup, "/api/v1/nodes?labelSelector=type%3Dkwok") else { return 0 };
    let nodes = list.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    u32::try_from(nodes.iter().filter(|node| is_ready(node)).count()).unwrap_or(u32::MAX)
}

pub(crate) fn is_ready(node: &Value) -> bool {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        let field = |name| condition.get(name).and_then(Value::as_str);
        field("type") == Some("Ready") && field("status") == Some("True")
    })
}

fn node(index: u32, pods: u32) -> Value {
    let name = format!("fake-{index:04}");
    let resources =
        json!({ "cpu": "32", "memory": "256Gi", "ephemeral-storage": "100Gi", "pods": pods.to_string() });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": { "kwok.x-k8s.io/node": "fake" },
            "labels": {
                "type": "kwok",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": format!("zone-{}", index % 3),
            },
        },
        "spec": { "providerID": format!("kwok://{name}") },
        "status": { "allocatable": resources, "capacity": resources },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_true_ready_condition_counts() {
        let node = |kind: &str, status: &str| json!({ "status": { "conditions": [{ "type": kind, "status": status }] } });
        assert!(is_ready(&node("Ready", "True")));
        assert!(!is_ready(&node("Ready", "Unknown")));
        assert!(!is_ready(&node("DiskPressure", "True")));
        assert!(!is_ready(&json!({})));
    }
}
