//! Runs a program to its end and measures what it took: processor time, memory, elapsed time.
//!
//! Processor time is the kernel's count for the whole life of the process, start and tidying up included. Memory
//! is `VmHWM`, read every 5 ms until the end: `ru_maxrss` would count this process's own peak, inherited by fork.

use std::{
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
    time::{ClockId, clock_gettime},
};

/// Time between two looks at a process's memory.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// What a program did and took.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed on stdout.
    pub stdout: String,
    /// Processor time of all its threads, user and system.
    pub cpu: Duration,
    /// Highest resident memory in MiB.
    pub peak_mib: f64,
    /// From just before the start to the end.
    pub elapsed: Duration,
}

/// Runs a program; its stderr goes to ours.
///
/// # Errors
/// When it cannot be started or waited for. Not when it fails: see [`Ended::status`].
pub fn run(mut command: Command) -> anyhow::Result<Ended> {
    let shown = format!("{command:?}");
    let (cpu, start) = (cpu_of_children(), now());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {shown}"))?;
    // The output of a full pipe would stop the child: read it beside.
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || stdout.map_or(Ok(String::new()), std::io::read_to_string));
    let peak_mib = peak_until_end(&child)?;
    let status = child.wait()?;
    let (elapsed, cpu) = (now() - start, cpu_of_children().saturating_sub(cpu));
    let stdout = reader.join().map_err(|_| anyhow::anyhow!("the reader of {shown} panicked"))??;
    Ok(Ended { status, stdout, cpu, peak_mib, elapsed })
}

/// Monotonic time; all differences are taken from it.
pub fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Looks at the memory of a process until it ends, without reaping it.
fn peak_until_end(child: &Child) -> anyhow::Result<f64> {
    let pidfd: OwnedFd = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let mut peak: f64 = 0.0;
    loop {
        peak = peak.max(high_water_mib(child.id()).unwrap_or(0.0));
        let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
        if poll(&mut fds, Some(&LOOK_EVERY))? > 0 {
            return Ok(peak);
        }
    }
}

/// `VmHWM` of a process; `None` when it has ended.
fn high_water_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// Processor time of all children that were waited for.
#[expect(unsafe_code, reason = "no safe crate here has `getrusage`; /proc counts in steps of 10 ms")]
fn cpu_of_children() -> Duration {
    // SAFETY: `rusage` is plain numbers, for which zeros are a value; the call fills in the one that the pointer
    // leads to, which outlives the call.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let time = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}
