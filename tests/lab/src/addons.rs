//! What a cluster of real nodes offers beyond Kubernetes itself: names in DNS, volumes, and what `kubectl top` shows.

use serde_json::Value;

use crate::component::Setup;
use crate::nodes;

pub(crate) mod csi;
pub(crate) mod dns;
pub(crate) mod metrics;
mod rbac;
pub(crate) mod snapshots;
pub(crate) mod volumes;

/// Address of the DNS service, as every kubelet tells its pods.
pub(crate) const DNS_ADDRESS: &str = "10.96.0.10";

/// Whether a Deployment has all it wants.
pub(crate) fn is_available(setup: &Setup, namespace: &str, name: &str) -> bool {
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
    let available =
        |deployment: Value| deployment.pointer("/status/availableReplicas").and_then(Value::as_u64);
    nodes::get(setup, &path).and_then(available).is_some_and(|n_available| n_available > 0)
}
