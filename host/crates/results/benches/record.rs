//! Cost of recording operations: 100,000 a second must take less than a tenth of a core, that is less than
//! 1 µs each (`cargo bench -p bench-results`).

#![expect(clippy::expect_used, reason = "a benchmark may fail loudly")]

use std::{num::NonZeroU32, time::UNIX_EPOCH};

use bench_model::{
    Arrival, JobName, OnTooManyRequests, Operation, Phase, QueueId, QueueName, QueueSpec, ReasonId,
    ResourceId, RunEvent, RunId, TimeNs, Verb,
};
use bench_results::{Recorder, RunHeader};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const PER_SECOND: i64 = 100_000;
const BATCH: i64 = 256;

fn opened(dir: &std::path::Path) -> Recorder {
    let header = RunHeader::new(RunId::new(uuid::Uuid::nil()), UNIX_EPOCH, 1);
    let mut recorder =
        Recorder::create(&dir.join("run"), &header, "", &serde_json::Value::Null).expect("creates");
    let job = JobName::parse("load").expect("a name");
    let spec = QueueSpec {
        rate: None,
        burst: NonZeroU32::MIN,
        arrival: Arrival::Constant,
        in_flight: NonZeroU32::MIN,
        on_too_many_requests: OnTooManyRequests::Record,
    };
    for event in [
        RunEvent::PhaseStarted { phase: Phase::Measure, at: TimeNs(0) },
        RunEvent::QueueOpened { queue: QueueId(1), job, name: QueueName::main(), spec, at: TimeNs(0) },
    ] {
        recorder.record(&event).expect("records");
    }
    recorder
}

/// Ten seconds of load in batches; latencies vary, one in a hundred fails.
fn batches() -> Vec<RunEvent> {
    let operation = |i: i64| {
        let due = TimeNs(i * 1_000_000_000 / PER_SECOND);
        let service = 1_000_000 + i * 7_919 % 50_000_000;
        let failed = i % 100 == 0;
        Operation {
            index: u64::try_from(i).unwrap_or(0),
            due,
            sent: TimeNs(due.0 + i % 1000),
            done: TimeNs(due.0 + service),
            http_status: if failed { 429 } else { 201 },
            attempts: 1,
            verb: Verb::Create,
            resource: ResourceId(1),
            reason: ReasonId(u32::from(failed)),
        }
    };
    let all: Vec<Operation> = (0..PER_SECOND * 10).map(operation).collect();
    all.chunks(usize::try_from(BATCH).unwrap_or(1))
        .map(|chunk| RunEvent::Operations { queue: QueueId(1), operations: chunk.to_vec() })
        .collect()
}

fn record(criterion: &mut Criterion) {
    let events = batches();
    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Elements(u64::try_from(PER_SECOND * 10).unwrap_or(0))).sample_size(10);
    group.bench_function("ten seconds of 100,000 operations a second", |bencher| {
        bencher.iter_batched(
            || {
                let dir = tempfile::tempdir().expect("a directory");
                (opened(dir.path()), dir)
            },
            |(mut recorder, dir)| {
                events.iter().for_each(|event| recorder.record(event).expect("records"));
                recorder.finish(TimeNs(10_000_000_000)).expect("finishes");
                dir
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, record);
criterion_main!(benches);
