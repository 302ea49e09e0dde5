//! Waits until controllers have furnished the namespaces that a run has made.
//!
//! kube-controller-manager puts a ServiceAccount and a ConfigMap into each new namespace. Load that leaves before
//! shares the API server with that, and part of its latency is the cost of its own preparation; a pod that is created
//! directly waits in admission for its ServiceAccount, or is refused.

use std::time::Duration;

use bench_cluster::RequestError;
use bench_model::ResourceRef;
use tokio::time::{self, Instant};

use super::RunParts;

/// What every namespace gets: `pkg/controller/serviceaccount/serviceaccounts_controller.go` and
/// `pkg/controller/certificates/rootcacertpublisher/publisher.go` of Kubernetes.
const FURNITURE: [(&str, &str); 2] = [("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")];
/// From one look to the next: twice as long each time, from here to [`SLOWEST_LOOK`].
const FIRST_LOOK: Duration = Duration::from_millis(10);
const SLOWEST_LOOK: Duration = Duration::from_millis(160);
/// Without progress for so long, nobody furnishes namespaces in this cluster. At the upstream default of 20 requests a
/// second, the next namespace is done after 50 ms.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for all namespaces made so far, or tells why the load starts all the same.
pub(super) async fn furnished(parts: &RunParts) {
    for namespace in parts.ledger().namespaces_made() {
        for (plural, name) in FURNITURE {
            let [group, version, plural] = ["", "v1", plural].map(str::to_owned);
            let target = ResourceRef { group, version, plural, namespace: namespace.name.clone() };
            if let Err(error) = is_there(parts, &target, name).await {
                return parts.warn(competed(&target, name, &error)).await;
            }
        }
    }
}

async fn is_there(parts: &RunParts, target: &ResourceRef, name: &str) -> Result<(), RequestError> {
    let give_up = Instant::now() + PATIENCE;
    let mut pause = FIRST_LOOK;
    loop {
        let Err(error) = parts.cluster.get(target, name).await else { return Ok(()) };
        let may_come = error.http_status() == 404 || error.is_retryable();
        if !may_come || Instant::now() >= give_up {
            return Err(error);
        }
        time::sleep(pause).await;
        pause = (pause * 2).min(SLOWEST_LOOK);
    }
}

fn competed(target: &ResourceRef, name: &str, error: &RequestError) -> String {
    format!(
        "the load did not wait until controllers had furnished its new namespaces, and may have competed with them: \
         {target} `{name}` in `{}`: {error}",
        target.namespace
    )
}
