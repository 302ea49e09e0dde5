//! Control groups of a lab: one below each hierarchy's root, named after the lab's folder.
//!
//! The only thing of a node that outlives its processes. They are removed when a lab ends, those of a killed lab by its
//! guard, and should that be killed too, when the lab's folder is swept. Both versions: with the first there are many
//! hierarchies, with the second one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::wait::{Deadline, pause};

/// Time for the kernel to take note that a group's last process is gone.
const EMPTY_LIMIT: Duration = Duration::from_secs(10);

/// A control group could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to make the control group {path}")]
pub struct CgroupError {
    /// Its folder.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Path of a node's group below every hierarchy's root, as kubelet wants it.
pub(crate) fn path_of(lab: &str, node: &str) -> String {
    format!("/bench-{lab}/{node}")
}

/// Makes the group `/bench-<lab>/<node>` in every hierarchy.
pub(crate) fn create(lab: &str, node: &str) -> Result<(), CgroupError> {
    for hierarchy in hierarchies() {
        let mut parent = hierarchy;
        for name in [&format!("bench-{lab}"), node] {
            let path = parent.join(name);
            let cgroup_error = |source| CgroupError { path: path.clone(), source };
            fs::create_dir_all(&path).map_err(cgroup_error)?;
            // In version 1 a new group has no processors and no memory nodes, and takes no process before it has.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let value = fs::read_to_string(path.join(file)).unwrap_or_default();
                if let (true, Ok(inherited)) =
                    (value.trim().is_empty(), fs::read_to_string(parent.join(file)))
                {
                    fs::write(path.join(file), inherited.trim()).map_err(cgroup_error)?;
                }
            }
            parent = path;
        }
    }
    Ok(())
}

/// Folders of a lab's groups, one in each hierarchy.
pub(crate) fn folders(lab: &str) -> impl Iterator<Item = PathBuf> {
    let name = format!("bench-{lab}");
    hierarchies().into_iter().map(move |hierarchy| hierarchy.join(&name))
}

/// Removes all groups of a lab; waits for the last process to be gone from them.
pub(crate) fn remove(lab: &str) {
    let deadline = Deadline::after(EMPTY_LIMIT);
    for group in folders(lab) {
        while group.exists() && !remove_tree(&group) && !deadline.is_over() {
            pause(Duration::from_millis(20));
        }
    }
}

/// Whether the group and all below it are gone.
fn remove_tree(group: &Path) -> bool {
    if let Ok(entries) = fs::read_dir(group) {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_tree(&entry.path());
            }
        }
    }
    fs::remove_dir(group).is_ok() || !group.exists()
}

/// Mount points of all hierarchies.
fn hierarchies() -> Vec<PathBuf> {
    parse_mounts(&fs::read_to_string("/proc/self/mounts").unwrap_or_default())
}

fn parse_mounts(mounts: &str) -> Vec<PathBuf> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (path, kind) = (fields.next()?, fields.next()?);
        kind.starts_with("cgroup").then(|| PathBuf::from(path))
    });
    mounts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_both_versions_are_found() {
        let mounts = "proc /proc proc rw 0 0\n\
            cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu 0 0\n\
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\nbroken\n";
        let found = parse_mounts(mounts);
        assert_eq!(found, [Path::new("/sys/fs/cgroup/cpu,cpuacct"), Path::new("/sys/fs/cgroup/unified")]);
    }
}
