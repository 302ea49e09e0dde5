//! A registry for the nodes of a cluster: `modules/labregistry`, which serves the same images under two names, one of
//! them slowly.
//!
//! It runs where the control plane is, without TLS: nobody else is in that network. Where the names lead is written down
//! for containerd on each node, so no name service is asked.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::component::{Component, Setup};
use crate::image::{Image, ImageError};

/// Nodes pull `registry.lab.local/NAME` as quickly as they can.
pub const REGISTRY: &str = "registry.lab.local";
/// The same images, at [`SLOW_BYTES_PER_SECOND`] for all pulls together.
pub const SLOW_REGISTRY: &str = "slow.registry.lab.local";
/// Bytes a second that [`SLOW_REGISTRY`] sends: an image of the lab's takes some seconds.
pub const SLOW_BYTES_PER_SECOND: u32 = 1 << 20;

const PORT: u16 = 5000;
const SLOW_PORT: u16 = 5001;

/// Names under which nodes pull, and where each leads.
pub(crate) fn names(setup: &Setup) -> [(&'static str, SocketAddr); 2] {
    let host = setup.address(Component::ApiServer).ip();
    [(REGISTRY, (host, PORT).into()), (SLOW_REGISTRY, (host, SLOW_PORT).into())]
}

pub(crate) fn command(setup: &Setup, program: PathBuf) -> Command {
    let [(_, quick), (_, slow)] = names(setup);
    let mut command = Command::new(program);
    command.arg(setup.folder.path().join("registry"));
    command.args([quick.to_string(), slow.to_string(), SLOW_BYTES_PER_SECOND.to_string()]);
    command
}

pub(crate) fn answers(setup: &Setup) -> bool {
    names(setup).into_iter().all(|(_, address)| TcpStream::connect(address).is_ok())
}

/// Writes an archive of an image that sleeps, and shares no layer with another one; gives its path, and the name under
/// which it is to be pushed.
pub(crate) fn write(setup: &Setup, tool: &Path, name: &str) -> Result<(PathBuf, String), ImageError> {
    let [(_, quick), _] = names(setup);
    let reference = format!("{quick}/{name}");
    let archive = setup.folder.path().join(format!("{}.tar", name.replace('/', "-")));
    let image = Image {
        names: &[&reference],
        programs: &[(tool, "/labtool")],
        links: &[(format!("bin/{}", name.replace('/', "-")), "/labtool")],
        entrypoint: &["/labtool", "pause"],
    };
    image.write(&archive)?;
    Ok((archive, reference))
}
