//! Child processes that cannot outlive this one.
//!
//! The kernel kills a child when the *thread* that forked it ends (`PR_SET_PDEATHSIG`), so all children are forked by
//! one thread that lives as long as this process. That covers what `Drop` cannot: a panic that aborts, `exit`, and
//! SIGKILL. A component's own children are not covered; none of today's components has any that outlive it.
//!
//! Waiting uses a pidfd: it returns at once when the process ends, and cannot mean another process of the same id.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

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
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        log: &Path,
    ) -> Result<Self, ProcessError> {
        let output = append(log)?;
        let errors =
            output.try_clone().map_err(|source| ProcessError::Log { path: log.to_owned(), source })?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(output).stderr(errors);
        let spawn_error = |source| ProcessError::Spawn { program: program.to_owned(), source };
        let child = spawn(command).map_err(spawn_error)?;
        let pidfd = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .map_err(|errno| spawn_error(errno.into()))?;
        Ok(Self { name, child, pidfd, log: log.to_owned() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
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
        self.signal(Signal::STOP)
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
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    die_with_parent(&mut command);
    let (reply, answer) = mpsc::sync_channel(1);
    spawner()?
        .send(Request { command, reply })
        .map_err(|_| io::Error::other("the thread that starts processes is gone"))?;
    answer.recv().map_err(|_| io::Error::other("the thread that starts processes is gone"))?
}

struct Request {
    command: Command,
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
            // A caller that went away leaves a child that nobody owns: dropping the result would leak it.
            if let Err(mpsc::SendError(Ok(mut orphan))) = request.reply.send(request.command.spawn()) {
                let _ = orphan.kill();
                let _ = orphan.wait();
            }
        }
    })?;
    // Two first callers: the loser's thread ends when its sender is dropped here, before it forked anything.
    Ok(SPAWNER.get_or_init(|| sender).clone())
}

fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let set_up = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended before the line above; then no signal will ever come.
        if rustix::process::getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error()))
        }
    };
    // A group of its own, so that Ctrl-C on the terminal reaches us first and we stop the components in order.
    command.process_group(0);
    #[expect(unsafe_code, reason = "the death signal can only be set in the child, between fork and exec")]
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. `set_up` makes two raw system calls
    // (prctl, getppid), allocates nothing, takes no lock, and builds its error from a number.
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
