//! The programs of real nodes and of what runs on them.

use std::path::{Path, PathBuf};

use super::go::Go;
use super::module::{
    CNI, CONTAINERD, COREDNS, CSI_DRIVER, CSI_PROVISIONER, CSI_SIDECARS, KUBERNETES_NODE, LOCAL_PATH,
    METRICS_SERVER, NETWORK_POLICY, REGISTRY, RUNC, TOOL,
};
use super::{BuildError, Builder};

/// A program of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeProgram {
    /// kubelet 1.36.3.
    Kubelet,
    /// kube-proxy 1.36.3.
    KubeProxy,
    /// containerd 2.4.2.
    Containerd,
    /// containerd's shim, found by containerd in `PATH`.
    Shim,
    /// containerd's own client.
    Ctr,
    /// runc 1.5.2.
    Runc,
    /// Enforces NetworkPolicies: `modules/labnetpol`.
    NetworkPolicy,
    /// Serves images: `modules/labregistry`.
    Registry,
    /// `modules/labtool`.
    Tool,
}

/// Paths of programs that are there and complete.
#[derive(Debug, Clone)]
pub struct NodeBinaries {
    kubernetes: PathBuf,
    containerd: PathBuf,
    runc: PathBuf,
    cni: PathBuf,
    network_policy: PathBuf,
    registry: PathBuf,
    tool: PathBuf,
}

impl NodeBinaries {
    /// Builds what the cache does not have yet; says on stderr what it builds.
    ///
    /// # Errors
    ///
    /// As [`crate::Binaries::ensure`], and when runc is to be built and a C compiler or libseccomp is missing.
    pub fn ensure(cache: &Path) -> Result<Self, BuildError> {
        let go = Go::from_path();
        let builder = Builder::new(&go, cache)?;
        let ensure = |module| builder.ensure(module);
        // First what can be missing on a machine, so that nobody waits minutes for that answer.
        let (tool, runc) = (ensure(&TOOL)?, ensure(&RUNC)?);
        Ok(Self {
            kubernetes: ensure(&KUBERNETES_NODE)?,
            containerd: ensure(&CONTAINERD)?,
            runc,
            cni: ensure(&CNI)?,
            network_policy: ensure(&NETWORK_POLICY)?,
            registry: ensure(&REGISTRY)?,
            tool,
        })
    }

    /// Path of a program.
    #[must_use]
    pub fn path(&self, program: NodeProgram) -> PathBuf {
        match program {
            NodeProgram::Kubelet => self.kubernetes.join("kubelet"),
            NodeProgram::KubeProxy => self.kubernetes.join("kube-proxy"),
            NodeProgram::Containerd => self.containerd.join("containerd"),
            NodeProgram::Shim => self.containerd.join("containerd-shim-runc-v2"),
            NodeProgram::Ctr => self.containerd.join("ctr"),
            NodeProgram::Runc => self.runc.join("runc"),
            NodeProgram::NetworkPolicy => self.network_policy.join("labnetpol"),
            NodeProgram::Registry => self.registry.join("labregistry"),
            NodeProgram::Tool => self.tool.join("labtool"),
        }
    }

    /// Folder of the CNI plugins.
    #[must_use]
    pub fn cni(&self) -> &Path {
        &self.cni
    }
}

/// Paths of the programs of what a cluster may offer beyond Kubernetes; built only for a cluster that does.
#[derive(Debug, Clone)]
pub struct AddonBinaries {
    coredns: PathBuf,
    local_path: PathBuf,
    metrics_server: PathBuf,
    csi_driver: PathBuf,
    csi_provisioner: PathBuf,
    csi_sidecars: PathBuf,
}

impl AddonBinaries {
    /// Builds what the cache does not have yet; says on stderr what it builds.
    ///
    /// # Errors
    ///
    /// As [`crate::Binaries::ensure`].
    pub fn ensure(cache: &Path) -> Result<Self, BuildError> {
        let go = Go::from_path();
        let builder = Builder::new(&go, cache)?;
        let ensure = |module| builder.ensure(module);
        Ok(Self {
            coredns: ensure(&COREDNS)?,
            local_path: ensure(&LOCAL_PATH)?,
            metrics_server: ensure(&METRICS_SERVER)?,
            csi_driver: ensure(&CSI_DRIVER)?,
            csi_provisioner: ensure(&CSI_PROVISIONER)?,
            csi_sidecars: ensure(&CSI_SIDECARS)?,
        })
    }

    /// CoreDNS 1.15.0; goes into an image.
    #[must_use]
    pub fn coredns(&self) -> PathBuf {
        self.coredns.join("coredns")
    }

    /// local-path-provisioner 0.0.30.
    #[must_use]
    pub fn local_path_provisioner(&self) -> PathBuf {
        self.local_path.join("local-path-provisioner")
    }

    /// metrics-server 0.9.0.
    #[must_use]
    pub fn metrics_server(&self) -> PathBuf {
        self.metrics_server.join("metrics-server")
    }

    /// CSI driver: `modules/labcsi`.
    #[must_use]
    pub fn csi_driver(&self) -> PathBuf {
        self.csi_driver.join("labcsi")
    }

    /// external-provisioner 6.3.0.
    #[must_use]
    pub fn csi_provisioner(&self) -> PathBuf {
        self.csi_provisioner.join("csi-provisioner")
    }

    /// external-resizer 2.3.0.
    #[must_use]
    pub fn csi_resizer(&self) -> PathBuf {
        self.csi_sidecars.join("csi-resizer")
    }

    /// external-snapshotter 8.7.0, the part that speaks CSI.
    #[must_use]
    pub fn csi_snapshotter(&self) -> PathBuf {
        self.csi_sidecars.join("csi-snapshotter")
    }

    /// external-snapshotter 8.7.0, the part that does not.
    #[must_use]
    pub fn snapshot_controller(&self) -> PathBuf {
        self.csi_sidecars.join("snapshot-controller")
    }
}
