//! Nodes as they are when they are ready: object, status, address.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use crate::controllers::conditions::{self, Condition, Times};
use crate::controllers::kubelet::addresses::Cidr;
use crate::controllers::settings::NodeSettings;

/// Returns the Node object number so-and-so of the start, ready.
pub(in crate::controllers) fn manifest(settings: &NodeSettings, number: u32, now: &str) -> Value {
    let name = format!("{}{number}", settings.name_prefix);
    let mut labels = json!({
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
    });
    let zone = usize::try_from(number)
        .ok()
        .and_then(|number| settings.zones.iter().cycle().nth(number % settings.zones.len().max(1)));
    if let (Some(labels), Some(zone)) = (labels.as_object_mut(), zone) {
        labels.insert("topology.kubernetes.io/zone".into(), zone.as_str().into());
    }
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(settings.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
    }
    let mut annotations = Map::new();
    annotations.insert("node.alpha.kubernetes.io/ttl".into(), "0".into());
    annotations.insert("volumes.kubernetes.io/controller-managed-attach-detach".into(), "true".into());
    annotations.extend(settings.annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
    let mut spec = json!({});
    let cidr =
        Cidr::parse(&settings.cluster_cidr).and_then(|range| range.subnet(settings.pod_cidr_mask, number));
    if let (Some(spec), Some(cidr)) = (spec.as_object_mut(), cidr) {
        spec.insert("podCIDR".into(), cidr.to_string().into());
        spec.insert("podCIDRs".into(), json!([cidr.to_string()]));
    }
    if !settings.taints.is_empty()
        && let (Some(spec), Ok(taints)) = (spec.as_object_mut(), serde_json::to_value(&settings.taints))
    {
        spec.insert("taints".into(), taints);
    }
    json!({
        "metadata": { "name": name, "labels": labels, "annotations": annotations },
        "spec": spec,
        "status": status(settings, &name, node_address(number), now),
    })
}

/// The status of a ready node.
pub(super) fn status(
    settings: &NodeSettings,
    name: &str,
    address: Ipv4Addr,
    now: &str,
) -> Map<String, Value> {
    let mut status = Map::new();
    let resources = json!({
        "cpu": settings.cpu,
        "ephemeral-storage": settings.ephemeral_storage,
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": settings.memory,
        "pods": settings.pods.to_string(),
    });
    status.insert(
        "addresses".into(),
        json!([
            { "type": "InternalIP", "address": address.to_string() },
            { "type": "Hostname", "address": name },
        ]),
    );
    status.insert("allocatable".into(), resources.clone());
    status.insert("capacity".into(), resources);
    for (kind, value, reason, message) in [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ] {
        let condition = Condition {
            kind,
            status: value,
            reason: Some(reason),
            message: Some(message),
            observed_generation: None,
        };
        conditions::set(&mut status, Times::Heartbeat, condition, now);
    }
    status.insert("daemonEndpoints".into(), json!({ "kubeletEndpoint": { "Port": 10250 } }));
    status.insert(
        "nodeInfo".into(),
        json!({
            "architecture": "amd64",
            "bootID": "",
            "containerRuntimeVersion": "containerd://2.2.0",
            "kernelVersion": "6.12.0",
            "kubeProxyVersion": "",
            "kubeletVersion": settings.kubelet_version,
            "machineID": "",
            "operatingSystem": "linux",
            "osImage": "bench simulated node",
            "systemUUID": "",
        }),
    );
    status
}

/// 172.18.0.2 and following.
pub(super) fn node_address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 18, 0, 2)).saturating_add(number))
}
