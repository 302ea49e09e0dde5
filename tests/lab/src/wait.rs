//! Time limits for waiting on real processes.

use std::time::Duration;

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
