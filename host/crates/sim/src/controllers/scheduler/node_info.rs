//! A node as the scheduler sees it: what it has, what is taken, what it repels.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::controllers::pods::{HostPort, Requests};
use crate::controllers::quantity;
use crate::store::Object;

/// A node and the pods counted on it.
#[derive(Debug, Clone)]
pub(crate) struct NodeInfo {
    pub(crate) object: Arc<Object>,
    pub(crate) unschedulable: bool,
    pub(crate) taints: Vec<Taint>,
    pub(crate) allocatable: Requests,
    pub(crate) max_pods: i64,
    pub(crate) used: Load,
}

/// What pods take from a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    pub(crate) requests: Requests,
    /// Requests with 100m and 200 MiB for pods that ask for nothing, as scores count them.
    pub(crate) scored: Requests,
    pub(crate) pods: i64,
    pub(crate) host_ports: Vec<HostPort>,
    /// Pods for each controller, by the hash of its UID; a node has few, and all nodes are asked for each pod.
    by_owner: Vec<(u64, u32)>,
}

/// What one pod takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) requests: Requests,
    pub(crate) host_ports: Box<[HostPort]>,
    /// Hash of the controller's UID.
    pub(crate) owner: Option<u64>,
}

impl Share {
    /// `GetNonzeroRequests`: what scores count.
    pub(crate) fn scored(&self) -> Requests {
        let or = |value: i64, default: i64| if value == 0 { default } else { value };
        Requests {
            milli_cpu: or(self.requests.milli_cpu, 100),
            memory: or(self.requests.memory, 200 * 1024 * 1024),
            ephemeral_storage: self.requests.ephemeral_storage,
        }
    }
}

impl Load {
    pub(crate) fn add(&mut self, share: &Share) {
        self.requests = self.requests.plus(share.requests);
        self.scored = self.scored.plus(share.scored());
        self.pods += 1;
        self.host_ports.extend(share.host_ports.iter().cloned());
        if let Some(owner) = share.owner {
            match self.by_owner.iter_mut().find(|(known, _)| *known == owner) {
                Some((_, count)) => *count += 1,
                None => self.by_owner.push((owner, 1)),
            }
        }
    }

    pub(crate) fn remove(&mut self, share: &Share) {
        self.requests = self.requests.minus(share.requests);
        self.scored = self.scored.minus(share.scored());
        self.pods -= 1;
        for port in &share.host_ports {
            if let Some(place) = self.host_ports.iter().position(|held| held == port) {
                self.host_ports.swap_remove(place);
            }
        }
        if let Some(owner) = share.owner
            && let Some(place) = self.by_owner.iter().position(|(known, _)| *known == owner)
            && let Some((_, count)) = self.by_owner.get_mut(place)
        {
            *count -= 1;
            if *count == 0 {
                self.by_owner.swap_remove(place);
            }
        }
    }

    /// How many pods of the same controller there are.
    pub(crate) fn siblings(&self, share: &Share) -> i64 {
        let Some(owner) = share.owner else { return 0 };
        self.by_owner.iter().find(|(known, _)| *known == owner).map_or(0, |(_, count)| i64::from(*count))
    }
}

/// `v1.Taint`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Taint {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) effect: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    spec: WireSpec,
    status: WireStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    unschedulable: bool,
    taints: Vec<Taint>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireStatus {
    allocatable: HashMap<String, serde_json::Value>,
}

impl NodeInfo {
    /// Reads a node; `load` is what is known to be on it.
    pub(crate) fn read(object: &Arc<Object>, load: Load) -> Option<Self> {
        let wire: Wire = object.decode().ok()?;
        let read = |name: &str, parse: fn(&str) -> Option<i64>| match wire.status.allocatable.get(name) {
            Some(serde_json::Value::String(text)) => parse(text).unwrap_or(0),
            Some(serde_json::Value::Number(number)) => parse(&number.to_string()).unwrap_or(0),
            Some(_) | None => 0,
        };
        Some(Self {
            object: object.clone(),
            unschedulable: wire.spec.unschedulable,
            taints: wire.spec.taints,
            allocatable: Requests {
                milli_cpu: read("cpu", quantity::milli),
                memory: read("memory", quantity::whole),
                ephemeral_storage: read("ephemeral-storage", quantity::whole),
            },
            max_pods: read("pods", quantity::whole),
            used: load,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.object.name
    }
}
