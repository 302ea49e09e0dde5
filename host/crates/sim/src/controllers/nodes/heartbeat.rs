//! What the kubelet of a node writes about the node itself: that it is ready, its heartbeats, its lease.

use serde_json::{Value, json};

use super::NOT_READY_TAINT;
use super::manifest::{node_address, status};
use crate::controllers::conditions;
use crate::controllers::context::{Context, SyncError};
use crate::store::Object;

/// Writes all that kubelet says about its node, and takes the taint away.
pub(super) fn become_ready(node: &Object, context: &Context) -> Result<(), SyncError> {
    let (settings, now) = (&context.node_settings, context.clock.seconds());
    let number = context.random.number(&["node address", &node.name]);
    let name = node.name.to_string();
    context.update_free(node, |value| {
        if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut)
            && let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut)
        {
            taints.retain(|taint| taint.get("key").and_then(Value::as_str) != Some(NOT_READY_TAINT));
            if taints.is_empty() {
                spec.remove("taints");
            }
        }
        // Far above the addresses of the nodes of the start.
        let address = node_address(65_536 + u32::try_from(number % 65_536).unwrap_or(0));
        let known = status(settings, &name, address, &now);
        let Some(status) = conditions::status_of(value) else { return };
        for (field, wanted) in known {
            match status.get(&field) {
                // What a user set (capacity above all) stays.
                Some(present) if field != "conditions" && !present.is_null() && present != &json!({}) => {}
                _ => drop(status.insert(field, wanted)),
            }
        }
        if let Some(capacity) = status.get("capacity").cloned() {
            status.insert("allocatable".into(), capacity);
        }
    })?;
    Ok(())
}

/// Moves the heartbeat times of the conditions on.
pub(super) fn report(node: &Object, context: &Context) -> Result<(), SyncError> {
    let now = context.clock.seconds();
    context.update_free(node, |value| {
        let list = value.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
        for condition in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            condition.insert("lastHeartbeatTime".into(), now.as_str().into());
        }
    })?;
    Ok(())
}

/// Renews the lease of a node; true when there was none and it was made.
pub(super) fn renew_lease(node: &Object, context: &Context) -> Result<bool, SyncError> {
    const NAMESPACE: &str = "kube-node-lease";
    let leases = &context.kinds.leases;
    if let Some(lease) = context.get(leases, NAMESPACE, &node.name) {
        let now = context.clock.micros();
        context.edit_free(&lease, |lease| {
            lease.map("spec").insert("renewTime".into(), now.into());
        })?;
        return Ok(false);
    }
    let lease = json!({
        "metadata": {
            "name": node.name,
            "ownerReferences": [{ "apiVersion": "v1", "kind": "Node", "name": node.name, "uid": node.uid }],
        },
        "spec": {
            "holderIdentity": node.name,
            "leaseDurationSeconds": context.stages.node.lease_duration.as_secs(),
            "renewTime": context.clock.micros(),
        },
    });
    context.store.create(leases, NAMESPACE, lease)?;
    Ok(true)
}
