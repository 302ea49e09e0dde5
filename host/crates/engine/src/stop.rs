//! How a run is told to end early.
//!
//! Two steps, in order: `stop` ends the load, flushes and cleans up; `abandon` also gives up cleaning. The
//! first reason stands. Made by whoever hears signals; read by everything that waits.

use std::sync::Arc;

use bench_model::StopReason;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// The two steps and their reason; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    stop: CancellationToken,
    abandon: CancellationToken,
    reason: Arc<Mutex<Option<StopReason>>>,
}

impl Stop {
    /// Nothing is stopped.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the load; the run cleans up. A second call changes nothing.
    pub fn stop(&self, reason: StopReason) {
        self.reason.lock().get_or_insert(reason);
        self.stop.cancel();
    }

    /// Ends the load and gives up cleaning.
    pub fn abandon(&self, reason: StopReason) {
        self.stop(reason);
        self.abandon.cancel();
    }

    /// Why the run ends early; `None` when it does not.
    pub fn reason(&self) -> Option<StopReason> {
        *self.reason.lock()
    }

    /// Whether cleaning is given up.
    pub fn is_abandoned(&self) -> bool {
        self.abandon.is_cancelled()
    }

    /// Cancelled by the first step.
    pub fn token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Cancelled by the second step.
    pub fn abandoned(&self) -> &CancellationToken {
        &self.abandon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stands() {
        let stop = Stop::new();
        assert_eq!(stop.reason(), None);
        stop.stop(StopReason::Deadline);
        stop.abandon(StopReason::Interrupt);
        assert_eq!(stop.reason(), Some(StopReason::Deadline));
        assert!(stop.is_abandoned());
    }
}
