//! What a machine must have for real nodes, and which of it is missing.
//!
//! All of it is looked for at once, so that nobody learns of the second gap after closing the first.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cluster::ClusterError;

/// Something that real nodes need and the machine lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The user is not root.
    Root,
    /// Root without a right it usually has, as in most containers.
    Capability(&'static str),
    /// A program.
    Program {
        /// Its name.
        name: &'static str,
        /// Debian's package of it.
        package: &'static str,
    },
    /// Something of the kernel.
    Kernel(&'static str),
    /// The lab's folder is on a file system that cannot hold layers of containers.
    FileSystem {
        /// Path of the folder.
        path: PathBuf,
    },
}

impl Missing {
    /// Debian's package that brings it, if one does.
    #[must_use]
    pub fn package(&self) -> Option<&'static str> {
        match self {
            Self::Program { package, .. } => Some(package),
            Self::Root | Self::Capability(_) | Self::Kernel(_) | Self::FileSystem { .. } => None,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Capability(name) => write!(f, "the capability `{name}`"),
            Self::Program { name, package } => write!(f, "`{name}` (Debian: `apt-get install {package}`)"),
            Self::Kernel(feature) => write!(f, "{feature} in the kernel"),
            Self::FileSystem { path } => {
                write!(f, "a file system for containers: {} is an overlay (set `TMPDIR`)", path.display())
            }
        }
    }
}

/// Programs that are run, with Debian's packages.
const PROGRAMS: [(&str, &str); 6] = [
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("iptables-restore", "iptables"),
    ("ipset", "ipset"),
];

/// Capabilities by their number in `linux/capability.h`.
const CAPABILITIES: [(&str, u32); 6] = [
    ("CAP_SYS_ADMIN", 21),
    ("CAP_NET_ADMIN", 12),
    ("CAP_NET_RAW", 13),
    ("CAP_SYS_CHROOT", 18),
    ("CAP_MKNOD", 27),
    ("CAP_SYS_PTRACE", 19),
];

/// Files that are there if the kernel can do something.
const KERNEL: [(&str, &str); 4] = [
    ("/proc/self/ns/net", "network namespaces"),
    ("/proc/self/ns/pid", "process id namespaces"),
    ("/sys/fs/cgroup", "control groups"),
    ("/proc/sys/net/ipv4/ip_forward", "IPv4"),
];

/// Everything that this machine lacks for real nodes; nothing if it can run them.
#[must_use]
pub fn missing() -> Vec<Missing> {
    let mut missing = Vec::new();
    if rustix::process::geteuid().is_root() {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        missing.extend(lacking_capabilities(&status).map(Missing::Capability));
    } else {
        missing.push(Missing::Root);
    }
    for (name, package) in PROGRAMS {
        if find(name).is_none() {
            missing.push(Missing::Program { name, package });
        }
    }
    if busybox().is_none() {
        missing.push(Missing::Program { name: "busybox", package: "busybox-static" });
    }
    for (path, feature) in KERNEL {
        if !Path::new(path).exists() {
            missing.push(Missing::Kernel(feature));
        }
    }
    let systems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    // As a module it is only listed once it is loaded; then it is there as a file.
    if !systems.contains("\toverlay") && !has_module("overlay") {
        missing.push(Missing::Kernel("overlay file systems"));
    }
    missing
}

/// Refuses a machine that lacks something.
pub(crate) fn check() -> Result<(), ClusterError> {
    let missing = missing();
    if missing.is_empty() { Ok(()) } else { Err(ClusterError::Missing { missing }) }
}

/// Refuses a folder in which containerd cannot make layers: an overlay does not go on top of another.
pub(crate) fn check_folder(folder: &Path) -> Result<(), ClusterError> {
    /// `OVERLAYFS_SUPER_MAGIC` of `linux/magic.h`.
    const OVERLAY: u64 = 0x794c_7630;
    match rustix::fs::statfs(folder) {
        Ok(system) if u64::try_from(system.f_type) == Ok(OVERLAY) => {
            Err(ClusterError::Missing { missing: vec![Missing::FileSystem { path: folder.to_owned() }] })
        }
        // Whatever is wrong with the folder is said by whoever writes to it.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A busybox that runs in an image without libraries.
pub(crate) fn busybox() -> Option<PathBuf> {
    let path = find("busybox")?;
    // A program that needs no libraries names no interpreter to load them.
    let bytes = fs::read(&path).ok()?;
    let dynamic = bytes.windows(4).any(|window| window == b"/ld-");
    (!dynamic).then_some(path)
}

/// Path of a program.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn has_module(name: &str) -> bool {
    let Ok(release) = fs::read_to_string("/proc/sys/kernel/osrelease") else { return false };
    let list = fs::read_to_string(format!("/lib/modules/{}/modules.dep", release.trim())).unwrap_or_default();
    list.contains(&format!("/{name}.ko"))
}

/// Names of capabilities that a `/proc/<pid>/status` does not have.
fn lacking_capabilities(status: &str) -> impl Iterator<Item = &'static str> {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default();
    CAPABILITIES.into_iter().filter(move |(_, number)| set >> number & 1 == 0).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lacking_capabilities_are_named() {
        let names = |status: &str| lacking_capabilities(status).collect::<Vec<_>>();
        assert_eq!(names("CapInh:\t0\nCapEff:\t000001fffeffffff\n"), [""; 0]);
        // A container's usual set.
        assert_eq!(
            names("CapEff:\t00000000a80425fb\n"),
            ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"]
        );
        assert_eq!(names("").len(), CAPABILITIES.len());
    }

    #[test]
    fn what_is_missing_is_told_with_its_package() {
        let missing = Missing::Program { name: "ipset", package: "ipset" };
        assert_eq!(missing.to_string(), "`ipset` (Debian: `apt-get install ipset`)");
        assert_eq!(missing.package(), Some("ipset"));
        assert_eq!(Missing::Root.package(), None);
    }
}
