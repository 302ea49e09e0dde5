//! metrics-server: what nodes and pods use, for `kubectl top` and the autoscaler of pods.
//!
//! A process beside kube-apiserver, which reaches it as the aggregated API `metrics.k8s.io`. It verifies the kubelets'
//! certificates: the lab's authority signed them for the addresses that are asked. Fake nodes are left out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use super::rbac::{self, Rule};
use crate::component::{Component, Setup};
use crate::control_plane::StartError;
use crate::nodes;

/// User, name of the certificate, and of the service.
pub(crate) const USER: &str = "metrics-server";
/// Name by which kube-apiserver knows it in its certificate.
pub(crate) const SERVING_HOST: &str = "metrics-server.kube-system.svc";

const PORT: u16 = 4443;
const API: &str = "/apis/metrics.k8s.io/v1beta1";

/// Gives it its rights; to be done before it starts.
pub(crate) fn install(setup: &Setup) -> Result<(), StartError> {
    rbac::grant(
        setup,
        USER,
        &[
            Rule { group: "", resources: &["nodes/metrics"], verbs: &["get"] },
            Rule { group: "", resources: &["pods", "nodes"], verbs: &["get", "list", "watch"] },
        ],
    )?;
    rbac::bind(setup, USER, "system:auth-delegator")?;
    rbac::bind_in(setup, "kube-system", USER, "extension-apiserver-authentication-reader")
}

pub(crate) fn command(setup: &Setup, program: PathBuf) -> Command {
    let kubeconfig = setup.kubeconfig(USER).display().to_string();
    let serving = setup.identity(USER);
    let mut command = Command::new(program);
    command.args([
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        format!("--bind-address={}", address(setup).ip()),
        format!("--secure-port={PORT}"),
        format!("--tls-cert-file={}", serving.certificate.display()),
        format!("--tls-private-key-file={}", serving.key.display()),
        format!("--kubelet-certificate-authority={}", setup.pki_file("ca.crt").display()),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        // The shortest that it takes. Two looks at a pod are needed before there is anything to tell.
        "--metric-resolution=10s".to_owned(),
        // Has to be shorter than that.
        "--kubelet-request-timeout=9s".to_owned(),
        // What kwok plays has no kubelet.
        "--node-selector=type!=kwok".to_owned(),
    ]);
    command
}

/// Whether the process answers; it may have nothing to tell yet.
pub(crate) fn answers(setup: &Setup) -> bool {
    setup.client.get(address(setup), "/livez").is_ok_and(|answer| answer.status == 200)
}

/// Makes its API part of the cluster's. Only once it answers: an API group that does not answer keeps namespaces from
/// being deleted, and kube-apiserver looks again after half a minute.
pub(crate) fn register(setup: &Setup) -> Result<(), StartError> {
    nodes::post(
        setup,
        "/api/v1/namespaces/kube-system/services",
        &json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": USER },
            // kube-apiserver runs where there is no kube-proxy, so an address of the services' range leads nowhere.
            "spec": { "type": "ExternalName", "externalName": address(setup).ip() },
        }),
    )?;
    nodes::post(
        setup,
        "/apis/apiregistration.k8s.io/v1/apiservices",
        &json!({
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": { "name": "v1beta1.metrics.k8s.io" },
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "caBundle": BASE64.encode(setup.authority_certificate()),
                "service": { "name": USER, "namespace": "kube-system", "port": PORT },
            },
        }),
    )
}

/// Whether kube-apiserver passes requests on to it.
pub(crate) fn is_ready(setup: &Setup) -> bool {
    nodes::get(setup, API).is_some()
}

fn address(setup: &Setup) -> SocketAddr {
    SocketAddr::new(setup.address(Component::ApiServer).ip(), PORT)
}
