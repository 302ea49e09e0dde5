//! What a test does to a running control plane: its components paused, killed and started again, its past forgotten.

use crate::component::Component;
use crate::control_plane::{ControlPlane, LostPort, StartError, compact, not_running};
use crate::process::{Process, ProcessError};

impl ControlPlane {
    /// Stops a component where it is (SIGSTOP): it answers nothing, its connections stay open.
    ///
    /// # Errors
    ///
    /// When the component is not there or ended by itself.
    pub fn pause(&self, component: Component) -> Result<(), ProcessError> {
        self.process(component)?.pause()
    }

    /// Lets a paused component go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// When the component is not there or ended by itself.
    pub fn resume(&self, component: Component) -> Result<(), ProcessError> {
        self.process(component)?.resume()
    }

    /// Kills a component (SIGKILL) and waits until it is gone. No effect if it is gone already.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn kill(&mut self, component: Component) -> Result<(), ProcessError> {
        match self.processes.remove(&component) {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// Kills a component if it runs, starts it with the same port and data, and waits until it is ready.
    ///
    /// A new kwok takes over a node only when the old one's lease is over, up to 40 s later; the nodes stay Ready.
    ///
    /// # Errors
    ///
    /// When it does not become ready.
    pub fn restart(&mut self, component: Component) -> Result<(), StartError> {
        self.kill(component)?;
        self.launch(component)?;
        self.await_ready(component, LostPort::TryAgain)
    }

    /// Has etcd forget all revisions but the newest. A watch from an older one ends with 410, as soon as kube-apiserver
    /// has nothing of it in memory either: after a restart.
    ///
    /// # Errors
    ///
    /// When etcd does not answer or refuses.
    pub fn compact(&self) -> Result<(), StartError> {
        compact::compact(&self.setup)
    }

    fn process(&self, component: Component) -> Result<&Process, ProcessError> {
        self.processes.get(&component).ok_or_else(|| not_running(component))
    }
}
