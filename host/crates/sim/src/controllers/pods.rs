//! What controllers know of all pods: parsed once for each change, indexed by owner and by node.
//!
//! The cache follows the store's feed. Controllers drain the feed before each sync, hence see their own writes; no
//! expectations as upstream are needed. What only one controller needs is read from the object by that controller.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::object_key::ObjectKey;
use super::quantity;
use crate::store::{Change, ChangeKind, Object};

/// `status.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum Phase {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
    #[serde(other)]
    Unknown,
}

/// What pods ask for; thousandths of CPU, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Requests {
    pub(crate) milli_cpu: i64,
    pub(crate) memory: i64,
    pub(crate) ephemeral_storage: i64,
}

impl Requests {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            milli_cpu: self.milli_cpu.saturating_add(other.milli_cpu),
            memory: self.memory.saturating_add(other.memory),
            ephemeral_storage: self.ephemeral_storage.saturating_add(other.ephemeral_storage),
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            milli_cpu: self.milli_cpu.saturating_sub(other.milli_cpu),
            memory: self.memory.saturating_sub(other.memory),
            ephemeral_storage: self.ephemeral_storage.saturating_sub(other.ephemeral_storage),
        }
    }

    fn max(self, other: Self) -> Self {
        Self {
            milli_cpu: self.milli_cpu.max(other.milli_cpu),
            memory: self.memory.max(other.memory),
            ephemeral_storage: self.ephemeral_storage.max(other.ephemeral_storage),
        }
    }
}

/// The owner with `controller: true`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) kind: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) uid: Box<str>,
}

/// A pod as controllers see it.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) key: ObjectKey,
    pub(crate) object: Arc<Object>,
    pub(crate) owner: Option<Owner>,
    pub(crate) node: Option<Arc<str>>,
    pub(crate) phase: Phase,
    /// Since when the condition `Ready` is true; absent when it is not.
    pub(crate) ready_since: Option<Timestamp>,
    pub(crate) created: Timestamp,
    pub(crate) deletion_grace: Option<i64>,
    pub(crate) requests: Requests,
    pub(crate) host_ports: Box<[HostPort]>,
    pub(crate) gated: bool,
    pub(crate) address: Option<Box<str>>,
    pub(crate) restarts: u32,
    pub(crate) finalizers: Box<[Box<str>]>,
    pub(crate) scheduler: Box<str>,
    pub(crate) claims: Box<[Box<str>]>,
}

/// A port of the node that a pod needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct HostPort {
    pub(crate) port: u32,
    pub(crate) protocol: Box<str>,
    pub(crate) address: Box<str>,
}

impl HostPort {
    /// Whether both cannot be on one node.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        let any = |address: &str| address.is_empty() || address == "0.0.0.0";
        self.port == other.port
            && self.protocol == other.protocol
            && (any(&self.address) || any(&other.address) || self.address == other.address)
    }
}

impl Pod {
    /// Reads a pod; `None` when it has not the shape of one.
    pub(crate) fn read(object: &Arc<Object>) -> Option<Self> {
        let wire: Wire = object.decode().ok()?;
        let ready = wire.status.conditions.iter().find(|condition| condition.kind == "Ready");
        let spec = wire.spec;
        let host_ports = spec.containers.iter().flat_map(|container| container.host_ports(spec.host_network));
        let uid = &object.uid;
        Some(Self {
            key: ObjectKey::of(object),
            object: object.clone(),
            owner: wire.metadata.owner_references.iter().find(|owner| owner.controller).map(WireOwner::read),
            node: Some(spec.node_name.as_str()).filter(|node| !node.is_empty()).map(Arc::from),
            phase: wire.status.phase,
            ready_since: ready
                .filter(|ready| ready.status == "True")
                .map(|ready| ready.last_transition_time.unwrap_or_default()),
            created: wire.metadata.creation_timestamp.unwrap_or_default(),
            deletion_grace: object.deletion.then(|| wire.metadata.deletion_grace_period_seconds.unwrap_or(0)),
            requests: spec.requests(),
            host_ports: host_ports.collect(),
            gated: !spec.scheduling_gates.is_empty(),
            address: (!wire.status.pod_ip.is_empty()).then(|| wire.status.pod_ip.into()),
            restarts: wire.status.container_statuses.iter().map(|status| status.restart_count).sum(),
            finalizers: wire.metadata.finalizers.into(),
            scheduler: spec.scheduler_name.into(),
            claims: spec.volumes.iter().filter_map(|volume| volume.claim_name(&object.name)).collect(),
        })
        .filter(|_| !uid.is_empty())
    }

    pub(crate) fn uid(&self) -> &str {
        &self.object.uid
    }

    pub(crate) fn name(&self) -> &str {
        &self.key.name
    }

    /// Whether the pod has ended.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// Whether the pod counts for its controller (`IsPodActive`).
    pub(crate) fn is_active(&self) -> bool {
        !self.is_terminal() && !self.object.deletion
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready_since.is_some()
    }

    /// Whether the pod has been ready for long enough (`IsPodAvailable`).
    pub(crate) fn is_available(&self, min_ready_seconds: i64, now: Timestamp) -> bool {
        let Some(since) = self.ready_since else { return false };
        min_ready_seconds == 0 || now.duration_since(since).as_secs() >= min_ready_seconds
    }
}

