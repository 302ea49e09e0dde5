//! What every cluster has from the start.

use serde_json::{Value, json};

use super::context::Context;
use super::nodes;
use crate::registry::KindRef;

/// Namespaces that kube-apiserver makes.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Puts namespaces, nodes and storage classes into the store, unless they are there.
pub(super) fn fill(context: &mut Context) {
    let kinds = context.kinds.clone();
    for name in NAMESPACES {
        put(context, &kinds.namespaces, "", json!({ "metadata": { "name": name } }));
    }
    for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)]
    {
        let description = "Used for system critical pods.";
        let class = json!({ "metadata": { "name": name }, "value": value, "description": description });
        put(context, &kinds.priority_classes, "", class);
    }
    for (idx, class) in context.settings.storage.classes.clone().iter().enumerate() {
        let mode = if class.wait_for_first_consumer { "WaitForFirstConsumer" } else { "Immediate" };
        let mut annotations = json!({});
        if idx == 0 {
            annotations = json!({ "storageclass.kubernetes.io/is-default-class": "true" });
        }
        let class = json!({
            "metadata": { "name": class.name, "annotations": annotations },
            "provisioner": "sim.bench.dev/provisioner",
            "reclaimPolicy": "Delete",
            "volumeBindingMode": mode,
        });
        put(context, &kinds.storage_classes, "", class);
    }
    put(context, &kinds.services, "default", kubernetes_service());
    for number in 0..context.node_settings.count {
        let node = nodes::manifest(&context.node_settings, number, &context.clock.seconds());
        put(context, &kinds.nodes, "", node);
    }
}

fn kubernetes_service() -> Value {
    json!({
        "metadata": {
            "name": "kubernetes",
            "labels": { "component": "apiserver", "provider": "kubernetes" },
        },
        "spec": {
            "clusterIP": "10.96.0.1",
            "clusterIPs": ["10.96.0.1"],
            "type": "ClusterIP",
            "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443 }],
        },
    })
}

fn put(context: &mut Context, kind: &KindRef, namespace: &str, object: Value) {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Err(error) = context.ensure(kind, namespace, &name, object) {
        tracing::warn!(kind = kind.kind, name, %error, "the start of the cluster was refused");
    }
}
