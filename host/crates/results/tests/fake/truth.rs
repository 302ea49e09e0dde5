//! Runs with a known distribution: random numbers from a seed, through the recorder to a summary.

use std::{num::NonZeroU32, path::Path, time::Duration};

use bench_model::{
    Arrival, InstrumentId, InstrumentKind, JobOutcome, MetricName, OnTooManyRequests, Operation, Phase,
    QueueId, QueueName, QueueSpec, QueueTotals, Rate, ReasonId, ResourceId, RunEvent, TimeNs, Verb,
};
use bench_results::{Recorder, Summary, summarize};

use super::fake::{self, FakeRun, S};

/// Splitmix64: small, and the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In 0..1, both ends excluded.
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }
}

/// What became of an operation.
#[derive(Debug, Clone, Copy)]
pub enum Came {
    /// Answered after so many nanoseconds from when it was due.
    After(u64),
    /// Answered with an error at once.
    Failed,
    /// Never answered.
    Never,
}

/// Operations due at a constant rate from second 1, sent as due.
pub fn operations(rate: f64, came: impl IntoIterator<Item = Came>) -> Vec<Operation> {
    let one = |(index, came): (usize, Came)| {
        let due = TimeNs(S + (index as f64 / rate * 1e9) as i64);
        let (done, http_status, reason) = match came {
            Came::After(ns) => (due + Duration::from_nanos(ns), 201, ReasonId::NONE),
            Came::Failed => (due + Duration::from_micros(500), 500, ReasonId(1)),
            Came::Never => (TimeNs::NEVER, 0, ReasonId(2)),
        };
        Operation {
            index: index as u64,
            due,
            sent: due,
            done,
            http_status,
            attempts: 1,
            verb: Verb::Create,
            resource: ResourceId(1),
            reason,
        }
    };
    came.into_iter().enumerate().map(one).collect()
}

/// Records operations and values between bounds, with the time at which each came.
pub fn record(dir: &Path, operations: &[Operation], between: &[(TimeNs, u64, u64)], gates: &[&str]) {
    let run =
        FakeRun { thresholds: gates.iter().map(|gate| (*gate).to_owned()).collect(), ..FakeRun::default() };
    let mut recorder = Recorder::create(dir, &run.header(), "", &serde_json::Value::Null).expect("creates");
    let mut send = |event: RunEvent| recorder.record(&event).expect("records");
    opening().into_iter().for_each(&mut send);
    let mut events: Vec<(TimeNs, RunEvent)> = by_second(operations);
    events.extend(between.iter().map(|&(at, low, high)| {
        let (low, high) = (vec![low], vec![high]);
        (at, RunEvent::ObservedBetween { instrument: InstrumentId(1), at, low, high })
    }));
    events.sort_by_key(|(at, _)| *at);
    let end = events.last().map_or(TimeNs(S), |(at, _)| *at) + Duration::from_secs(1);
    events.into_iter().for_each(|(_, event)| send(event));
    let n = operations.len() as u64;
    let sent = operations.iter().filter(|operation| !operation.sent.is_never()).count() as u64;
    let totals = QueueTotals { asked: n, due: n, sent, answered: sent, ..QueueTotals::default() };
    send(RunEvent::QueueClosed { queue: QueueId(1), totals, at: end });
    send(RunEvent::JobFinished { job: fake::job(), at: end, outcome: JobOutcome::Completed });
    send(RunEvent::PhaseStarted { phase: Phase::Teardown, at: end });
    recorder.finish(end).expect("finishes");
}

/// The same, summarised.
pub fn summary(operations: &[Operation], between: &[(TimeNs, u64, u64)], gates: &[&str]) -> Summary {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    record(&dir, operations, between, gates);
    summarize(&dir).expect("summarises")
}

fn opening() -> Vec<RunEvent> {
    let spec = QueueSpec {
        rate: Some(Rate::try_new(100.0).expect("a rate")),
        burst: NonZeroU32::MIN,
        arrival: Arrival::Constant,
        in_flight: NonZeroU32::new(4096).expect("not zero"),
        on_too_many_requests: OnTooManyRequests::Record,
    };
    let (job, at) = (fake::job(), TimeNs(S));
    vec![
        RunEvent::PhaseStarted { phase: Phase::Measure, at: TimeNs(0) },
        RunEvent::InstrumentOpened {
            instrument: InstrumentId(1),
            source: "pod-latency".to_owned(),
            name: MetricName::parse("ready").expect("a name"),
            kind: InstrumentKind::Histogram,
            unit: "ns".to_owned(),
            labels: Vec::new(),
        },
        RunEvent::JobStarted { job: job.clone(), at },
        RunEvent::QueueOpened { queue: QueueId(1), job, name: QueueName::main(), spec, at },
        RunEvent::ResourceSeen { resource: ResourceId(1), target: fake::pods() },
        RunEvent::ReasonSeen {
            reason: ReasonId(1),
            text: "InternalError".to_owned(),
            example: "etcdserver: request timed out".to_owned(),
        },
        RunEvent::ReasonSeen {
            reason: ReasonId(2),
            text: "Transport".to_owned(),
            example: "connection reset".to_owned(),
        },
    ]
}

/// One event for each second, by when operations were done; those that never were come last.
fn by_second(operations: &[Operation]) -> Vec<(TimeNs, RunEvent)> {
    let mut sorted = operations.to_vec();
    sorted.sort_by_key(|operation| operation.done);
    let last = sorted.iter().map(|o| o.done).filter(|done| !done.is_never()).max().unwrap_or(TimeNs(S));
    let at = |operation: &Operation| if operation.done.is_never() { last } else { operation.done };
    sorted
        .chunk_by(|a, b| at(a).0 / S == at(b).0 / S && a.done.is_never() == b.done.is_never())
        .map(|chunk| {
            let at = chunk.last().map_or(last, at);
            (at, RunEvent::Operations { queue: QueueId(1), operations: chunk.to_vec() })
        })
        .collect()
}
