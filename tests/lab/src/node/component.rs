//! The programs of a node.

use std::fmt;

/// A program that runs on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeComponent {
    /// Runs containers.
    Containerd,
    /// Runs pods.
    Kubelet,
    /// Makes services reachable.
    KubeProxy,
    /// Enforces network policies.
    NetworkPolicy,
}

impl NodeComponent {
    /// Name of its log, and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Kubelet => "kubelet",
            Self::KubeProxy => "kube-proxy",
            Self::NetworkPolicy => "labnetpol",
        }
    }
}

impl fmt::Display for NodeComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
