//! Child processes that cannot outlive this one.
//!
//! The kernel kills a child when the *thread* that forked it ends (`PR_SET_PDEATHSIG`), so all children are forked by
//! one thread that lives as long as this process. That covers what `Drop` cannot: a panic that aborts, `exit`, and
//! SIGKILL. A component's own children are not covered; none of today's components has any that outlive it.
//!
//! Waiting uses a pidfd: it returns at once when the process ends, and cannot mean another process of the same id.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

use crate::namespaces::{Handles, Namespaces};

/// Reasons for which a child process cannot be started, signaled or waited for.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program could not be executed.
    #[error("failed to run `{program}`")]
    Spawn {
        /// Path of the program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The program's log could not be opened.
    #[error("failed to open the log {path}")]
    Log {
        /// Path of the log.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A signal could not be sent, or the end not be waited for.
    #[error("failed to control process `{name}`")]
    Control {
        /// Name of the component.
        name: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ProcessError {
    /// The component was not started, or was killed.
    pub(crate) fn not_running(name: &'static str) -> Self {
        let source = io::Error::new(io::ErrorKind::NotFound, "it is not running");
        Self::Control { name, source }
    }
}

/// A running component: killed and reaped on drop.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    pidfd: OwnedFd,
    log: PathBuf,
}

impl Process {
    /// Starts `program`, its output appended to `log`.
    #[cfg(test)]
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        log: &Path,
    ) -> Result<Self, ProcessError> {
        let mut command = Command::new(program);
        command.args(arguments);
        Self::start_in(None, name, command, log)
    }

    /// Starts `command` in the namespaces, its output appended to `log`.
    pub(crate) fn start_in(
        namespaces: Option<&Namespaces>,
        name: &'static str,
        mut command: Command,
        log: &Path,
    ) -> Result<Self, ProcessError> {
        let output = append(log)?;
        let errors =
            output.try_clone().map_err(|source| ProcessError::Log { path: log.to_owned(), source })?;
        let program = PathBuf::from(command.get_program());
        let spawn_error = |source| ProcessError::Spawn { program: program.clone(), source };
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = spawn_in(namespaces, command).map_err(spawn_error)?;
        let pidfd = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .map_err(|errno| spawn_error(errno.into()))?;
        Ok(Self { name, child, pidfd, log: log.to_owned() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits up to `time` for the process to end; `None` if it still runs.
    pub(crate) fn ended_within(&mut self, time: Duration) -> Result<Option<ExitStatus>, ProcessError> {
        let timeout = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(time.subsec_nanos()),
        };
        let mut pidfds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        match rustix::event::poll(&mut pidfds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(self.control_error(errno.into())),
        }
        self.child.try_wait().map_err(|source| self.control_error(source))
    }

    /// Stops the process where it is: it answers nothing, its connections stay open.
    pub(crate) fn pause(&self) -> Result<(), ProcessError> {
        self.signal(Signal::STOP)?;
        // Until one of its threads takes the signal the others go on. The report is left: a second pause looks for it.
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        let wait = || rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), stopped);
        rustix::io::retry_on_intr(wait).map(drop).map_err(|errno| self.control_error(errno.into()))
    }

    /// Lets a paused process go on.
    pub(crate) fn resume(&self) -> Result<(), ProcessError> {
        self.signal(Signal::CONT)
    }

    /// Kills the process and waits until it is gone. No effect on one that ended before.
    pub(crate) fn kill(&mut self) -> Result<(), ProcessError> {
        self.child.kill().map_err(|source| self.control_error(source))?;
        self.child.wait().map_err(|source| self.control_error(source))?;
        Ok(())
    }

    /// Waits for an end that somebody else has brought about, then kills.
    pub(crate) fn end_within(&mut self, time: Duration) -> Result<(), ProcessError> {
        match self.ended_within(time)? {
            Some(_) => Ok(()),
            None => self.kill(),
        }
    }

    /// Last `limit` bytes of the log, from the start of a line.
    pub(crate) fn log_tail(&self, limit: u64) -> String {
        tail(&self.log, limit).unwrap_or_default()
    }

    fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        rustix::process::pidfd_send_signal(&self.pidfd, signal)
            .map_err(|errno| self.control_error(errno.into()))
    }

    fn control_error(&self, source: io::Error) -> ProcessError {
        ProcessError::Control { name: self.name, source }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody can be told here; a process that survives this dies with us.
        let _ = self.kill();
    }
}

