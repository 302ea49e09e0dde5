//! What controllers know of all pods: parsed once for each change, indexed by owner and by node.
//!
//! The cache (`pods/cache`) follows the store's feed. Controllers drain the feed before each sync, hence see their own
//! writes; no expectations as upstream are needed. What only one controller needs is read from the object by that
//! controller.

mod cache;
mod wire;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;

pub(crate) use self::cache::{PodCache, PodChange};
use self::wire::{WireMetadata, WireOwner, WireSpec, WireStatus};
use super::object_key::ObjectKey;
use crate::clock::Clock;
use crate::store::Object;

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
    pub(crate) kind: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) uid: Arc<str>,
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
    pub(crate) address: Option<Box<str>>,
    pub(crate) restarts: u32,
    pub(crate) finalizers: Arc<[Box<str>]>,
    /// Hash of the labels: pods of one template have the same.
    pub(crate) labels: u64,
    pub(crate) spec: Arc<PodSpec>,
}

/// What a pod's spec says to more than one controller.
#[derive(Debug)]
pub(crate) struct PodSpec {
    node: Option<Arc<str>>,
    pub(crate) requests: Requests,
    pub(crate) host_ports: Box<[HostPort]>,
    pub(crate) gated: bool,
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
    /// Reads a pod; `None` when it has not the shape of one. What is as in an earlier state is taken from that.
    pub(crate) fn read(object: &Arc<Object>, before: Option<&Self>) -> Option<Self> {
        let before = before.filter(|before| before.object.uid == object.uid);
        let spec = before.filter(|before| before.object.member("spec") == object.member("spec"));
        let spec = match spec {
            Some(before) => before.spec.clone(),
            None => Arc::new(PodSpec::read(object)?),
        };
        let status: WireStatus = object.decode_member("status").ok()?;
        let ready = status.conditions.iter().find(|condition| condition.kind == "Ready");
        let mut pod = Self {
            key: before.map_or_else(|| ObjectKey::of(object), |before| before.key.clone()),
            object: object.clone(),
            owner: None,
            node: spec.node.clone(),
            phase: status.phase,
            ready_since: ready
                .filter(|ready| ready.status == "True")
                .map(|ready| ready.last_transition_time.unwrap_or_default()),
            created: Timestamp::default(),
            deletion_grace: None,
            address: (!status.pod_ip.is_empty()).then(|| status.pod_ip.into()),
            restarts: status.container_statuses.iter().map(|status| status.restart_count).sum(),
            finalizers: Arc::default(),
            labels: 0,
            spec,
        };
        pod.read_metadata(before).ok()?;
        (!object.uid.is_empty()).then_some(pod)
    }

    fn read_metadata(&mut self, before: Option<&Self>) -> Result<(), serde_json::Error> {
        // A write that does not touch the metadata shares what was read from it.
        if let Some(before) = before.filter(|before| Arc::ptr_eq(&before.object.labels, &self.object.labels))
        {
            self.owner.clone_from(&before.owner);
            self.created = before.created;
            self.deletion_grace = before.deletion_grace;
            self.finalizers = before.finalizers.clone();
            self.labels = before.labels;
            return Ok(());
        }
        let metadata: WireMetadata = self.object.decode_member("metadata")?;
        self.owner = metadata.owner_references.iter().find(|owner| owner.controller).map(WireOwner::read);
        self.created = metadata.creation_timestamp.unwrap_or_default();
        self.deletion_grace =
            self.object.deletion.then(|| metadata.deletion_grace_period_seconds.unwrap_or(0));
        self.finalizers = metadata.finalizers.into();
        let mut hash = DefaultHasher::new();
        self.object.labels.hash(&mut hash);
        self.labels = hash.finish();
        Ok(())
    }

    pub(crate) fn uid(&self) -> &str {
        &self.object.uid
    }

    pub(crate) fn name(&self) -> &str {
        &self.key.name
    }

    /// Whether a controller of pods sees the same in both: what is left is the business of node and kubelet.
    pub(crate) fn looks_as(&self, other: &Self) -> bool {
        self.object.uid == other.object.uid
            && self.owner == other.owner
            && self.phase == other.phase
            && self.ready_since == other.ready_since
            && self.object.deletion == other.object.deletion
            && self.restarts == other.restarts
            && self.object.labels == other.object.labels
            && self.finalizers == other.finalizers
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

impl PodSpec {
    fn read(pod: &Object) -> Option<Self> {
        let spec: WireSpec = pod.decode_member("spec").ok()?;
        let host_ports = spec.containers.iter().flat_map(|container| container.host_ports(spec.host_network));
        Some(Self {
            node: Some(spec.node_name.as_str()).filter(|node| !node.is_empty()).map(Arc::from),
            requests: spec.requests(),
            host_ports: host_ports.collect(),
            gated: !spec.scheduling_gates.is_empty(),
            claims: spec.volumes.iter().filter_map(|volume| volume.claim_name(&pod.name)).collect(),
            scheduler: spec.scheduler_name.into(),
        })
    }
}

/// Answers a question about labels, once for pods in a row that have the same.
pub(crate) fn by_labels(question: impl Fn(&Pod) -> bool) -> impl FnMut(&Pod) -> bool {
    let mut last = None;
    move |pod| match last {
        Some((labels, answer)) if labels == pod.labels => answer,
        _ => {
            let answer = question(pod);
            last = Some((pod.labels, answer));
            answer
        }
    }
}

/// When the next of the pods that are ready becomes available.
pub(crate) fn next_available<'p>(
    pods: impl Iterator<Item = &'p Arc<Pod>>,
    min_ready_seconds: i64,
    clock: Clock,
) -> Option<Instant> {
    let now = clock.now();
    let soon = pods.filter(|pod| !pod.is_available(min_ready_seconds, now));
    let since = soon.filter_map(|pod| pod.ready_since).min()?;
    let wait = Duration::from_secs(u64::try_from(min_ready_seconds).unwrap_or(0));
    // Timestamps are cut off to seconds: the moment may have passed while the pod does not count yet.
    Some((clock.instant_at(since) + wait).max(clock.instant() + Duration::from_millis(1)))
}
