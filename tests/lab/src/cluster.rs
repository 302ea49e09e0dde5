//! A cluster with real nodes: a control plane in a network of its own, nodes beside it, and what they offer.
//!
//! Needs root and a few programs (`requirements`). Nothing of it is in the machine's root namespaces but one interface
//! and the control groups. See `namespaces` for why a killed lab leaves no more than those groups and its folder, and
//! `cluster/guard.rs` for who removes them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::binaries::{self, AddonBinaries, Binaries, NodeBinaries, NodeProgram};
use crate::component::{Setup, Site};
use crate::control_plane::ControlPlane;
use crate::folder::Folder;
use crate::namespaces::{Namespaces, Scope};
use crate::network::Network;
use crate::node::{Node, NodeComponent};
use crate::options::Options;
use crate::process::Process;
use crate::prometheus::{Door, Prometheus, PrometheusError};
use crate::{cgroup, registry, requirements};

mod error;
mod guard;
mod images;
mod install;

pub use error::ClusterError;
use guard::Guard;

/// Most nodes that a lab may have: their number is part of addresses and names.
const MAX_NODES: u8 = 8;

/// How a cluster is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// The control plane, and fake nodes beside the real ones.
    pub control_plane: Options,
    /// Real nodes: `node-1` and up, at most 8.
    pub real_nodes: u8,
    /// Pods that each real node takes.
    pub max_pods: u32,
    /// What else runs in the cluster.
    pub addons: Addons,
}

impl Default for ClusterOptions {
    /// One real node of 110 pods, no fake ones, no addons.
    fn default() -> Self {
        Self {
            control_plane: Options { nodes: 0, ..Options::default() },
            real_nodes: 1,
            max_pods: 110,
            addons: Addons::None,
        }
    }
}

/// What runs in a cluster beside Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addons {
    /// Nothing.
    None,
    /// CoreDNS, volumes of the storage classes `local-path` and `csi-hostpath`, and metrics-server.
    All,
}

/// A running cluster; gone without a trace when dropped, logs excepted if the thread is panicking.
pub struct Cluster {
    // Dropped in this order: clients before servers, and all processes before the groups they are in.
    /// What runs beside the control plane: the registry, and processes of addons.
    addons: Vec<Process>,
    nodes: Vec<Node>,
    _groups: Groups,
    control_plane: ControlPlane,
    network: Network,
    binaries: NodeBinaries,
    _guard: Guard,
}

impl Cluster {
    /// Builds the programs if the default cache does not have them, then starts a cluster.
    ///
    /// # Errors
    ///
    /// When the machine lacks something, the programs cannot be built, or a part does not become ready.
    pub fn start(options: &ClusterOptions) -> Result<Self, ClusterError> {
        requirements::check()?;
        if options.real_nodes > MAX_NODES {
            return Err(ClusterError::TooManyNodes { wanted: options.real_nodes, limit: MAX_NODES });
        }
        let cache = binaries::default_cache()?;
        let (binaries, node_binaries) = (Binaries::ensure(&cache)?, NodeBinaries::ensure(&cache)?);
        let addons = match options.addons {
            Addons::None => None,
            Addons::All => Some(AddonBinaries::ensure(&cache)?),
        };
        let mut cluster = Self::start_control_plane(binaries, node_binaries, options)?;
        cluster.bring_up(options, addons.as_ref()).map_err(|error| cluster.keep_logs_of(error))?;
        Ok(cluster)
    }

    /// The control plane: kubeconfigs, `kubectl`, faults.
    #[must_use]
    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// The control plane, to kill and restart parts of it.
    pub fn control_plane_mut(&mut self) -> &mut ControlPlane {
        &mut self.control_plane
    }

    /// Real nodes, in order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Real nodes, to kill and pause their parts.
    pub fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// Name of the interface that leads to this cluster.
    #[must_use]
    pub fn link(&self) -> String {
        self.network.link()
    }

    /// Name that the cluster's folder and control groups have.
    #[must_use]
    pub fn name(&self) -> String {
        self.setup().folder.name()
    }

    /// Kills a program of a node if it runs, starts it again, and waits until the node is Ready.
    ///
    /// # Errors
    ///
    /// When there is no such node or it does not become Ready.
    pub fn restart(&mut self, node: usize, component: NodeComponent) -> Result<(), ClusterError> {
        let (setup, binaries) = (self.control_plane.setup(), &self.binaries);
        let node = self.nodes.get_mut(node).ok_or(ClusterError::NoNode { index: node })?;
        Ok(node.restart(component, setup, binaries)?)
    }

