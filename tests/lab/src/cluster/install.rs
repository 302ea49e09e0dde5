//! Starts what runs in a cluster beside Kubernetes; each addon's objects and command lines are in `addons`.

use std::process::Command;
use std::time::Duration;

use super::{Cluster, ClusterError};
use crate::addons::{csi, dns, metrics, snapshots, volumes};
use crate::binaries::{AddonBinaries, NodeProgram};
use crate::component::Setup;
use crate::node::Node;
use crate::process::Process;
use crate::registry;
use crate::wait::{Deadline, pause};

/// Time for each addon to come up. Seconds are usual; a machine that also compiles is slower.
const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
const LOG_SHOWN: u64 = 2_000;

impl Cluster {
    pub(super) fn install(&mut self, addons: &AddonBinaries) -> Result<(), ClusterError> {
        let setup = self.setup();
        dns::install(setup)?;
        volumes::install(setup)?;
        metrics::install(setup)?;
        csi::install(setup)?;
        snapshots::install(setup)?;
        let volumes = volumes::command(setup, addons.local_path_provisioner());
        let metrics = metrics::command(setup, addons.metrics_server());
        self.start_beside("local-path-provisioner", volumes)?;
        self.start_beside("metrics-server", metrics)?;
        self.start_csi(addons)?;
        self.await_addon("metrics-server", metrics::answers)?;
        metrics::register(self.setup())?;
        self.await_addon("metrics-server's API", metrics::is_ready)?;
        self.await_addon("CoreDNS", dns::is_ready)
    }

    /// Before the nodes, which may be asked for an image of it as soon as they are Ready.
    pub(super) fn start_registry(&mut self) -> Result<(), ClusterError> {
        let program = self.binaries.path(NodeProgram::Registry);
        self.start_beside("labregistry", registry::command(self.setup(), program))?;
        self.await_addon("the registry", registry::answers)
    }

    /// The driver first: its sidecars ask it what it can do.
    fn start_csi(&mut self, addons: &AddonBinaries) -> Result<(), ClusterError> {
        let setup = self.control_plane.setup();
        let node = self.nodes.first_mut().ok_or(ClusterError::NoNode { index: 0 })?;
        node.start_addon("labcsi", csi::driver(setup, addons.csi_driver()), setup)?;
        self.await_addon("the CSI driver", csi::is_registered)?;
        self.await_addon("the kinds of snapshots", snapshots::are_served)?;
        let setup = self.setup();
        snapshots::create_class(setup)?;
        let provisioner = csi::provisioner(setup, addons.csi_provisioner());
        let resizer = csi::resizer(setup, addons.csi_resizer());
        let snapshotter = snapshots::snapshotter(setup, addons.csi_snapshotter());
        let controller = snapshots::controller(setup, addons.snapshot_controller());
        self.start_beside(csi::PROVISIONER, provisioner)?;
        self.start_beside(csi::RESIZER, resizer)?;
        self.start_beside(snapshots::SNAPSHOTTER, snapshotter)?;
        self.start_beside(snapshots::CONTROLLER, controller)
    }

    /// Starts a process where the control plane is.
    fn start_beside(&mut self, name: &'static str, command: Command) -> Result<(), ClusterError> {
        let folder = &self.control_plane.setup().folder;
        let process = Process::start_in(self.control_plane.namespaces(), name, command, &folder.log(name))?;
        folder.note(name, process.id())?;
        self.addons.push(process);
        Ok(())
    }

    /// Waits for an addon while none of the processes that were started ends.
    fn await_addon(&mut self, what: &'static str, is_ready: fn(&Setup) -> bool) -> Result<(), ClusterError> {
        let deadline = Deadline::after(LIMIT);
        while !is_ready(self.setup()) {
            let on_nodes = self.nodes.iter_mut().flat_map(Node::addons_mut);
            for process in self.addons.iter_mut().chain(on_nodes) {
                if let Some(status) = process.ended_within(Duration::ZERO)? {
                    let (name, tail) = (process.name(), process.log_tail(LOG_SHOWN));
                    return Err(ClusterError::Ended { name, status, tail });
                }
            }
            if deadline.is_over() {
                return Err(ClusterError::NotReady { what, limit: LIMIT });
            }
            pause(POLL);
        }
        Ok(())
    }
}