/// Starts a child that the kernel kills when this process ends.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    spawn_in(None, command)
}

/// As [`spawn`], in namespaces of the lab's.
pub(crate) fn spawn_in(namespaces: Option<&Namespaces>, mut command: Command) -> io::Result<Child> {
    let handles = namespaces.map(Namespaces::handles);
    set_up_child(&mut command, handles.clone());
    let (reply, answer) = mpsc::sync_channel(1);
    spawner()?
        .send(Request { command, handles, reply })
        .map_err(|_| io::Error::other("the thread that starts processes is gone"))?;
    answer.recv().map_err(|_| io::Error::other("the thread that starts processes is gone"))?
}

struct Request {
    command: Command,
    handles: Option<Arc<Handles>>,
    reply: mpsc::SyncSender<io::Result<Child>>,
}

/// The one thread that forks. It never ends: the sender lives in a static.
fn spawner() -> io::Result<mpsc::Sender<Request>> {
    static SPAWNER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    if let Some(sender) = SPAWNER.get() {
        return Ok(sender.clone());
    }
    let (sender, requests) = mpsc::channel::<Request>();
    std::thread::Builder::new().name("lab-spawner".to_owned()).spawn(move || {
        for mut request in requests {
            let child = match &request.handles {
                Some(handles) => handles.with_pid_namespace(|| request.command.spawn()),
                None => request.command.spawn(),
            };
            // A caller that went away leaves a child that nobody owns: dropping the result would leak it.
            if let Err(mpsc::SendError(Ok(mut orphan))) = request.reply.send(child) {
                let _ = orphan.kill();
                let _ = orphan.wait();
            }
        }
    })?;
    // Two first callers: the loser's thread ends when its sender is dropped here, before it forked anything.
    Ok(SPAWNER.get_or_init(|| sender).clone())
}

/// Between fork and exec: enters the namespaces and asks the kernel to be killed with the parent.
fn set_up_child(command: &mut Command, handles: Option<Arc<Handles>>) {
    let parent = rustix::process::getpid();
    let set_up = move || {
        // A parent outside of the child's process id namespace is seen as none.
        let parent = match &handles {
            Some(handles) => {
                handles.enter()?;
                handles.pid.is_none().then_some(parent)
            }
            None => Some(parent),
        };
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended before the line above; then no signal will ever come.
        if rustix::process::getppid() == parent {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error()))
        }
    };
    // A group of its own, so that Ctrl-C on the terminal reaches us first and we stop the components in order.
    command.process_group(0);
    #[expect(unsafe_code, reason = "the death signal can only be set in the child, between fork and exec")]
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. `set_up` makes raw system calls (setns,
    // prctl, getppid), allocates nothing, takes no lock, and builds its errors from numbers.
    unsafe {
        command.pre_exec(set_up);
    }
}

fn append(path: &Path) -> Result<File, ProcessError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| ProcessError::Log { path: path.to_owned(), source })
}

/// Last `limit` bytes of a file, from the start of a line.
pub(crate) fn tail(path: &Path, limit: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let skip = file.metadata()?.len().saturating_sub(limit);
    file.seek(SeekFrom::Start(skip))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let whole_lines = if skip == 0 { &*text } else { text.split_once('\n').map_or("", |(_, rest)| rest) };
    Ok(whole_lines.trim_end().to_owned())
}

#[cfg(test)]
mod tests;
