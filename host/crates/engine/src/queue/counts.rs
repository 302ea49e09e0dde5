//! Counts of a queue; written by its tasks.

use std::sync::atomic::{AtomicU64, Ordering};

use bench_model::QueueTotals;

/// One counter for each of [`QueueTotals`].
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) asked: AtomicU64,
    pub(super) due: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) answered: AtomicU64,
    pub(super) held_by_in_flight: AtomicU64,
    pub(super) held_by_limiter: AtomicU64,
    pub(super) sent_again: AtomicU64,
    pub(super) late_plugin: AtomicU64,
}

impl Counts {
    pub(super) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn totals(&self) -> QueueTotals {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueueTotals {
            asked: of(&self.asked),
            due: of(&self.due),
            sent: of(&self.sent),
            answered: of(&self.answered),
            held_by_in_flight: of(&self.held_by_in_flight),
            held_by_limiter: of(&self.held_by_limiter),
            sent_again: of(&self.sent_again),
            late_plugin: of(&self.late_plugin),
        }
    }
}
