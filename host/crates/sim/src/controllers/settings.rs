//! What can be set about the controllers of a simulated cluster.
//!
//! Plain data with defaults as upstream's binaries have them, apart from the client limits: without a limit the
//! simulated controllers act at once, with `Some` they slow down as kube-controller-manager does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::stage::{Distribution, duration};

/// Settings of all controllers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ControlSettings {
    /// Limit of each controller's requests (kube-controller-manager: 20 a second, burst 30); absent: none.
    pub controller_limit: Option<RequestLimit>,
    /// Limit of the scheduler's bindings (kube-scheduler: 50 a second, burst 100); absent: none.
    pub scheduler_limit: Option<RequestLimit>,
    /// Scheduling.
    pub scheduler: SchedulerSettings,
    /// Events.
    pub events: EventSettings,
    /// Volumes.
    pub storage: StorageSettings,
    /// How the namespace controller waits for pods to end.
    pub namespace_wait: NamespaceWait,
    /// PEM text for `kube-root-ca.crt`; the server sets it when it has TLS.
    #[serde(skip)]
    pub root_ca: String,
}

/// How the namespace controller waits for what it cannot delete at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NamespaceWait {
    /// Looks again as soon as something in the namespace is gone.
    #[default]
    Event,
    /// Looks again after half the longest grace period and one second, as upstream: 16 s for most pods.
    Upstream,
}

/// A token bucket, as `--kube-api-qps` and `--kube-api-burst`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestLimit {
    /// Requests a second in the long run; must be above zero.
    pub qps: f64,
    /// Requests at once.
    pub burst: u32,
}

/// Settings of the scheduler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SchedulerSettings {
    /// Time from the moment a pod is taken from the queue to its binding.
    pub latency: Distribution,
    /// First waiting time of a pod that found no node.
    #[serde(with = "duration")]
    pub backoff: Duration,
    /// Longest waiting time.
    #[serde(with = "duration")]
    pub backoff_max: Duration,
    /// After this time a pod without a node is tried again even if nothing has changed.
    #[serde(with = "duration")]
    pub flush: Duration,
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self {
            latency: Distribution::ZERO,
            backoff: Duration::from_secs(1),
            backoff_max: Duration::from_secs(10),
            flush: Duration::from_secs(300),
        }
    }
}

/// Settings of Events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EventSettings {
    /// Whether controllers write Events at all; each takes about 1 KiB until it expires.
    pub enabled: bool,
    /// How long an Event is kept (`--event-ttl`).
    #[serde(with = "duration")]
    pub ttl: Duration,
    /// Most Events that are kept; the oldest go first.
    pub at_most: usize,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self { enabled: true, ttl: Duration::from_secs(3600), at_most: 100_000 }
    }
}

/// Settings of volumes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StorageSettings {
    /// StorageClasses made at the start, by name; the first is the default one.
    pub classes: Vec<StorageClassSettings>,
    /// Time from the wish for a volume to the PersistentVolume.
    pub provisioning: Distribution,
}

impl Default for StorageSettings {
    fn default() -> Self {
        let class = |name: &str, wait_for_first_consumer| StorageClassSettings {
            name: name.into(),
            wait_for_first_consumer,
        };
        Self {
            classes: vec![class("standard", true), class("immediate", false)],
            provisioning: Distribution::millis(200),
        }
    }
}

/// A StorageClass of the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageClassSettings {
    /// Its name.
    pub name: String,
    /// Whether volumes are made only for a scheduled pod.
    pub wait_for_first_consumer: bool,
}

/// The nodes that a cluster starts with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeSettings {
    /// How many.
    pub count: u32,
    /// Names are this and a number from 0.
    pub name_prefix: String,
    /// `capacity.cpu`.
    pub cpu: String,
    /// `capacity.memory`.
    pub memory: String,
    /// `capacity.ephemeral-storage`.
    pub ephemeral_storage: String,
    /// `capacity.pods`, kubelet's `maxPods`.
    pub pods: u32,
    /// Range that pod ranges of nodes are cut from; the default has room for 1,024 nodes.
    pub cluster_cidr: String,
    /// Prefix length of a node's pod range; 24 leaves 253 addresses for pods.
    pub pod_cidr_mask: u8,
    /// Zones, given in turn as `topology.kubernetes.io/zone`.
    pub zones: Vec<String>,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Further annotations.
    pub annotations: BTreeMap<String, String>,
    /// Taints.
    pub taints: Vec<Taint>,
    /// `nodeInfo.kubeletVersion`.
    pub kubelet_version: String,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            count: 1,
            name_prefix: "node-".into(),
            cpu: "16".into(),
            memory: "64Gi".into(),
            ephemeral_storage: "200Gi".into(),
            pods: 110,
            cluster_cidr: "10.244.0.0/14".into(),
            pod_cidr_mask: 24,
            zones: vec!["zone-a".into()],
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            taints: Vec::new(),
            kubelet_version: "v1.36.3".into(),
        }
    }
}

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value, may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}
