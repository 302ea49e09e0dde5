use std::{num::NonZeroU32, time::Duration};

use bench_model::{
    Arrival, CleanupOutcome, InstrumentId, InstrumentKind, JobName, JobOutcome, LogLevel, MetricName,
    OnTooManyRequests, Operation, Phase, QueueId, QueueName, QueueSpec, Rate, ReasonId, ResourceId, Verb,
};

use super::*;
use crate::test_sink::Shared;

/// What stands on stderr when lines are wanted.
fn lines(events: &[RunEvent]) -> String {
    let shared = Shared::default();
    let mut progress = Progress::new(RunTitle::default()).with_lines(Box::new(shared.clone()));
    events.iter().for_each(|event| progress.event(event));
    progress.finish();
    shared.text()
}

/// Twelve seconds at 50/s, every 100th operation fails.
pub(crate) fn events() -> Vec<RunEvent> {
    let job = JobName::parse("create-pods").expect("a name");
    let spec = QueueSpec {
        rate: Some(Rate::try_new(50.0).expect("a rate")),
        burst: NonZeroU32::MIN,
        arrival: Arrival::Constant,
        in_flight: NonZeroU32::MIN,
        on_too_many_requests: OnTooManyRequests::Record,
    };
    let at = TimeNs(0);
    let mut events = vec![
        RunEvent::PhaseStarted { phase: Phase::Measure, at },
        RunEvent::JobStarted { job: job.clone(), at },
        RunEvent::QueueOpened { queue: QueueId(1), job: job.clone(), name: QueueName::main(), spec, at },
        RunEvent::InstrumentOpened {
            instrument: InstrumentId(1),
            source: "pod-latency".to_owned(),
            name: MetricName::parse("ready").expect("a name"),
            kind: InstrumentKind::Histogram,
            unit: "ns".to_owned(),
            labels: Vec::new(),
        },
    ];
    for i in 0..600_u64 {
        let due = TimeNs(0) + Duration::from_millis(20 * i);
        let failed = i % 100 == 99;
        let operation = Operation {
            index: i,
            due,
            sent: due,
            done: due + Duration::from_millis(5),
            http_status: if failed { 500 } else { 201 },
            attempts: 1,
            verb: Verb::Create,
            resource: ResourceId(1),
            reason: ReasonId(u32::from(failed)),
        };
        events.push(RunEvent::Operations { queue: QueueId(1), operations: vec![operation] });
        let at = due + Duration::from_millis(6);
        events.push(RunEvent::Observed { instrument: InstrumentId(1), at, values: vec![1_000] });
    }
    let at = TimeNs(12_000_000_000);
    let message = "bad\u{1b}[2Jpod".to_owned();
    let (source, level) = ("objects".to_owned(), LogLevel::Warn);
    events.push(RunEvent::Log { source, level, at, message, fields: Vec::new() });
    events.push(RunEvent::JobFinished { job, at, outcome: JobOutcome::Completed });
    events.push(RunEvent::PhaseStarted { phase: Phase::Teardown, at });
    let outcome = CleanupOutcome { deleted: 600, ..CleanupOutcome::default() };
    events.push(RunEvent::CleanedUp { outcome, at: TimeNs(13_000_000_000) });
    events
}

#[test]
fn lines_are_one_for_each_step_and_every_five_seconds() {
    insta::assert_snapshot!("plain", lines(&events()));
}

#[test]
fn what_the_live_view_leaves_are_the_steps() {
    let mut progress = Progress::new(RunTitle::default());
    let shown = progress.shown();
    events().iter().for_each(|event| progress.event(event));
    let left = shown.lines();
    assert!(left.contains("[ 12.0s] job `create-pods` completed: 600 operations, 6 errors\n"), "{left}");
    assert!(left.contains("bad\\u{1b}[2Jpod"), "{left}");
    assert!(!left.contains("achieved"), "{left}");
}

#[test]
fn nothing_is_counted_when_nobody_looks() {
    let mut progress = Progress::new(RunTitle::default());
    events().iter().for_each(|event| progress.event(event));
    assert_eq!(progress.shown().lines(), "");
}
