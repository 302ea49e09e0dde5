//! kube-controller-manager, alone and therefore without leader election.

use super::setup::path_flag;
use super::{Component, Setup};
use crate::network::{POD_RANGE, SERVICE_RANGE};
use crate::options::ClientLimits;

pub(super) fn arguments(setup: &Setup) -> Vec<String> {
    let kubeconfig = setup.kubeconfig("kube-controller-manager");
    let serving = setup.identity("kube-controller-manager");
    let authority = setup.identity("ca");
    let mut arguments = vec![
        path_flag("kubeconfig", &kubeconfig),
        path_flag("authentication-kubeconfig", &kubeconfig),
        path_flag("authorization-kubeconfig", &kubeconfig),
        format!("--bind-address={}", setup.address(Component::ControllerManager).ip()),
        format!("--secure-port={}", setup.port(Component::ControllerManager)),
        path_flag("tls-cert-file", &serving.certificate),
        path_flag("tls-private-key-file", &serving.key),
        "--leader-elect=false".to_owned(),
        "--use-service-account-credentials=true".to_owned(),
        path_flag("service-account-private-key-file", &setup.pki_file("sa.key")),
        path_flag("root-ca-file", &authority.certificate),
        path_flag("client-ca-file", &authority.certificate),
        path_flag("requestheader-client-ca-file", &authority.certificate),
        path_flag("cluster-signing-cert-file", &authority.certificate),
        path_flag("cluster-signing-key-file", &authority.key),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        "--allocate-node-cidrs=true".to_owned(),
        // Room for 4096 nodes of 254 pods.
        format!("--cluster-cidr={POD_RANGE}"),
        format!("--node-cidr-mask-size={}", setup.options.pod_range_bits),
    ];
    match setup.options.client_limits {
        ClientLimits::Upstream => {}
        ClientLimits::Raised => {
            arguments.extend(["--kube-api-qps=500".to_owned(), "--kube-api-burst=1000".to_owned()]);
        }
    }
    arguments
}

/// Ready when it has done something: pods can only be created in a namespace that has its service account.
pub(super) fn is_ready(setup: &Setup) -> bool {
    setup.answers(Component::ControllerManager, "/healthz")
        && setup.answers(Component::ApiServer, "/api/v1/namespaces/default/serviceaccounts/default")
}
