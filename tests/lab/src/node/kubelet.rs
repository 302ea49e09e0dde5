//! kubelet: authenticated and authorized by the API server, its pods in a control group of their own.

use std::process::Command;

use serde_json::json;

use super::{NodeError, Place, containerd, write};
use crate::NodeProgram;
use crate::addons;

/// Where it answers, usually.
pub(super) const PORT: u16 = 10250;

pub(super) fn command(place: &Place<'_>) -> Command {
    let folder = place.folder.display();
    let mut command = Command::new(place.binaries.path(NodeProgram::Kubelet));
    command.args([
        format!("--config={folder}/kubelet.json"),
        format!("--kubeconfig={}", place.setup.kubeconfig(place.name).display()),
        format!("--root-dir={folder}/kubelet"),
        format!("--cert-dir={folder}/certs"),
        format!("--hostname-override={}", place.name),
        format!("--node-ip={}", place.address),
        "--v=1".to_owned(),
    ]);
    command
}

pub(super) fn write_config(place: &Place<'_>) -> Result<(), NodeError> {
    let identity = place.setup.identity(place.name);
    let resolver = place.folder.join("resolv.conf");
    // Pods that do not use the cluster's DNS have none: nothing in a lab asks outside.
    write(&resolver, "")?;
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": place.address,
        "port": PORT,
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": place.setup.pki_file("ca.crt") },
        },
        "authorization": { "mode": "Webhook" },
        "tlsCertFile": identity.certificate,
        "tlsPrivateKeyFile": identity.key,
        "cgroupDriver": "cgroupfs",
        // Otherwise two kubelets would clean up each other's pods.
        "cgroupRoot": place.cgroup,
        "failCgroupV1": false,
        "failSwapOn": false,
        "oomScoreAdj": 0,
        "containerRuntimeEndpoint": format!("unix://{}", containerd::socket(place).display()),
        "podLogsDir": place.folder.join("pod-logs"),
        "volumePluginDir": place.folder.join("volume-plugins"),
        "resolvConf": resolver,
        "clusterDNS": [addons::DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "maxPods": place.max_pods,
        "enforceNodeAllocatable": ["pods"],
        // The machine's disk and memory are not the lab's to clean up.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "200Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%",
        },
        "serializeImagePulls": false,
    });
    write(&place.folder.join("kubelet.json"), &format!("{config:#}\n"))
}
