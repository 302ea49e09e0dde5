//! What a caller may choose about a control plane.

/// How a control plane is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Number of fake nodes (`fake-0000` …) played by kwok; 0 starts no kwok, pods then stay Pending.
    pub nodes: u32,
    /// Pods that the scheduler may place on one node.
    pub pods_per_node: u32,
    /// Bits of a node's range of pod addresses: 24 gives 254.
    pub pod_range_bits: u8,
    /// Client limits of kube-controller-manager and kube-scheduler; they bound every Deployment-based load.
    pub client_limits: ClientLimits,
    /// What kwok plays for a pod.
    pub pod_stages: PodStages,
    /// Whether etcd waits for the disk.
    pub durability: Durability,
}

impl Default for Options {
    /// Ten nodes of 110 pods, raised limits, complete pods, real fsync.
    fn default() -> Self {
        Self {
            nodes: 10,
            pods_per_node: 110,
            pod_range_bits: 24,
            client_limits: ClientLimits::Raised,
            pod_stages: PodStages::Complete,
            durability: Durability::Fsync,
        }
    }
}

/// Requests per second that kube-controller-manager and kube-scheduler allow themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientLimits {
    /// 500 QPS, burst 1000 for both.
    Raised,
    /// Upstream's defaults: 20/30 for kube-controller-manager, 50/100 for kube-scheduler.
    Upstream,
}

/// The life that kwok gives to a pod on a fake node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodStages {
    /// Running and Ready at once; without the condition `PodReadyToStartContainers` and without a `Started` event.
    Fast,
    /// As `Fast`, with all five conditions of a kubelet and an event `Started`.
    Complete,
}

/// Whether etcd's writes reach the disk before they are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// They do, as in production; latencies are those of this machine's disk.
    Fsync,
    /// They do not (`--unsafe-no-fsync`): for tests of behavior, where no latency is measured.
    NoFsync,
}
