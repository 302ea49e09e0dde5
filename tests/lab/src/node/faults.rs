//! What a test does to a running node: its programs paused, killed and started again, its limits changed.

use crate::binaries::NodeBinaries;
use crate::component::Setup;
use crate::node::{Node, NodeComponent, NodeError, kubelet, not_running};
use crate::nodes;
use crate::process::{Process, ProcessError};

impl Node {
    /// Stops a program where it is (SIGSTOP).
    ///
    /// # Errors
    ///
    /// When it is not there or ended by itself.
    pub fn pause(&self, component: NodeComponent) -> Result<(), ProcessError> {
        self.process(component)?.pause()
    }

    /// Lets a paused program go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// When it is not there or ended by itself.
    pub fn resume(&self, component: NodeComponent) -> Result<(), ProcessError> {
        self.process(component)?.resume()
    }

    /// Kills a program (SIGKILL) and waits until it is gone. No effect if it is gone already.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn kill(&mut self, component: NodeComponent) -> Result<(), ProcessError> {
        self.processes.remove(&component).map_or(Ok(()), |mut process| process.kill())
    }

    /// Kills a program if it runs, starts it again, and waits until the node is Ready.
    pub(crate) fn restart(
        &mut self,
        component: NodeComponent,
        setup: &Setup,
        binaries: &NodeBinaries,
    ) -> Result<(), NodeError> {
        self.kill(component)?;
        self.launch(component, setup, binaries)?;
        self.await_ready(setup)
    }

    /// Changes how many pods kubelet takes; it is started again.
    pub(crate) fn set_max_pods(
        &mut self,
        max_pods: u32,
        setup: &Setup,
        binaries: &NodeBinaries,
    ) -> Result<(), NodeError> {
        self.max_pods = max_pods;
        kubelet::write_config(&self.place(setup, binaries))?;
        self.restart(NodeComponent::Kubelet, setup, binaries)?;
        let (path, wanted) = (format!("/api/v1/nodes/{}", self.name), max_pods.to_string());
        self.wait(NodeComponent::Kubelet, setup, || {
            let node = nodes::get(setup, &path);
            let shown = node.as_ref().and_then(|node| node.pointer("/status/allocatable/pods")?.as_str());
            shown == Some(&wanted)
        })
    }

    fn process(&self, component: NodeComponent) -> Result<&Process, ProcessError> {
        self.processes.get(&component).ok_or_else(|| not_running(component))
    }
}
