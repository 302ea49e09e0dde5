//! Namespaces that live exactly as long as one process of ours.
//!
//! `unshare` makes them, labtool's `init` is the first process in them, and nothing else holds them: no mount under
//! `/run/netns`, no file. When that process ends, however it ends, the kernel ends everything: the other processes of the
//! process id namespace (shims and containers too), then the mounts, interfaces, routes and firewall rules. So a lab
//! that is killed leaves nothing of these behind, without anybody sweeping.
//!
//! Programs are started in them by `process`: the network and mount namespaces are entered between fork and exec, the
//! process id namespace by the forking thread, because it only counts for children.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process::{self, Process, ProcessError};
use crate::wait::Deadline;

/// Time for the first process to say that it is there.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// Time for all processes of a node to be killed.
const END_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// Reasons for which namespaces cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// The first process cannot be started.
    #[error("no process for the namespaces of `{name}`")]
    Process {
        /// Of whom.
        name: &'static str,
        /// What went wrong.
        #[source]
        source: ProcessError,
    },
    /// The first process ended or said nothing.
    #[error("no namespaces for `{name}`: {tail}")]
    NotReady {
        /// Of whom.
        name: &'static str,
        /// What it wrote.
        tail: String,
    },
    /// The namespaces cannot be looked up.
    #[error("failed to use the namespaces of `{name}`")]
    Look {
        /// Of whom.
        name: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A command in the namespaces failed.
    #[error("`{command}` failed for `{name}`: {stderr}")]
    Command {
        /// Of whom.
        name: &'static str,
        /// The command line, with its input if it had any.
        command: String,
        /// What it wrote to stderr.
        stderr: String,
    },
}

/// Which namespaces to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A network of its own.
    Network,
    /// A machine of its own, almost: network, mounts, process ids.
    Machine,
}

/// A set of namespaces; they and all in them end when this is dropped.
pub(crate) struct Namespaces {
    name: &'static str,
    holder: Process,
    init: Init,
    handles: Arc<Handles>,
}

/// Descriptors of namespaces, closed on exec.
pub(crate) struct Handles {
    network: OwnedFd,
    mounts: Option<OwnedFd>,
    pub(crate) pid: Option<OwnedFd>,
}

/// The first process inside, as seen from outside.
struct Init {
    pid: u32,
    pidfd: OwnedFd,
}

impl Namespaces {
    /// Makes namespaces; `settings` are sysctls (`net.ipv4.ip_forward=1`) that are set inside.
    ///
    /// `folder` is for the log and a file that says when they are ready.
    pub(crate) fn new(
        name: &'static str,
        scope: Scope,
        tool: &Path,
        settings: &[&str],
        folder: &Path,
    ) -> Result<Self, NamespaceError> {
        let ready = folder.join(format!("{name}.ready"));
        let mut command = Command::new("unshare");
        command.arg("--net");
        match scope {
            Scope::Network => command.args(["--fork", "--kill-child"]),
            Scope::Machine => command
                .args(["--mount", "--propagation=private", "--pid", "--fork", "--kill-child"])
                .arg("--mount-proc"),
        };
        command.arg("--").arg(tool).arg("init").arg(&ready).args(settings);
        let log = folder.join(format!("{name}.log"));
        let process_error = |source| NamespaceError::Process { name, source };
        let mut holder = Process::start_in(None, name, command, &log).map_err(process_error)?;
        let deadline = Deadline::after(READY_LIMIT);
        while !ready.exists() {
            let ended = holder.ended_within(POLL).map_err(process_error)?.is_some();
            if ended || deadline.is_over() {
                return Err(NamespaceError::NotReady { name, tail: holder.log_tail(1_000) });
            }
        }
        let look_error = |source| NamespaceError::Look { name, source };
        let init = Init::child_of(holder.id()).map_err(look_error)?;
        let handles = Arc::new(Handles::of(init.pid, scope).map_err(look_error)?);
        Ok(Self { name, holder, init, handles })
    }

    /// Process id by which `ip link … netns` knows the network.
    pub(crate) fn pid(&self) -> u32 {
        self.init.pid
    }

    pub(crate) fn handles(&self) -> Arc<Handles> {
        Arc::clone(&self.handles)
    }

    /// Runs a command inside and waits for its end.
    pub(crate) fn run(&self, command: Command) -> Result<Output, NamespaceError> {
        run_in(Some(self), self.name, command, "")
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // The first process goes first: `unshare` then waits for it, and it for all others.
        let _ = rustix::process::pidfd_send_signal(&self.init.pidfd, Signal::KILL);
        let _ = self.holder.end_within(END_LIMIT);
    }
}

impl Init {
    fn child_of(parent: u32) -> io::Result<Self> {
        let pid = child_of(parent)?;
        let id = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
        let pidfd = rustix::process::pidfd_open(id, PidfdFlags::empty())?;
        Ok(Self { pid, pidfd })
    }
}

impl Handles {
    fn of(pid: u32, scope: Scope) -> io::Result<Self> {
        let open = |name: &str| File::open(format!("/proc/{pid}/ns/{name}")).map(OwnedFd::from);
        Ok(match scope {
            Scope::Network => Self { network: open("net")?, mounts: None, pid: None },
            Scope::Machine => {
                Self { network: open("net")?, mounts: Some(open("mnt")?), pid: Some(open("pid")?) }
            }
        })
    }

    /// Moves the calling process in, process ids excepted. Only raw system calls: runs between fork and exec.
    pub(crate) fn enter(&self) -> io::Result<()> {
        move_into_link_name_space(self.network.as_fd(), Some(LinkNameSpaceType::Network))?;
        if let Some(mounts) = &self.mounts {
            move_into_link_name_space(mounts.as_fd(), Some(LinkNameSpaceType::Mount))?;
        }
        Ok(())
    }

    /// Runs `fork` so that its children are in the process id namespace.
    pub(crate) fn with_pid_namespace<T>(&self, fork: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(pid) = &self.pid else { return fork() };
        let own = File::open("/proc/thread-self/ns/pid")?;
        let kind = Some(LinkNameSpaceType::ProcessID);
        move_into_link_name_space(pid.as_fd(), kind)?;
        let child = fork();
        move_into_link_name_space(own.as_fd(), kind)?;
        child
    }
}

/// Runs a command, inside of namespaces or not, and waits for its end.
pub(crate) fn run_in(
    namespaces: Option<&Namespaces>,
    name: &'static str,
    mut command: Command,
    input: &str,
) -> Result<Output, NamespaceError> {
    let shown = format!("{command:?} {input}");
    let look_error = |source| NamespaceError::Look { name, source };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = process::spawn_in(namespaces, command).map_err(|source| NamespaceError::Command {
        name,
        command: shown.clone(),
        stderr: source.to_string(),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that ended early says why on stderr.
        let _ = io::Write::write_all(&mut stdin, input.as_bytes());
    }
    let output = child.wait_with_output().map_err(look_error)?;
    if output.status.success() {
        return Ok(output);
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(NamespaceError::Command { name, command: shown, stderr })
}

/// The one child of a process.
fn child_of(parent: u32) -> io::Result<u32> {
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name in parentheses: state, then the parent.
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        if fields.split(' ').nth(1).and_then(|field| field.parse().ok()) == Some(parent) {
            return Ok(pid);
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "the first process is gone"))
}
