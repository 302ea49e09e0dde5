//! What watches say of themselves, on its way to the record: a watch must not wait for a slow record, and no gap
//! may be lost.
//!
//! Gaps of one kind that wait are counted as one, so that what waits is bounded by the kinds of gaps of a
//! measurement's watches and not by time. Lags are bounded by the objects that the run creates.

use std::{collections::VecDeque, sync::Arc};

use bench_cluster::WatchLag;
use bench_model::{Gap, InstrumentId, InstrumentKind, MetricName, RunEvent, TimeNs, WATCH_LAG};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

/// What the watches of one measurement said and is not told yet.
#[derive(Debug)]
pub(super) struct Notes {
    /// Name of the measurement.
    source: String,
    lag: InstrumentId,
    gaps: Mutex<VecDeque<Gap>>,
    lags: Mutex<Lags>,
    arrived: Notify,
}

/// Lags in the order in which they were seen.
#[derive(Debug, Default)]
struct Lags {
    is_open: bool,
    at: TimeNs,
    low: Vec<u64>,
    high: Vec<u64>,
}

impl Notes {
    /// None yet; `lag` is the number of the instrument that takes lags.
    pub(super) fn new(source: &str, lag: InstrumentId) -> Self {
        let (gaps, lags, arrived) = (Mutex::default(), Mutex::default(), Notify::new());
        Self { source: source.to_owned(), lag, gaps, lags, arrived }
    }

    /// Takes lags, seen up to `at`; never waits.
    pub(super) fn lags(&self, new: &[WatchLag], at: TimeNs) {
        let mut lags = self.lags.lock();
        lags.at = at;
        lags.low.extend(new.iter().map(|lag| lag.low));
        lags.high.extend(new.iter().map(|lag| lag.high));
        drop(lags);
        self.arrived.notify_one();
    }

    /// Takes a gap; never waits.
    pub(super) fn gap(&self, gap: Gap) {
        let mut waiting = self.gaps.lock();
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

    /// Tells everything as it comes; ends with the record.
    pub(super) async fn tell_forever(self: Arc<Self>, events: mpsc::Sender<RunEvent>) {
        while !events.is_closed() {
            self.arrived.notified().await;
            self.tell(&events).await;
        }
    }

    /// Tells all that wait. Dropping the future loses nothing.
    pub(super) async fn tell(&self, events: &mpsc::Sender<RunEvent>) {
        while self.is_waiting() {
            // Room first: what is taken is told. A closed channel means that the recorder failed; the run is stopped
            // by whoever owns it.
            let Ok(room) = events.reserve().await else { return };
            let Some(next) = self.next() else { return };
            room.send(next);
        }
    }

    fn is_waiting(&self) -> bool {
        !self.gaps.lock().is_empty() || !self.lags.lock().low.is_empty()
    }

    fn next(&self) -> Option<RunEvent> {
        if let Some(gap) = self.gaps.lock().pop_front() {
            return Some(RunEvent::Gap(gap));
        }
        let mut lags = self.lags.lock();
        if lags.low.is_empty() {
            return None;
        }
        if !std::mem::replace(&mut lags.is_open, true) {
            return Some(RunEvent::InstrumentOpened {
                instrument: self.lag,
                source: self.source.clone(),
                name: MetricName::parse(WATCH_LAG).ok()?,
                kind: InstrumentKind::Histogram,
                unit: "ns".to_owned(),
                labels: Vec::new(),
            });
        }
        let (low, high) = (std::mem::take(&mut lags.low), std::mem::take(&mut lags.high));
        Some(RunEvent::ObservedBetween { instrument: self.lag, at: lags.at, low, high })
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

    fn notes() -> Notes {
        Notes::new("pods", InstrumentId(3))
    }

    #[tokio::test]
    async fn lags_are_told_together_and_their_instrument_once() {
        let (events, mut received) = mpsc::channel(8);
        let notes = notes();
        notes.lags(&[WatchLag { low: 1, high: 4 }], TimeNs(5));
        notes.lags(&[WatchLag { low: 0, high: 2 }], TimeNs(6));
        notes.tell(&events).await;
        assert!(
            matches!(received.try_recv(), Ok(RunEvent::InstrumentOpened { name, .. }) if name.as_str() == WATCH_LAG)
        );
        let told = |low: &[u64], high: &[u64], at| {
            let (low, high) = (low.to_vec(), high.to_vec());
            Ok(RunEvent::ObservedBetween { instrument: InstrumentId(3), at: TimeNs(at), low, high })
        };
        assert_eq!(received.try_recv(), told(&[1, 0], &[4, 2], 6));
        notes.lags(&[WatchLag { low: 7, high: 8 }], TimeNs(9));
        notes.tell(&events).await;
        assert_eq!(received.try_recv(), told(&[7], &[8], 9));
    }

    #[tokio::test]
    async fn a_gap_outlives_a_record_that_is_full() {
        let (events, mut received) = mpsc::channel(1);
        events.try_send(RunEvent::Doubt { message: "full".to_owned() }).expect("room for one");
        let notes = Arc::new(notes());
        let telling = tokio::spawn(notes.clone().tell_forever(events));
        for rows in [Some(5), Some(7)] {
            notes.gap(gap("queue overflow", rows));
            tokio::task::yield_now().await;
        }
        notes.gap(gap("watch failed", None));
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
        let notes = notes();
        notes.gap(gap("queue overflow", Some(1)));
        let mut telling = Box::pin(notes.tell(&events));
        assert!(futures::poll!(&mut telling).is_pending());
        drop(telling);
        received.recv().await.expect("an event");
        notes.tell(&events).await;
        assert_eq!(received.recv().await, Some(RunEvent::Gap(gap("queue overflow", Some(1)))));
    }
}
