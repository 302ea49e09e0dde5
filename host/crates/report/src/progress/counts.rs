//! What progress shows, counted from events.

use std::collections::{BTreeMap, VecDeque};

use bench_model::{
    InstrumentId, InstrumentKind, JobName, NEVER, Phase, QueueId, QueueName, QueueSpec, RunEvent, TimeNs,
};

use crate::format;

/// Run time over which the achieved rate is taken.
const WINDOW_NS: i64 = 5_000_000_000;

struct Queue {
    job: JobName,
    name: QueueName,
    spec: QueueSpec,
    answered: u64,
    failed: u64,
    is_open: bool,
    /// Times of answers and how many, over the last [`WINDOW_NS`], one entry a batch.
    recent: VecDeque<(TimeNs, u64)>,
}

/// Numbers so far.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) now: TimeNs,
    phase: Option<Phase>,
    queues: BTreeMap<QueueId, Queue>,
    /// Histograms named `ready`, and how many came.
    ready: BTreeMap<InstrumentId, u64>,
}

impl Counts {
    pub(super) fn add(&mut self, event: &RunEvent) {
        match event {
            RunEvent::PhaseStarted { phase, at } => {
                self.phase = Some(*phase);
                self.advance(*at);
            }
            RunEvent::QueueOpened { queue, job, name, spec, at } => {
                self.advance(*at);
                let (job, name) = (job.clone(), name.clone());
                let recent = VecDeque::new();
                self.queues.insert(
                    *queue,
                    Queue { job, name, spec: *spec, answered: 0, failed: 0, is_open: true, recent },
                );
            }
            RunEvent::Operations { queue, operations } => {
                let latest =
                    operations.iter().map(|operation| operation.done).filter(|done| !done.is_never()).max();
                self.advance(latest.unwrap_or(self.now));
                let now = self.now;
                if let Some(queue) = self.queues.get_mut(queue) {
                    let n = operations.len() as u64;
                    queue.answered += n;
                    queue.failed +=
                        operations.iter().filter(|operation| !operation.is_success()).count() as u64;
                    queue.recent.push_back((now, n));
                    while queue.recent.front().is_some_and(|(at, _)| now.0 - at.0 > WINDOW_NS) {
                        queue.recent.pop_front();
                    }
                }
            }
            RunEvent::QueueClosed { queue, at, .. } => {
                self.advance(*at);
                if let Some(queue) = self.queues.get_mut(queue) {
                    queue.is_open = false;
                }
            }
            RunEvent::InstrumentOpened { instrument, name, kind: InstrumentKind::Histogram, .. }
                if name.as_str() == "ready" =>
            {
                self.ready.insert(*instrument, 0);
            }
            RunEvent::Observed { instrument, at, values } => {
                self.advance(*at);
                let came = values.iter().filter(|&&value| value != NEVER).count() as u64;
                self.count_ready(*instrument, came);
            }
            RunEvent::ObservedBetween { instrument, at, low, .. } => {
                self.advance(*at);
                self.count_ready(*instrument, low.len() as u64);
            }
            RunEvent::JobStarted { at, .. }
            | RunEvent::JobFinished { at, .. }
            | RunEvent::Waited { at, .. }
            | RunEvent::Stopping { at, .. }
            | RunEvent::CleanedUp { at, .. }
            | RunEvent::MeasurementFailed { at, .. }
            | RunEvent::Counted { at, .. }
            | RunEvent::Gauged { at, .. }
            | RunEvent::Log { at, .. }
            | RunEvent::ClockOffset { at, .. } => self.advance(*at),
            RunEvent::Gap(gap) => self.advance(gap.at),
            RunEvent::InstrumentOpened { .. }
            | RunEvent::ResourceSeen { .. }
            | RunEvent::ReasonSeen { .. }
            | RunEvent::TableOpened { .. }
            | RunEvent::Rows { .. }
            | RunEvent::Artifact { .. }
            | RunEvent::MeasurementReport { .. }
            | RunEvent::LogsDropped { .. }
            | RunEvent::EnvironmentSeen { .. }
            | RunEvent::Doubt { .. } => {}
        }
    }

    fn advance(&mut self, at: TimeNs) {
        if !at.is_never() {
            self.now = self.now.max(at);
        }
    }

    fn count_ready(&mut self, instrument: InstrumentId, n: u64) {
        if let Some(ready) = self.ready.get_mut(&instrument) {
            *ready += n;
        }
    }

    /// `500 operations, 0 errors` of a job.
    pub(super) fn totals(&self, job: &str) -> String {
        let of = || {
            self.queues.values().filter(|queue| queue.job.as_str() == job && queue.name != QueueName::setup())
        };
        let answered = of().map(|queue| queue.answered).sum();
        let failed = of().map(|queue| queue.failed).sum();
        format!("{}, {}", format::counted(answered, "operation"), format::counted(failed, "error"))
    }

    /// All that changes: phase and time, then the queues.
    pub(super) fn lines(&self) -> Vec<String> {
        let phase = self.phase.map_or("starting", Phase::as_str);
        let mut lines = vec![format!("{phase}  {:.1}s", self.now.as_secs_f64())];
        lines.extend(self.job_lines());
        lines
    }

    /// A line for each open queue, and one for the objects that are ready.
    pub(super) fn job_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .queues
            .values()
            .filter(|queue| queue.is_open && queue.answered > 0)
            .map(|q| self.queue_line(q))
            .collect();
        let ready: u64 = self.ready.values().sum();
        if ready > 0 {
            lines.push(format!("{} ready", format::count(ready)));
        }
        lines
    }

    fn queue_line(&self, queue: &Queue) -> String {
        let name = if queue.name == QueueName::main() {
            queue.job.to_string()
        } else {
            format!("{}/{}", queue.job, queue.name)
        };
        let offered = queue.spec.rate.map_or("as fast as it goes".to_owned(), |rate| {
            format!("{} offered", format::rate(rate.per_second()))
        });
        format!(
            "{name}: {} · {offered} · {} achieved · {}",
            format::counted(queue.answered, "operation"),
            format::rate(queue.achieved(self.now)),
            format::counted(queue.failed, "error")
        )
    }
}

impl Queue {
    /// Answers a second over the window.
    fn achieved(&self, now: TimeNs) -> f64 {
        let Some((first, n)) = self.recent.front() else { return 0.0 };
        // The batch that opens the window lies before it.
        let later = self.recent.iter().map(|(_, n)| n).sum::<u64>() - n;
        let seconds = now.since(*first) as f64 / 1e9;
        if seconds > 0.0 { later as f64 / seconds } else { 0.0 }
    }
}