    /// Changes how many pods a node takes; its kubelet is started again.
    ///
    /// # Errors
    ///
    /// When there is no such node or it does not become Ready.
    pub fn set_max_pods(&mut self, node: usize, max_pods: u32) -> Result<(), ClusterError> {
        let (setup, binaries) = (self.control_plane.setup(), &self.binaries);
        let node = self.nodes.get_mut(node).ok_or(ClusterError::NoNode { index: node })?;
        Ok(node.set_max_pods(max_pods, setup, binaries)?)
    }

    /// Starts a Prometheus that scrapes the control plane and every kubelet.
    ///
    /// # Errors
    ///
    /// When Debian's `prometheus` is not installed or does not start.
    pub fn prometheus(&self, door: Door) -> Result<Prometheus, PrometheusError> {
        let kubelets: Vec<SocketAddr> = self.nodes.iter().map(Node::kubelet).collect();
        Prometheus::start(self.setup(), self.control_plane.namespaces(), &kubelets, door)
    }

    /// Puts an image into the registry that sleeps, is a few megabytes large and shares no layer with another one.
    ///
    /// Nodes then pull it as [`crate::REGISTRY`]`/NAME` or, slowly, [`crate::SLOW_REGISTRY`]`/NAME`; `name` has a tag.
    ///
    /// # Errors
    ///
    /// When there is no real node to send it from, or a command fails.
    pub fn push(&self, name: &str) -> Result<(), ClusterError> {
        let (setup, binaries) = (self.control_plane.setup(), &self.binaries);
        let (archive, reference) = registry::write(setup, &binaries.path(NodeProgram::Tool), name)?;
        let node = self.nodes.first().ok_or(ClusterError::NoNode { index: 0 })?;
        Ok(node.push(&archive.to_string_lossy(), &reference, setup, binaries)?)
    }

    /// Path of a program of the node tier.
    #[must_use]
    pub fn program(&self, program: NodeProgram) -> PathBuf {
        self.binaries.path(program)
    }

    /// Folder of the cluster: logs, certificates, kubeconfigs, what the nodes have on disk.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.control_plane.folder()
    }

    fn start_control_plane(
        binaries: Binaries,
        node_binaries: NodeBinaries,
        options: &ClusterOptions,
    ) -> Result<Self, ClusterError> {
        let folder = Folder::create()?;
        requirements::check_folder(folder.path())?;
        let tool = node_binaries.path(NodeProgram::Tool);
        let guard = Guard::start(&tool, folder.path(), &folder.name())?;
        let logs = folder.path().join("logs");
        let settings = ["net.ipv4.ip_forward=1"];
        let namespaces = Namespaces::new("control-plane", Scope::Network, &tool, &settings, &logs)?;
        folder.note("control-plane-namespaces", namespaces.pid())?;
        let network = Network::claim(&namespaces)?;
        let groups = Groups { lab: folder.name() };
        let site = Site::Own { network, nodes: options.real_nodes };
        let setup = Setup::new(folder, options.control_plane.clone(), site)?;
        let control_plane = ControlPlane::start_at(binaries, setup, Some(namespaces))?;
        Ok(Self {
            addons: Vec::new(),
            nodes: Vec::new(),
            _groups: groups,
            control_plane,
            network,
            binaries: node_binaries,
            _guard: guard,
        })
    }

    fn bring_up(
        &mut self,
        options: &ClusterOptions,
        addons: Option<&AddonBinaries>,
    ) -> Result<(), ClusterError> {
        self.start_registry()?;
        let (setup, binaries) = (self.control_plane.setup(), &self.binaries);
        let Some(namespaces) = self.control_plane.namespaces() else {
            return Err(ClusterError::NoNode { index: 0 });
        };
        let images = images::write(setup.folder.path(), binaries, addons)?;
        for index in 1..=options.real_nodes {
            let node =
                Node::start(index, options.max_pods, self.network, namespaces, setup, binaries, &images)?;
            self.nodes.push(node);
        }
        for node in &mut self.nodes {
            node.join(namespaces, setup, binaries)?;
        }
        for node in &self.nodes {
            for other in self.nodes.iter().filter(|other| other.index() != node.index()) {
                node.route_to(other)?;
            }
        }
        addons.map_or(Ok(()), |addons| self.install(addons))
    }

    fn setup(&self) -> &Setup {
        self.control_plane.setup()
    }

    fn keep_logs_of(&self, error: ClusterError) -> ClusterError {
        match self.setup().folder.keep_logs() {
            Ok(logs) => ClusterError::Failed { logs, source: Box::new(error) },
            Err(_) => error,
        }
    }
}

/// The control groups of a lab, removed when nothing is in them any more.
struct Groups {
    lab: String,
}

impl Drop for Groups {
    fn drop(&mut self) {
        cgroup::remove(&self.lab);
    }
}
