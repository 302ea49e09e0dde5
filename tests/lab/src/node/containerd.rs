//! containerd, with everything of it below the node's folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{NodeError, Place, write};
use crate::NodeProgram;
use crate::{image, registry};

/// Plugins that need what the lab does not have, or that write outside of the node's folder.
const DISABLED: [&str; 7] = [
    "io.containerd.nri.v1.nri",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.differ.v1.erofs",
];

/// Folder in which containerd looks up where the name of a registry leads.
const REGISTRIES: &str = "registries";

pub(super) fn socket(place: &Place<'_>) -> PathBuf {
    place.folder.join("containerd.sock")
}

pub(super) fn command(place: &Place<'_>) -> Command {
    let containerd = place.binaries.path(NodeProgram::Containerd);
    // containerd looks for its shim in PATH.
    let mut folders = vec![containerd.parent().unwrap_or(Path::new("/")).to_owned()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = Command::new(containerd);
    command.arg("--config").arg(config(place));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    command
}

/// Imports an archive into the images that kubelet sees.
pub(super) fn import(place: &Place<'_>, archive: &Path) -> Command {
    let mut command = Command::new(place.binaries.path(NodeProgram::Ctr));
    command.arg("--address").arg(socket(place));
    command.args(["--namespace", "k8s.io", "images", "import", "--local"]).arg(archive);
    command
}

/// A command of containerd's client; what it imports is not seen by kubelet.
pub(super) fn client(place: &Place<'_>, arguments: &[&str]) -> Command {
    let mut command = Command::new(place.binaries.path(NodeProgram::Ctr));
    command.arg("--address").arg(socket(place)).args(["--namespace", "lab"]).args(arguments);
    command
}

fn config(place: &Place<'_>) -> PathBuf {
    place.folder.join("containerd.toml")
}

pub(super) fn write_config(place: &Place<'_>) -> Result<(), NodeError> {
    let inside = |name: &str| place.folder.join(name).display().to_string();
    let disabled: Vec<String> = DISABLED.iter().map(|plugin| format!("{plugin:?}")).collect();
    let text = format!(
        r#"version = 3
root = {root:?}
state = {state:?}
disabled_plugins = [{disabled}]

[grpc]
address = {socket:?}

[ttrpc]
address = {ttrpc:?}

[plugins.'io.containerd.internal.v1.opt']
path = {opt:?}

[plugins.'io.containerd.cri.v1.images']
snapshotter = "overlayfs"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = {sandbox:?}

[plugins.'io.containerd.cri.v1.images'.registry]
config_path = {registries:?}

[plugins.'io.containerd.cri.v1.runtime']
netns_mounts_under_state_dir = true
# Without CAP_SYS_RESOURCE no score can be lowered, and runc fails when it is asked to.
restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = [{cni:?}]
conf_dir = {cni_config:?}

[plugins.'io.containerd.cri.v1.runtime'.containerd]
default_runtime_name = "runc"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = {runc:?}
SystemdCgroup = false
"#,
        root = inside("containerd"),
        state = inside("state"),
        disabled = disabled.join(", "),
        socket = inside("containerd.sock"),
        ttrpc = inside("containerd.sock.ttrpc"),
        opt = inside("opt"),
        sandbox = image::PAUSE,
        registries = inside(REGISTRIES),
        cni = place.binaries.cni().display().to_string(),
        cni_config = inside("cni"),
        runc = place.binaries.path(NodeProgram::Runc).display().to_string(),
    );
    for (name, address) in registry::names(place.setup) {
        let text = format!(
            "server = \"http://{address}\"\n\n[host.\"http://{address}\"]\ncapabilities = [\"pull\", \"resolve\"]\n"
        );
        write(&place.folder.join(REGISTRIES).join(name).join("hosts.toml"), &text)?;
    }
    write(&config(place), &text)
}