/// All pods.
#[derive(Debug, Default)]
pub(crate) struct PodCache {
    pods: HashMap<ObjectKey, Arc<Pod>>,
    by_owner: HashMap<Box<str>, BTreeSet<ObjectKey>>,
    by_node: HashMap<Arc<str>, BTreeSet<ObjectKey>>,
    /// Pods without a controller, for controllers that adopt.
    orphans: BTreeSet<ObjectKey>,
}

/// A pod before and after a change.
#[derive(Debug, Clone)]
pub(crate) struct PodChange {
    pub(crate) before: Option<Arc<Pod>>,
    pub(crate) after: Option<Arc<Pod>>,
}

impl PodChange {
    /// The newest state known.
    pub(crate) fn pod(&self) -> Option<&Arc<Pod>> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl PodCache {
    /// Takes over a change of a pod.
    pub(crate) fn apply(&mut self, change: &Change) -> PodChange {
        let key = ObjectKey::of(&change.object);
        let after = match change.kind {
            ChangeKind::Added | ChangeKind::Modified => Pod::read(&change.object).map(Arc::new),
            ChangeKind::Deleted => None,
        };
        let before = match &after {
            Some(pod) => self.pods.insert(key.clone(), pod.clone()),
            None => self.pods.remove(&key),
        };
        if after.as_ref().is_some_and(|pod| pod.owner.is_none()) {
            self.orphans.insert(key.clone());
        } else {
            self.orphans.remove(&key);
        }
        if let Some(pod) = &before {
            drop_from(&mut self.by_owner, pod.owner.as_ref().map(|owner| &owner.uid), &key);
            drop_from(&mut self.by_node, pod.node.as_ref(), &key);
        }
        if let Some(pod) = &after {
            if let Some(owner) = &pod.owner {
                self.by_owner.entry(owner.uid.clone()).or_default().insert(key.clone());
            }
            if let Some(node) = &pod.node {
                self.by_node.entry(node.clone()).or_default().insert(key);
            }
        }
        PodChange { before, after }
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Arc<Pod>> {
        self.pods.get(key)
    }

    /// Pods whose controller has this UID, by name.
    pub(crate) fn owned_by(&self, uid: &str) -> Vec<Arc<Pod>> {
        self.select(self.by_owner.get(uid))
    }

    /// Pods of a namespace without a controller, by name.
    pub(crate) fn orphans_in(&self, namespace: &str) -> Vec<Arc<Pod>> {
        let first = ObjectKey::new(namespace, "");
        let keys = self.orphans.range(first..).take_while(|key| *key.namespace == *namespace);
        keys.filter_map(|key| self.pods.get(key).cloned()).collect()
    }

    /// Pods on a node, by namespace and name.
    pub(crate) fn on_node(&self, node: &str) -> Vec<Arc<Pod>> {
        self.select(self.by_node.get(node))
    }

    /// All pods, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Pod>> {
        self.pods.values()
    }

    fn select(&self, keys: Option<&BTreeSet<ObjectKey>>) -> Vec<Arc<Pod>> {
        keys.into_iter().flatten().filter_map(|key| self.pods.get(key).cloned()).collect()
    }
}

fn drop_from<K: std::hash::Hash + Eq>(
    index: &mut HashMap<K, BTreeSet<ObjectKey>>,
    entry: Option<&K>,
    key: &ObjectKey,
) {
    if let Some(entry) = entry
        && let Some(keys) = index.get_mut(entry)
    {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(entry);
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    metadata: WireMetadata,
    #[serde(default)]
    spec: WireSpec,
    #[serde(default)]
    status: WireStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMetadata {
    creation_timestamp: Option<Timestamp>,
    deletion_grace_period_seconds: Option<i64>,
    #[serde(default)]
    owner_references: Vec<WireOwner>,
    #[serde(default)]
    finalizers: Vec<Box<str>>,
}

#[derive(Deserialize)]
struct WireOwner {
    kind: Box<str>,
    name: Box<str>,
    uid: Box<str>,
    #[serde(default)]
    controller: bool,
}

impl WireOwner {
    fn read(&self) -> Owner {
        Owner { kind: self.kind.clone(), name: self.name.clone(), uid: self.uid.clone() }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireSpec {
    node_name: String,
    scheduler_name: String,
    host_network: bool,
    scheduling_gates: Vec<serde::de::IgnoredAny>,
    containers: Vec<WireContainer>,
    init_containers: Vec<WireContainer>,
    volumes: Vec<WireVolume>,
    overhead: HashMap<String, serde_json::Value>,
}

impl WireSpec {
    /// `resourcehelper.PodRequests`: containers together, or the largest init container beside the sidecars that
    /// were started before it.
    fn requests(&self) -> Requests {
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
struct WireContainer {
    resources: WireResources,
    restart_policy: String,
    ports: Vec<WirePort>,
}

impl WireContainer {
    fn requests(&self) -> Requests {
        read_requests(&self.resources.requests)
    }

    fn host_ports(&self, host_network: bool) -> impl Iterator<Item = HostPort> + '_ {
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
struct WireVolume {
    name: String,
    persistent_volume_claim: Option<WireClaim>,
    ephemeral: Option<serde::de::IgnoredAny>,
}

impl WireVolume {
    fn claim_name(&self, pod: &str) -> Option<Box<str>> {
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
struct WireStatus {
    phase: Phase,
    #[serde(rename = "podIP")]
    pod_ip: String,
    conditions: Vec<WireCondition>,
    container_statuses: Vec<WireContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    last_transition_time: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireContainerStatus {
    restart_count: u32,
}
