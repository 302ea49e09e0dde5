//! Whether the API server still answers.

use std::sync::atomic::{AtomicI64, Ordering};

use bench_model::TimeNs;

use crate::{Cluster, body::Keep};

/// Since when nothing was answered, as told by every request.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// When the last answer came.
    answered: AtomicI64,
    /// Since when there is none; never while there are answers.
    silent: AtomicI64,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self { answered: AtomicI64::new(i64::MIN), silent: AtomicI64::new(TimeNs::NEVER.0) }
    }

    /// There was an answer then, whichever.
    pub(crate) fn answered(&self, at: TimeNs) {
        self.answered.store(at.0, Ordering::Relaxed);
        // Nearly always nothing is to be written.
        if self.silent.load(Ordering::Relaxed) != TimeNs::NEVER.0 {
            self.silent.store(TimeNs::NEVER.0, Ordering::Relaxed);
        }
    }

    /// A request that was sent then has had no answer; others may have been answered since.
    pub(crate) fn unanswered(&self, sent: TimeNs) {
        let (never, since) = (TimeNs::NEVER.0, sent.0.max(self.answered.load(Ordering::Relaxed)));
        // Another one says so already.
        let _ = self.silent.compare_exchange(never, since, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn since(&self) -> Option<TimeNs> {
        Some(TimeNs(self.silent.load(Ordering::Relaxed))).filter(|since| !since.is_never())
    }
}

impl Cluster {
    /// Since when requests have no answer: the last answer, or when the first of them was sent after it. `None` while the
    /// API server answers, also with errors.
    pub fn unanswered_since(&self) -> Option<TimeNs> {
        self.inner.pulse.since()
    }

    /// Asks for the server's version; whether there is an answer, whichever.
    ///
    /// Only on the load runtime, as [`Cluster::send`].
    pub async fn answers(&self) -> bool {
        self.send_path("/version".to_owned(), Keep::Nothing).await.http_status != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_from_the_first_request_without_an_answer() {
        let pulse = Pulse::new();
        assert_eq!(pulse.since(), None);
        pulse.unanswered(TimeNs(5));
        pulse.unanswered(TimeNs(7));
        assert_eq!(pulse.since(), Some(TimeNs(5)));
        pulse.answered(TimeNs(9));
        assert_eq!(pulse.since(), None);
    }

    #[test]
    fn silence_does_not_count_from_before_the_last_answer() {
        let pulse = Pulse::new();
        pulse.answered(TimeNs(9));
        pulse.unanswered(TimeNs(5));
        assert_eq!(pulse.since(), Some(TimeNs(9)));
    }
}
