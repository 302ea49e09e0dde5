//! One real node: containerd, kubelet and kube-proxy in namespaces of their own.
//!
//! Start order: namespaces, mounts, network, control group, containerd with its images, kubelet; then, when the cluster
//! has given the node its range of pod addresses, CNI, routes, kube-proxy and the enforcer of network policies.
//! The command lines and configurations are in `node/`, one file a program.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::binaries::{NodeBinaries, NodeProgram};
use crate::component::Setup;
use crate::namespaces::{Namespaces, Scope};
use crate::network::Network;
use crate::process::{Process, ProcessError};
use crate::wait::Deadline;
use crate::{cgroup, nodes, pki};

mod addon;
mod cni;
mod component;
mod containerd;
mod error;
mod faults;
mod kube_proxy;
mod kubelet;
mod mounts;
mod network_policy;

pub use component::NodeComponent;
pub use error::NodeError;

/// Time for a node to become Ready.
const READY_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(25);
const LOG_SHOWN: u64 = 3_000;

/// Sysctls of a node's network: it forwards between pods, and takes packets that leave by another way than they came.
const SETTINGS: [&str; 3] =
    ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"];

/// Facts of one node.
pub(crate) struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) address: Ipv4Addr,
    /// What of it is on disk.
    pub(crate) folder: PathBuf,
    pub(crate) cgroup: String,
    pub(crate) max_pods: u32,
    pub(crate) setup: &'a Setup,
    pub(crate) binaries: &'a NodeBinaries,
}

/// A running node; it and its containers end when this is dropped.
pub struct Node {
    // Dropped in this order: what was started by us, then the namespaces with all the rest.
    addons: Vec<Process>,
    processes: BTreeMap<NodeComponent, Process>,
    namespaces: Namespaces,
    index: u8,
    name: String,
    network: Network,
    max_pods: u32,
    pod_range: String,
}

