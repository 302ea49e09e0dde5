//! Whether the API server still answers.

use std::sync::atomic::{AtomicI64, Ordering};

use bench_model::TimeNs;

use crate::Cluster;

/// Since when nothing was answered, as told by every request.
#[derive(Debug)]
pub(crate) struct Pulse(AtomicI64);

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(TimeNs::NEVER.0))
    }

    /// There was an answer, whichever.
    pub(crate) fn answered(&self) {
        // Nearly always nothing is to be written, and the line stays shared.
        if self.0.load(Ordering::Relaxed) != TimeNs::NEVER.0 {
            self.0.store(TimeNs::NEVER.0, Ordering::Relaxed);
        }
    }

    /// A request that was sent then has had no answer.
    pub(crate) fn unanswered(&self, sent: TimeNs) {
        let never = TimeNs::NEVER.0;
        // Another one says so already.
        let _ = self.0.compare_exchange(never, sent.0, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn since(&self) -> Option<TimeNs> {
        Some(TimeNs(self.0.load(Ordering::Relaxed))).filter(|since| !since.is_never())
    }
}

impl Cluster {
    /// When the first request was sent of those that had no answer, with no other answered since; `None` while the API
    /// server answers, also with errors.
    pub fn unanswered_since(&self) -> Option<TimeNs> {
        self.inner.pulse.since()
    }

    /// Asks for the server's version; whether there is an answer, whichever.
    ///
    /// Only on the load runtime, as [`Cluster::send`].
    pub async fn answers(&self) -> bool {
        self.send_path("/version".to_owned(), 0).await.http_status != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_from_the_first_request_without_an_answer() {
        let pulse = Pulse::new();
        pulse.answered();
        assert_eq!(pulse.since(), None);
        pulse.unanswered(TimeNs(5));
        pulse.unanswered(TimeNs(7));
        assert_eq!(pulse.since(), Some(TimeNs(5)));
        pulse.answered();
        assert_eq!(pulse.since(), None);
    }
}
