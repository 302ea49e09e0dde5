//! Load of queues so far: what was offered, what came back, what is on its way.

use std::collections::{BTreeMap, VecDeque};

use bench_model::{JobName, Operation, QueueId, QueueName, QueueSpec, QueueTotals, TimeNs};

use crate::format;

/// Run time over which the achieved rate is taken.
const WINDOW_NS: i64 = 5_000_000_000;

pub(crate) struct QueueNow {
    pub(crate) job: JobName,
    pub(crate) name: QueueName,
    pub(crate) spec: QueueSpec,
    /// As last told.
    pub(crate) totals: QueueTotals,
    answered: u64,
    failed: u64,
    /// Operations that ended and had left.
    returned: u64,
    is_open: bool,
    /// Whether there is something to send.
    is_loading: bool,
    counted_at: TimeNs,
    /// Times of answers and how many, over the last [`WINDOW_NS`], one entry a batch.
    recent: VecDeque<(TimeNs, u64)>,
}

/// What is offered now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Offered {
    /// So many a second.
    Rate(f64),
    /// As fast as it goes.
    Unpaced,
}

/// All queues of a run.
#[derive(Default)]
pub(crate) struct Queues(BTreeMap<QueueId, QueueNow>);

impl Queues {
    pub(super) fn open(&mut self, id: QueueId, job: &JobName, name: &QueueName, spec: QueueSpec, at: TimeNs) {
        let queue = QueueNow {
            job: job.clone(),
            name: name.clone(),
            spec,
            totals: QueueTotals::default(),
            answered: 0,
            failed: 0,
            returned: 0,
            is_open: true,
            is_loading: false,
            counted_at: at,
            recent: VecDeque::new(),
        };
        self.0.insert(id, queue);
    }

    /// Notes operations that ended.
    pub(super) fn answer(&mut self, id: QueueId, operations: &[Operation], now: TimeNs) -> Option<&QueueNow> {
        let queue = self.0.get_mut(&id)?;
        let n = operations.len() as u64;
        queue.answered += n;
        queue.failed += operations.iter().filter(|operation| !operation.is_success()).count() as u64;
        queue.returned += operations.iter().filter(|operation| !operation.sent.is_never()).count() as u64;
        queue.recent.push_back((now, n));
        while queue.recent.front().is_some_and(|(at, _)| now.0 - at.0 > WINDOW_NS) {
            queue.recent.pop_front();
        }
        Some(queue)
    }

    /// Notes what a queue did so far; returns how many operations it offered since it last told.
    pub(super) fn count(&mut self, id: QueueId, totals: &QueueTotals, at: TimeNs) -> f64 {
        let Some(queue) = self.0.get_mut(&id) else { return 0.0 };
        let due = totals.due.saturating_sub(queue.totals.due) as f64;
        let is_first = queue.totals.due == 0;
        let elapsed = at.since(queue.counted_at) as f64 / 1e9;
        queue.counted_at = at;
        queue.totals = *totals;
        queue.is_loading = totals.asked > totals.due;
        if !queue.counts() {
            return 0.0;
        }
        match queue.spec.rate {
            // A queue that cannot keep up sends later than its schedule says: the schedule is what is offered.
            Some(rate) if queue.is_loading && !is_first => rate.per_second() * elapsed,
            Some(_) | None => due,
        }
    }

    pub(super) fn close(&mut self, id: QueueId, totals: &QueueTotals) {
        if let Some(queue) = self.0.get_mut(&id) {
            queue.totals = *totals;
            queue.is_open = false;
            queue.is_loading = false;
        }
    }

    fn counting(&self) -> impl Iterator<Item = &QueueNow> {
        self.0.values().filter(|queue| queue.counts())
    }

    /// What is offered now, by all queues that count; `None` when none has anything to send.
    pub(crate) fn offered(&self) -> Option<Offered> {
        let loading = || self.counting().filter(|queue| queue.is_loading);
        loading().next()?;
        let rates: Option<f64> = loading().map(|queue| queue.spec.rate.map(|rate| rate.per_second())).sum();
        Some(rates.map_or(Offered::Unpaced, Offered::Rate))
    }

    /// Answers a second over the last five.
    pub(crate) fn achieved(&self, now: TimeNs) -> f64 {
        // A sum of nothing would be -0.
        self.counting().filter(|queue| queue.is_open).fold(0.0, |sum, queue| sum + queue.achieved(now))
    }

    /// Requests that left and did not come back, as far as was told.
    pub(crate) fn in_flight(&self) -> u64 {
        self.counting()
            .filter(|queue| queue.is_open)
            .map(|queue| queue.totals.sent.saturating_sub(queue.returned))
            .sum()
    }

    /// Sums over the queues that count: asked for, due, sent.
    pub(crate) fn totals(&self) -> QueueTotals {
        self.counting().fold(QueueTotals::default(), add)
    }

    /// The same of one job.
    pub(super) fn of(&self, job: &str) -> QueueTotals {
        self.counting().filter(|queue| queue.job.as_str() == job).fold(QueueTotals::default(), add)
    }

    /// Operations that ended, and how many of them failed.
    pub(crate) fn ended(&self) -> (u64, u64) {
        self.counting().fold((0, 0), |(n, failed), queue| (n + queue.answered, failed + queue.failed))
    }

    /// `500 operations, 0 errors` of a job.
    pub(crate) fn of_job(&self, job: &str) -> String {
        let of = || self.counting().filter(|queue| queue.job.as_str() == job);
        let answered = of().map(|queue| queue.answered).sum();
        let failed = of().map(|queue| queue.failed).sum();
        format!("{}, {}", format::counted(answered, "operation"), format::counted(failed, "error"))
    }

    /// A line for each open queue.
    pub(crate) fn lines(&self, now: TimeNs) -> Vec<String> {
        let shown = self.0.values().filter(|queue| queue.is_open && queue.answered > 0);
        shown.map(|queue| queue.line(now)).collect()
    }
}

fn add(sum: QueueTotals, queue: &QueueNow) -> QueueTotals {
    let QueueTotals { asked, due, sent, .. } = queue.totals;
    QueueTotals { asked: sum.asked + asked, due: sum.due + due, sent: sum.sent + sent, ..sum }
}

impl QueueNow {
    /// Whether it makes the load that is judged.
    pub(crate) fn counts(&self) -> bool {
        self.name != QueueName::setup()
    }

    fn line(&self, now: TimeNs) -> String {
        let name = if self.name == QueueName::main() {
            self.job.to_string()
        } else {
            format!("{}/{}", self.job, self.name)
        };
        let offered = self.spec.rate.map_or("as fast as it goes".to_owned(), |rate| {
            format!("{} offered", format::rate(rate.per_second()))
        });
        format!(
            "{name}: {} · {offered} · {} achieved · {}",
            format::counted(self.answered, "operation"),
            format::rate(self.achieved(now)),
            format::counted(self.failed, "error")
        )
    }

    /// Answers a second over the window.
    fn achieved(&self, now: TimeNs) -> f64 {
        let mut within = self.recent.iter().filter(|(at, _)| now.0 - at.0 <= WINDOW_NS);
        // The batch that opens the window lies before it.
        let Some((first, _)) = within.next() else { return 0.0 };
        let later: u64 = within.map(|(_, n)| n).sum();
        let seconds = now.since(*first) as f64 / 1e9;
        if seconds > 0.0 { later as f64 / seconds } else { 0.0 }
    }
}
