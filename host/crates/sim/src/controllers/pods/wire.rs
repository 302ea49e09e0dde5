//! The parts of a pod's JSON that more than one controller needs.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::{HostPort, Owner, Phase, Requests};
use crate::controllers::quantity;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireMetadata {
    pub(super) creation_timestamp: Option<Timestamp>,
    pub(super) deletion_grace_period_seconds: Option<i64>,
    pub(super) owner_references: Vec<WireOwner>,
    pub(super) finalizers: Vec<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct WireOwner {
    kind: Arc<str>,
    name: Arc<str>,
    uid: Arc<str>,
    #[serde(default)]
    pub(super) controller: bool,
}

impl WireOwner {
    pub(super) fn read(&self) -> Owner {
        Owner { kind: self.kind.clone(), name: self.name.clone(), uid: self.uid.clone() }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireSpec {
    pub(super) node_name: String,
    pub(super) scheduler_name: String,
    pub(super) host_network: bool,
    pub(super) scheduling_gates: Vec<serde::de::IgnoredAny>,
    pub(super) containers: Vec<WireContainer>,
    init_containers: Vec<WireContainer>,
    pub(super) volumes: Vec<WireVolume>,
    overhead: HashMap<String, serde_json::Value>,
}

impl WireSpec {
    /// `resourcehelper.PodRequests`: containers together, or the largest init container beside the sidecars that
    /// were started before it.
    pub(super) fn requests(&self) -> Requests {
        let mut sum =
            self.containers.iter().map(WireContainer::requests).fold(Requests::default(), Requests::plus);
        let (mut sidecars, mut largest) = (Requests::default(), Requests::default());
        for container in &self.init_containers {
            let requests = container.requests();
            if container.restart_policy == "Always" {
                sum = sum.plus(requests);
                sidecars = sidecars.plus(requests);
                largest = largest.max(sidecars);
            } else {
                largest = largest.max(sidecars.plus(requests));
            }
        }
        sum.max(largest).plus(read_requests(&self.overhead))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireContainer {
    resources: WireResources,
    restart_policy: String,
    ports: Vec<WirePort>,
}

impl WireContainer {
    fn requests(&self) -> Requests {
        read_requests(&self.resources.requests)
    }

    pub(super) fn host_ports(&self, host_network: bool) -> impl Iterator<Item = HostPort> + '_ {
        self.ports.iter().filter_map(move |port| {
            let number =
                if host_network && port.host_port == 0 { port.container_port } else { port.host_port };
            let protocol = if port.protocol.is_empty() { "TCP" } else { &port.protocol };
            (number > 0).then(|| HostPort {
                port: number,
                protocol: protocol.into(),
                address: port.host_ip.as_str().into(),
            })
        })
    }
}

fn read_requests(requests: &HashMap<String, serde_json::Value>) -> Requests {
    let read = |name: &str, parse: fn(&str) -> Option<i64>| match requests.get(name) {
        Some(serde_json::Value::String(text)) => parse(text).unwrap_or(0),
        Some(serde_json::Value::Number(number)) => parse(&number.to_string()).unwrap_or(0),
        Some(_) | None => 0,
    };
    Requests {
        milli_cpu: read("cpu", quantity::milli),
        memory: read("memory", quantity::whole),
        ephemeral_storage: read("ephemeral-storage", quantity::whole),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireResources {
    requests: HashMap<String, serde_json::Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WirePort {
    container_port: u32,
    host_port: u32,
    #[serde(rename = "hostIP")]
    host_ip: String,
    protocol: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireVolume {
    name: String,
    persistent_volume_claim: Option<WireClaim>,
    ephemeral: Option<serde::de::IgnoredAny>,
}

impl WireVolume {
    pub(super) fn claim_name(&self, pod: &str) -> Option<Box<str>> {
        match (&self.persistent_volume_claim, &self.ephemeral) {
            (Some(claim), _) => Some(claim.claim_name.as_str().into()),
            (None, Some(_)) => Some(format!("{pod}-{}", self.name).into()),
            (None, None) => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireClaim {
    claim_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireStatus {
    pub(super) phase: Phase,
    #[serde(rename = "podIP")]
    pub(super) pod_ip: String,
    pub(super) conditions: Vec<WireCondition>,
    pub(super) container_statuses: Vec<WireContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireCondition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) last_transition_time: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireContainerStatus {
    pub(super) restart_count: u32,
}
