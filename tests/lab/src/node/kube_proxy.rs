//! kube-proxy with iptables, in the node's network namespace.

use std::process::Command;

use serde_json::json;

use super::{NodeError, Place, write};
use crate::NodeProgram;
use crate::network::POD_RANGE;

pub(super) fn command(place: &Place<'_>) -> Command {
    let mut command = Command::new(place.binaries.path(NodeProgram::KubeProxy));
    command.arg(format!("--config={}", place.folder.join("kube-proxy.json").display()));
    command
}

pub(super) fn write_config(place: &Place<'_>) -> Result<(), NodeError> {
    let config = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": { "kubeconfig": place.setup.kubeconfig("kube-proxy") },
        "clusterCIDR": POD_RANGE,
        "hostnameOverride": place.name,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        // Limits of connection tracking belong to the machine's root namespace; zero leaves them alone.
        "conntrack": { "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s" },
        "iptables": { "minSyncPeriod": "0s", "syncPeriod": "30s", "localhostNodePorts": false },
    });
    write(&place.folder.join("kube-proxy.json"), &format!("{config:#}\n"))
}
