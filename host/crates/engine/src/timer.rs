//! Waits until a time, to the tenth of a millisecond.
//!
//! Tokio's timer wheel ticks every millisecond, too coarse for a lag below 1 ms at thousands of operations a
//! second. A Linux `timerfd` in the same epoll set wakes within about 60 µs and costs one system call an arm.
//! Where there is none, or time is paused in a test, tokio's own sleep serves.

use tokio::time::Instant;

/// How a queue waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// By the kernel's high-resolution timer, if there is one.
    Precise,
    /// By tokio's clock, which tests can pause.
    Tokio,
}

/// One waiter; make one for each queue.
#[derive(Debug)]
pub struct Timer {
    #[cfg(target_os = "linux")]
    fd: Option<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>>,
}

#[cfg(target_os = "linux")]
impl Timer {
    /// Must be called on the runtime that will wait.
    pub fn new(timing: Timing) -> Self {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        if timing == Timing::Tokio {
            return Self { fd: None };
        }
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags).ok();
        Self { fd: fd.and_then(register) }
    }

    /// Returns at `deadline`, or at once when it is over.
    pub async fn sleep_until(&mut self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        let armed = self.fd.as_ref().is_some_and(|fd| arm(fd.get_ref(), left));
        match self.fd.as_ref().filter(|_| armed) {
            Some(fd) => wait(fd).await,
            None => tokio::time::sleep_until(deadline).await,
        }
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "tokio asks for a proof that the descriptor stays open")]
fn register(fd: std::os::fd::OwnedFd) -> Option<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    // SAFETY: the descriptor must stay open and the same until the `AsyncFd` is dropped. An `OwnedFd` keeps
    // it open, the `AsyncFd` owns that, and nothing here takes it out or hands it on by value.
    unsafe { tokio::io::unix::AsyncFd::register(fd) }.ok()
}

#[cfg(target_os = "linux")]
fn arm(fd: &std::os::fd::OwnedFd, left: std::time::Duration) -> bool {
    use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    let it_value = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    };
    timerfd_settime(fd, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: zero, it_value }).is_ok()
}

/// Waits for the expiry count and takes it; a cancelled wait leaves an armed timer, which the next arm replaces.
#[cfg(target_os = "linux")]
async fn wait(fd: &tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>) {
    loop {
        let Ok(mut ready) = fd.readable().await else { return };
        let taken = ready.try_io(|fd| {
            let mut expirations = [0_u8; 8];
            rustix::io::read(fd.get_ref(), &mut expirations).map(|_| ()).map_err(std::io::Error::from)
        });
        if taken.is_ok() {
            return;
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Timer {
    /// Must be called on the runtime that will wait.
    pub fn new(_timing: Timing) -> Self {
        Self {}
    }

    /// Returns at `deadline`, or at once when it is over.
    pub async fn sleep_until(&mut self, deadline: Instant) {
        tokio::time::sleep_until(deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_time_moves_to_the_deadline_exactly() {
        let start = Instant::now();
        Timer::new(Timing::Tokio).sleep_until(start + Duration::from_micros(1_500_000)).await;
        assert_eq!(start.elapsed().as_millis(), 1500);
    }

    #[tokio::test]
    async fn a_precise_wait_is_never_early() {
        let mut timer = Timer::new(Timing::Precise);
        for _ in 0..20 {
            let deadline = Instant::now() + Duration::from_micros(300);
            timer.sleep_until(deadline).await;
            assert!(Instant::now() >= deadline);
        }
    }
}
