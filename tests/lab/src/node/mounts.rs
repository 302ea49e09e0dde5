//! What a node sees of the machine's files.
//!
//! All of it, but some programs write to fixed places: kubelet to `/var/lib/kubelet/device-plugins`, libcni to
//! `/var/lib/cni`, containerd's shims to `/run/containerd`, and kubelet sets sysctls of the whole kernel. In the node's
//! mount namespace these are covered, so that nothing of it reaches the machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{NodeError, write};
use crate::namespaces::{NamespaceError, Namespaces};

/// Folders over which the node writes to a layer of its own.
const LAYERED: [(&str, &str); 3] = [("/run", "run"), ("/var/lib", "lib"), ("/var/log", "log")];

/// Sysctls that kubelet wants to set, with the values it wants (`setupKernelTunables` in
/// `pkg/kubelet/cm/container_manager_linux.go`): it finds them set and leaves the kernel alone.
const TUNABLES: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Covers these places, with files below `folder`.
pub(super) fn cover(namespaces: &Namespaces, folder: &Path) -> Result<(), NodeError> {
    for (place, name) in LAYERED {
        let (upper, work) =
            (folder.join("layers").join(name), folder.join("layers").join(format!("{name}-work")));
        for path in [&upper, &work] {
            fs::create_dir_all(path).map_err(|source| NodeError::Folder { path: path.clone(), source })?;
        }
        let options = format!("lowerdir={place},upperdir={},workdir={}", upper.display(), work.display());
        mount(namespaces, &["-t", "overlay", "-o", &options, "lab", place])?;
    }
    for (name, value) in TUNABLES {
        let place = format!("/proc/sys/{name}");
        if Path::new(&place).exists() {
            let file = folder.join("sysctl").join(name);
            write(&file, value)?;
            mount(namespaces, &["--bind", &file.to_string_lossy(), &place])?;
        }
    }
    Ok(())
}

fn mount(namespaces: &Namespaces, arguments: &[&str]) -> Result<(), NamespaceError> {
    let mut command = Command::new("mount");
    // Never ask the machine's mount table: it is another namespace's.
    command.arg("--no-mtab").args(arguments);
    namespaces.run(command).map(drop)
}
