//! The folder of one lab, and sweeping those of labs whose process is dead.
//!
//! A folder's name says who owns it: `lab-<pid namespace>-<pid>-<start time>-<number>`. The start time makes a reused
//! process id harmless, the namespace keeps containers that share a temporary folder from judging each other.
//! Each lab sweeps before it makes its own folder: it ends components of dead labs that still run (there should be
//! none, see `process`) and removes their folders. Logs of failed labs are kept a day, as `failed-…`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};

use crate::cgroup;

const KEEP_FAILED: Duration = Duration::from_secs(24 * 60 * 60);

/// A lab's folder could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to use the lab folder {path}")]
pub struct FolderError {
    /// Path that was used.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Folder of one lab; removed on drop.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Sweeps what dead labs left, then makes a folder for this one.
    pub(crate) fn create() -> Result<Self, FolderError> {
        Self::create_in(&root())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Last part of the path; no other lab on this machine has it.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Path of a component's log.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.path.join("logs").join(format!("{name}.log"))
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.path.join("pki")
    }

    /// Notes a running component, so that a sweep can end it should everything else fail.
    pub(crate) fn note(&self, name: &str, pid: u32) -> Result<(), FolderError> {
        let path = self.path.join("pids").join(name);
        let start = start_time(pid).unwrap_or_default();
        fs::write(&path, format!("{pid} {start}")).map_err(|source| FolderError { path, source })
    }

    /// Moves the logs out of the folder, where they outlive it by a day; gives their new place.
    pub(crate) fn keep_logs(&self) -> Result<PathBuf, FolderError> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let kept = self.path.with_file_name(format!("failed-{name}"));
        fs::rename(self.path.join("logs"), &kept)
            .map_err(|source| FolderError { path: kept.clone(), source })?;
        Ok(kept)
    }

    fn create_in(root: &Path) -> Result<Self, FolderError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let root_error = |source| FolderError { path: root.to_owned(), source };
        fs::create_dir_all(root).map_err(root_error)?;
        let lock = File::create(root.join(".lock")).map_err(root_error)?;
        lock.lock().map_err(root_error)?;
        sweep(root).map_err(root_error)?;

        let owner = Owner::this_process().map_err(root_error)?;
        let path = root.join(owner.folder_name(NUMBER.fetch_add(1, Ordering::Relaxed)));
        for inner in ["logs", "pki", "pids", "etcd"] {
            let path = path.join(inner);
            fs::create_dir_all(&path).map_err(|source| FolderError { path, source })?;
        }
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next lab's sweep.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Folder of all labs of this user, whose labs no other user could sweep.
#[must_use]
pub fn root() -> PathBuf {
    std::env::temp_dir().join(format!("bench-lab-{}", rustix::process::getuid().as_raw()))
}

/// Who made a folder.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    pid_namespace: u64,
    pid: u32,
    start_time: u64,
}

impl Owner {
    fn this_process() -> io::Result<Self> {
        let pid = std::process::id();
        Ok(Self { pid_namespace: pid_namespace()?, pid, start_time: start_time(pid)? })
    }

    fn folder_name(&self, number: u32) -> String {
        let Self { pid_namespace, pid, start_time } = self;
        format!("lab-{pid_namespace}-{pid}-{start_time}-{number}")
    }

    fn parse(folder_name: &str) -> Option<Self> {
        let mut parts = folder_name.strip_prefix("lab-")?.split('-').map(str::parse::<u64>);
        let mut next = || parts.next()?.ok();
        Some(Self { pid_namespace: next()?, pid: u32::try_from(next()?).ok()?, start_time: next()? })
    }

    /// Whether it runs: a process that ended, and that nobody waited for yet, owns nothing any more.
    fn is_alive(&self) -> bool {
        let Ok(stat) = Stat::of(self.pid) else { return false };
        !matches!(stat.state, 'Z' | 'X') && stat.start_time == self.start_time
    }
}

fn sweep(root: &Path) -> io::Result<()> {
    let here = pid_namespace()?;
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("failed-") {
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age > KEEP_FAILED {
                remove(&entry.path());
            }
            continue;
        }
        let Some(owner) = Owner::parse(&name) else { continue };
        if owner.pid_namespace == here && !owner.is_alive() {
            end_components(&entry.path().join("pids"));
            cgroup::remove(&name);
            remove(&entry.path());
        }
    }
    Ok(())
}

/// Removes a folder as far as possible: what stays is in nobody's way, and the next sweep tries again.
fn remove(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
}

/// Kills the processes that a dead lab noted, if they are still the same ones.
fn end_components(pids: &Path) {
    let Ok(notes) = fs::read_dir(pids) else { return };
    for note in notes.flatten() {
        let Ok(text) = fs::read_to_string(note.path()) else { continue };
        let Some((pid, start)) = text.split_once(' ') else { continue };
        let (Ok(pid), Ok(start)) = (pid.parse::<i32>(), start.parse::<u64>()) else { continue };
        let Some(id) = Pid::from_raw(pid) else { continue };
        // Opened before the start time is read: from here on the descriptor cannot mean another process.
        let Ok(pidfd) = rustix::process::pidfd_open(id, PidfdFlags::empty()) else { continue };
        if start != 0 && start_time(pid.unsigned_abs()).is_ok_and(|now| now == start) {
            let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }
}

/// Start of a process in clock ticks since boot.
fn start_time(pid: u32) -> io::Result<u64> {
    Ok(Stat::of(pid)?.start_time)
}

/// Fields of `/proc/<pid>/stat`: proc_pid_stat(5).
struct Stat {
    /// Field 3.
    state: char,
    /// Field 22, in clock ticks since boot.
    start_time: u64,
}

impl Stat {
    fn of(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Self::parse(&stat).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a /proc/<pid>/stat"))
    }

    fn parse(stat: &str) -> Option<Self> {
        // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
        let (_, after_name) = stat.rsplit_once(") ")?;
        let mut fields = after_name.split(' ');
        let state = fields.next()?.chars().next()?;
        Some(Self { state, start_time: fields.nth(18)?.parse().ok()? })
    }
}

/// Number in `pid:[4026531836]`.
fn pid_namespace() -> io::Result<u64> {
    let link = fs::read_link("/proc/self/ns/pid")?;
    let text = link.to_string_lossy();
    text.trim_start_matches("pid:[")
        .trim_end_matches(']')
        .parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no number in /proc/self/ns/pid"))
}

#[cfg(test)]
mod tests;
