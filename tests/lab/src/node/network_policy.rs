//! The enforcer of network policies, `modules/labnetpol`.

use std::process::Command;

use super::Place;
use crate::NodeProgram;

pub(super) fn command(place: &Place<'_>) -> Command {
    let mut command = Command::new(place.binaries.path(NodeProgram::NetworkPolicy));
    let kubeconfig = place.setup.kubeconfig("labnetpol");
    command.arg(format!("--kubeconfig={}", kubeconfig.display())).arg(format!("--node={}", place.name));
    command
}
