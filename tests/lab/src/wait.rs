//! Time limits for waiting on real processes.

use std::time::Duration;

use rustix::event::Timespec;

#[expect(
    clippy::disallowed_types,
    reason = "blocking code outside of any tokio runtime waits for real processes; there is no clock to pause"
)]
type Clock = std::time::Instant;

/// A point in time after which waiting ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    started: Clock,
    limit: Duration,
}

impl Deadline {
    /// Starts now.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { started: Clock::now(), limit }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.elapsed() >= self.limit
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Lets time pass between two looks at something that has no descriptor to wait on.
pub(crate) fn pause(time: Duration) {
    let timeout = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    // Waits for no event at all; a signal may end it early, and then there is one look more.
    let _ = rustix::event::poll(&mut [], Some(&timeout));
}
