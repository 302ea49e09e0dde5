//! kube-scheduler, alone and therefore without leader election.

use super::setup::path_flag;
use super::{Component, Setup};
use crate::options::ClientLimits;

pub(super) fn arguments(setup: &Setup) -> Vec<String> {
    let kubeconfig = setup.kubeconfig("kube-scheduler");
    let serving = setup.identity("kube-scheduler");
    let mut arguments = vec![
        path_flag("kubeconfig", &kubeconfig),
        path_flag("authentication-kubeconfig", &kubeconfig),
        path_flag("authorization-kubeconfig", &kubeconfig),
        format!("--bind-address={}", setup.address(Component::Scheduler).ip()),
        format!("--secure-port={}", setup.port(Component::Scheduler)),
        path_flag("tls-cert-file", &serving.certificate),
        path_flag("tls-private-key-file", &serving.key),
        "--leader-elect=false".to_owned(),
    ];
    match setup.options.client_limits {
        ClientLimits::Upstream => {}
        ClientLimits::Raised => {
            arguments.extend(["--kube-api-qps=500".to_owned(), "--kube-api-burst=1000".to_owned()]);
        }
    }
    arguments
}

/// `/readyz` waits for the scheduler's caches, `/healthz` does not.
pub(super) fn is_ready(setup: &Setup) -> bool {
    setup.answers(Component::Scheduler, "/readyz")
}