impl Node {
    /// Starts a node as far as it gets without the cluster's answer; [`Self::join`] does the rest.
    pub(crate) fn start(
        index: u8,
        max_pods: u32,
        network: Network,
        control_plane: &Namespaces,
        setup: &Setup,
        binaries: &NodeBinaries,
        images: &[PathBuf],
    ) -> Result<Self, NodeError> {
        let name = name(index);
        let logs = setup.folder.path().join("logs");
        let tool = binaries.path(NodeProgram::Tool);
        let namespaces = Namespaces::new(namespaces_name(index), Scope::Machine, &tool, &SETTINGS, &logs)?;
        setup.folder.note(&format!("{name}-namespaces"), namespaces.pid())?;
        let mut node = Self {
            addons: Vec::new(),
            processes: BTreeMap::new(),
            namespaces,
            index,
            name,
            network,
            max_pods,
            pod_range: String::new(),
        };
        mounts::cover(&node.namespaces, &node.place(setup, binaries).folder)?;
        network.attach(control_plane, &node.namespaces, index)?;
        cgroup::create(&setup.folder.name(), &node.name)?;
        let place = node.place(setup, binaries);
        containerd::write_config(&place)?;
        node.launch(NodeComponent::Containerd, setup, binaries)?;
        let socket = containerd::socket(&node.place(setup, binaries));
        node.wait(NodeComponent::Containerd, setup, || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        })?;
        for image in images {
            node.namespaces.run(containerd::import(&node.place(setup, binaries), image))?;
        }
        kubelet::write_config(&node.place(setup, binaries))?;
        node.launch(NodeComponent::Kubelet, setup, binaries)?;
        Ok(node)
    }

    /// Waits until the cluster knows the node, and finishes its network; returns when it is Ready.
    pub(crate) fn join(
        &mut self,
        control_plane: &Namespaces,
        setup: &Setup,
        binaries: &NodeBinaries,
    ) -> Result<(), NodeError> {
        let name = self.name.clone();
        let range = || {
            let node = nodes::get(setup, &format!("/api/v1/nodes/{name}"))?;
            node.pointer("/spec/podCIDR").and_then(Value::as_str).map(str::to_owned)
        };
        self.wait(NodeComponent::Kubelet, setup, || range().is_some())?;
        self.pod_range = range().unwrap_or_default();
        self.network.route(control_plane, &self.pod_range, self.index)?;
        cni::write_config(&self.place(setup, binaries), &self.pod_range)?;
        kube_proxy::write_config(&self.place(setup, binaries))?;
        self.launch(NodeComponent::KubeProxy, setup, binaries)?;
        self.launch(NodeComponent::NetworkPolicy, setup, binaries)?;
        self.await_ready(setup)
    }

    /// Sends packets for another node's pods to that node.
    pub(crate) fn route_to(&self, other: &Self) -> Result<(), NodeError> {
        Ok(self.network.route(&self.namespaces, &other.pod_range, other.index)?)
    }

    /// Where its kubelet answers.
    pub(crate) fn kubelet(&self) -> SocketAddr {
        (self.network.node(self.index), kubelet::PORT).into()
    }

    pub(crate) fn index(&self) -> u8 {
        self.index
    }

    /// Name of the node in the cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Range of its pods' addresses.
    #[must_use]
    pub fn pod_range(&self) -> &str {
        &self.pod_range
    }

    /// Process id of a program, as seen from outside.
    #[must_use]
    pub fn pid(&self, component: NodeComponent) -> Option<u32> {
        self.processes.get(&component).map(Process::id)
    }

    /// Process id of the first process in the node's namespaces, as seen from outside.
    #[must_use]
    pub fn init_pid(&self) -> u32 {
        self.namespaces.pid()
    }

    /// Runs a program on the node, in its namespaces; gives what it printed on stdout.
    ///
    /// # Errors
    ///
    /// When it cannot be run or ends with a code other than 0.
    pub fn run(&self, program: &Path, arguments: &[&str]) -> Result<String, NodeError> {
        let mut command = Command::new(program);
        command.args(arguments);
        let output = self.namespaces.run(command)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Sends an image to the registry; nothing of it stays here.
    pub(crate) fn push(
        &self,
        archive: &str,
        reference: &str,
        setup: &Setup,
        binaries: &NodeBinaries,
    ) -> Result<(), NodeError> {
        let place = self.place(setup, binaries);
        let steps: [&[&str]; 3] = [
            &["images", "import", "--local", archive],
            &["images", "push", "--local", "--plain-http", reference],
            &["images", "rm", "--sync", reference],
        ];
        for step in steps {
            self.namespaces.run(containerd::client(&place, step))?;
        }
        Ok(())
    }

    fn place<'a>(&'a self, setup: &'a Setup, binaries: &'a NodeBinaries) -> Place<'a> {
        Place {
            name: &self.name,
            address: self.network.node(self.index),
            folder: setup.folder.path().join(&self.name),
            cgroup: cgroup::path_of(&setup.folder.name(), &self.name),
            max_pods: self.max_pods,
            setup,
            binaries,
        }
    }

    fn launch(
        &mut self,
        component: NodeComponent,
        setup: &Setup,
        binaries: &NodeBinaries,
    ) -> Result<(), NodeError> {
        let place = self.place(setup, binaries);
        let mut command = match component {
            NodeComponent::Containerd => containerd::command(&place),
            NodeComponent::Kubelet => kubelet::command(&place),
            NodeComponent::KubeProxy => kube_proxy::command(&place),
            NodeComponent::NetworkPolicy => network_policy::command(&place),
        };
        command.current_dir("/");
        let name = format!("{}-{component}", self.name);
        let log = setup.folder.log(&name);
        let process = Process::start_in(Some(&self.namespaces), component.name(), command, &log)?;
        setup.folder.note(&name, process.id())?;
        self.processes.insert(component, process);
        Ok(())
    }

    /// Waits for a condition while a program runs that has to bring it about.
    fn wait(
        &mut self,
        component: NodeComponent,
        setup: &Setup,
        condition: impl Fn() -> bool,
    ) -> Result<(), NodeError> {
        let deadline = Deadline::after(READY_LIMIT);
        let node = self.name.clone();
        let log = setup.folder.log(&format!("{node}-{component}"));
        let process = self.processes.get_mut(&component).ok_or_else(|| not_running(component))?;
        loop {
            if let Some(status) = process.ended_within(POLL)? {
                let tail = process.log_tail(LOG_SHOWN);
                return Err(NodeError::Ended { node, component, status, log, tail });
            }
            if condition() {
                return Ok(());
            }
            if deadline.is_over() {
                let tail = process.log_tail(LOG_SHOWN);
                return Err(NodeError::NotReady { node, component, limit: READY_LIMIT, log, tail });
            }
        }
    }

    fn await_ready(&mut self, setup: &Setup) -> Result<(), NodeError> {
        let path = format!("/api/v1/nodes/{}", self.name);
        self.wait(NodeComponent::Kubelet, setup, || {
            nodes::get(setup, &path).is_some_and(|node| nodes::is_ready(&node))
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // All of them must be reaped by us before the first process of their namespace can end.
        while let Some((_, process)) = self.processes.pop_first() {
            drop(process);
        }
    }
}

/// Name of a node, counted from 1.
pub(crate) fn name(index: u8) -> String {
    format!("node-{index}")
}

/// Names for logs must outlive everything; a lab has a handful of nodes.
fn namespaces_name(index: u8) -> &'static str {
    const NAMES: [&str; 8] = [
        "node-1-init",
        "node-2-init",
        "node-3-init",
        "node-4-init",
        "node-5-init",
        "node-6-init",
        "node-7-init",
        "node-8-init",
    ];
    NAMES.get(usize::from(index.saturating_sub(1))).copied().unwrap_or("node-init")
}

fn not_running(component: NodeComponent) -> ProcessError {
    ProcessError::not_running(component.name())
}

/// Writes a file that only its owner may read, folders above it included.
fn write(path: &Path, text: &str) -> Result<(), NodeError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|source| NodeError::Folder { path: folder.to_owned(), source })?;
    }
    Ok(pki::write_private(path, text)?)
}
