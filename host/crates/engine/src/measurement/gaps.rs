//! Gaps on their way to the record: a watch must not wait for a slow record, and no gap may be lost.
//!
//! Gaps of one kind that wait are counted as one, so that what waits is bounded by the kinds of gaps of a
//! measurement's watches and not by time.

use std::{collections::VecDeque, sync::Arc};

use bench_model::{Gap, RunEvent};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

/// Gaps of one measurement that are not told yet.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    waiting: Mutex<VecDeque<Gap>>,
    arrived: Notify,
}

impl Gaps {
    /// Takes a gap; never waits.
    pub(super) fn note(&self, gap: Gap) {
        let mut waiting = self.waiting.lock();
        let same = |known: &&mut Gap| {
            (&known.measurement, &known.target, &known.reason, known.relisted)
                == (&gap.measurement, &gap.target, &gap.reason, gap.relisted)
        };
        match waiting.iter_mut().find(same) {
            Some(known) => known.rows = known.rows.zip(gap.rows).map(|(before, more)| before + more),
            None => waiting.push_back(gap),
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Tells every gap as it comes; ends with the record.
    pub(super) async fn tell_forever(self: Arc<Self>, events: mpsc::Sender<RunEvent>) {
        while !events.is_closed() {
            self.arrived.notified().await;
            self.tell(&events).await;
        }
    }

    /// Tells all that wait. Dropping the future loses nothing.
    pub(super) async fn tell(&self, events: &mpsc::Sender<RunEvent>) {
        while !self.waiting.lock().is_empty() {
            // Room first: a gap that is taken is told. A closed channel means that the recorder failed; the run is
            // stopped by whoever owns it.
            let Ok(room) = events.reserve().await else { return };
            let Some(gap) = self.waiting.lock().pop_front() else { return };
            room.send(RunEvent::Gap(gap));
        }
    }
}

#[cfg(test)]
mod tests {
    use bench_model::{ResourceRef, TimeNs};

    use super::*;

    fn gap(reason: &str, rows: Option<u64>) -> Gap {
        let [group, version, plural, namespace] = ["", "v1", "pods", ""].map(str::to_owned);
        let target = ResourceRef { group, version, plural, namespace };
        let (measurement, reason) = ("pods".to_owned(), reason.to_owned());
        Gap { measurement, target, at: TimeNs(1), reason, rows, relisted: false }
    }

    #[tokio::test]
    async fn a_gap_outlives_a_record_that_is_full() {
        let (events, mut received) = mpsc::channel(1);
        events.try_send(RunEvent::Doubt { message: "full".to_owned() }).expect("room for one");
        let gaps = Arc::new(Gaps::default());
        let telling = tokio::spawn(gaps.clone().tell_forever(events));
        for rows in [Some(5), Some(7)] {
            gaps.note(gap("queue overflow", rows));
            tokio::task::yield_now().await;
        }
        gaps.note(gap("watch failed", None));
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(received.recv().await.expect("an event"));
        }
        let doubt = RunEvent::Doubt { message: "full".to_owned() };
        let [overflow, failed] =
            [gap("queue overflow", Some(12)), gap("watch failed", None)].map(RunEvent::Gap);
        assert_eq!(told, [doubt, overflow, failed]);
        telling.abort();
    }

    #[tokio::test]
    async fn telling_that_is_given_up_keeps_what_it_could_not_tell() {
        let (events, mut received) = mpsc::channel(1);
        events.try_send(RunEvent::Doubt { message: "full".to_owned() }).expect("room for one");
        let gaps = Gaps::default();
        gaps.note(gap("queue overflow", Some(1)));
        let mut telling = Box::pin(gaps.tell(&events));
        assert!(futures::poll!(&mut telling).is_pending());
        drop(telling);
        received.recv().await.expect("an event");
        gaps.tell(&events).await;
        assert_eq!(received.recv().await, Some(RunEvent::Gap(gap("queue overflow", Some(1)))));
    }
}
