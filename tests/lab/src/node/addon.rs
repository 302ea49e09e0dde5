//! Programs of addons that have to be on a node: what mounts for its kubelet must see the node's mounts.

use std::process::Command;

use super::{Node, NodeError};
use crate::component::Setup;
use crate::process::Process;

impl Node {
    /// Starts a program in the node's namespaces; it ends with the node.
    pub(crate) fn start_addon(
        &mut self,
        name: &'static str,
        mut command: Command,
        setup: &Setup,
    ) -> Result<(), NodeError> {
        command.current_dir("/");
        let title = format!("{}-{name}", self.name);
        let process = Process::start_in(Some(&self.namespaces), name, command, &setup.folder.log(&title))?;
        setup.folder.note(&title, process.id())?;
        self.addons.push(process);
        Ok(())
    }

    /// What was started so.
    pub(crate) fn addons_mut(&mut self) -> &mut [Process] {
        &mut self.addons
    }
}
