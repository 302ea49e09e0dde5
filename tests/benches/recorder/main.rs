//! `recorder`: writes the record of a run that never was, as fast as the recorder takes it.
//!
//! A made-up load of so many operations a second with answers of many kinds, three series each, and a measurement
//! with two series and a table; latencies are lognormal, of a fixed seed. The recorder takes its time from the events,
//! so an hour of a run takes seconds here. `--discard` makes the same events and records none of them: what they cost
//! is not the recorder's.

use std::{
    num::NonZeroU32,
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::Context;
use bench_model::{
    Arrival, CleanupOutcome, Column, ColumnDeclaration, InstrumentId, InstrumentKind, JobName, JobOutcome,
    MetricName, OnTooManyRequests, Operation, Phase, QueueId, QueueName, QueueSpec, QueueTotals, Rate,
    ReasonId, ResourceId, ResourceRef, RunEvent, RunId, TableDeclaration, TableId, TimeNs, Verb,
};
use bench_results::{Recorder, RunHeader, save_summary, summarize};
use clap::Parser;

const SECOND: i64 = 1_000_000_000;
/// Operations of one event, as the engine sends them under load.
const BATCH: u64 = 256;
/// Time from due to done of the middle operation, in ns.
const MEDIAN_NS: f64 = 5e6;
/// Spread of its logarithm: p99 is about five times the median.
const SIGMA: f64 = 0.7;
/// Latencies that are drawn beforehand and used in turn.
const DRAWN: usize = 65_521;

/// Writes the record of a run that never was.
#[derive(Debug, Parser)]
struct Arguments {
    /// The run directory; must not exist.
    dir: PathBuf,
    /// Length of the load, in seconds of the run.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Operations in a second.
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// Kinds of operations, that is of resources; each has three series.
    #[arg(long, default_value_t = 1)]
    kinds: u32,
    /// Objects of a measurement, each a row of its table and a value of its two series; none: no measurement.
    #[arg(long, default_value_t = 0)]
    objects: u64,
    /// Tells the runs apart: of their ids, and of the random numbers.
    #[arg(long, default_value_t = 1)]
    number: u64,
    /// Also saves the summary, as `bench run` does at the end.
    #[arg(long)]
    summary: bool,
    /// Makes the events and records none.
    #[arg(long)]
    discard: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut sink = Sink { recorder: None, events: 0 };
    if !arguments.discard {
        sink.recorder = Some(create(&arguments)?);
    }
    let load = Load::new(&arguments)?;
    for event in load.opening() {
        sink.take(event)?;
    }
    for second in 0..arguments.seconds {
        load.second(second, &mut sink)?;
    }
    for event in load.closing() {
        sink.take(event)?;
    }
    let Some(recorder) = sink.recorder else {
        // Keeps the compiler from leaving out what nobody looks at.
        anyhow::ensure!(sink.events > 0, "no events");
        return Ok(());
    };
    recorder.finish(load.end())?;
    if arguments.summary {
        save_summary(&arguments.dir, &summarize(&arguments.dir)?)?;
    }
    Ok(())
}

fn create(arguments: &Arguments) -> anyhow::Result<Recorder> {
    let id: RunId = format!("0198c0de-0000-7000-8000-{:012x}", arguments.number).parse()?;
    let mut header = RunHeader::new(id, UNIX_EPOCH + Duration::from_secs(1_763_775_691), 1);
    header.scenario.name = "made-up".to_owned();
    header.cluster.server = "http://127.0.0.1:6443".to_owned();
    header.cluster.version = "v1.36.0".to_owned();
    header.jobs = vec![JobName::parse("load")?];
    header.thresholds = vec!["p99(load.response) < 1s".to_owned(), "p50(load.response) < 1s".to_owned()];
    Ok(Recorder::create(&arguments.dir, &header, "kind: Scenario\n", &serde_json::Value::Null)?)
}

/// Takes events, and records them unless they are thrown away.
struct Sink {
    recorder: Option<Recorder>,
    events: u64,
}

impl Sink {
    fn take(&mut self, event: RunEvent) -> anyhow::Result<()> {
        self.events +=
            u64::from(!matches!(&event, RunEvent::Operations { operations, .. } if operations.is_empty()));
        match &mut self.recorder {
            Some(recorder) => recorder.record(&event).context("failed to record"),
            None => Ok(()),
        }
    }
}

/// What happens in the run.
struct Load {
    job: JobName,
    rate: u64,
    seconds: u64,
    kinds: u32,
    objects: u64,
    latencies: Vec<i64>,
}

impl Load {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let mut random = Random(arguments.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let latency = |random: &mut Random| (MEDIAN_NS * (SIGMA * random.normal()).exp()) as i64;
        Ok(Self {
            job: JobName::parse("load")?,
            rate: arguments.rate,
            seconds: arguments.seconds,
            kinds: arguments.kinds.max(1),
            objects: arguments.objects,
            latencies: (0..DRAWN).map(|_| latency(&mut random)).collect(),
        })
    }

    fn latency(&self, index: u64) -> i64 {
        let at = usize::try_from(index % DRAWN as u64).unwrap_or(0);
        self.latencies.get(at).copied().unwrap_or(1)
    }

    fn opening(&self) -> Vec<RunEvent> {
        let at = TimeNs(0);
        let resource = |kind: u32| ResourceRef {
            group: "bench.dev".to_owned(),
            version: "v1".to_owned(),
            plural: format!("kinds{kind}"),
            namespace: String::new(),
        };
        let spec = QueueSpec {
            rate: Rate::try_new(self.rate as f64).ok(),
            burst: NonZeroU32::MIN,
            arrival: Arrival::Constant,
            in_flight: NonZeroU32::new(1024).unwrap_or(NonZeroU32::MIN),
            on_too_many_requests: OnTooManyRequests::Record,
        };
        let mut events = vec![
            RunEvent::PhaseStarted { phase: Phase::Measure, at },
            RunEvent::JobStarted { job: self.job.clone(), at },
            RunEvent::QueueOpened {
                queue: QueueId(1),
                job: self.job.clone(),
                name: QueueName::main(),
                spec,
                at,
            },
        ];
        events.extend(
            (0..self.kinds)
                .map(|kind| RunEvent::ResourceSeen { resource: ResourceId(kind), target: resource(kind) }),
        );
        if self.objects > 0 {
            events.extend(self.measurement());
        }
        events
    }

    fn measurement(&self) -> Vec<RunEvent> {
        let source = "pod-latency";
        let instrument = |id, name: &str| {
            Some(RunEvent::InstrumentOpened {
                instrument: InstrumentId(id),
                source: source.to_owned(),
                name: MetricName::parse(name).ok()?,
                kind: InstrumentKind::Histogram,
                unit: "ns".to_owned(),
                labels: Vec::new(),
            })
        };
        let column =
            |(name, unit): (&str, &str)| ColumnDeclaration { name: name.to_owned(), unit: unit.to_owned() };
        let columns = [
            ("namespace", "text"),
            ("pod", "text"),
            ("node", "text"),
            ("createdAt", "ns"),
            ("scheduled", "ns"),
            ("ready", "ns"),
        ];
        let table = MetricName::parse("pods").ok().map(|name| RunEvent::TableOpened {
            table: TableId(1),
            source: source.to_owned(),
            declaration: TableDeclaration { name, columns: columns.map(column).into() },
        });
        [instrument(1, "scheduled"), instrument(2, "ready"), table].into_iter().flatten().collect()
    }

    /// Operations that end in this second, in batches, and objects that become ready.
    fn second(&self, second: u64, sink: &mut Sink) -> anyhow::Result<()> {
        let first = second * self.rate;
        let mut from = first;
        while from < first + self.rate {
            let to = (from + BATCH).min(first + self.rate);
            let operations = (from..to).map(|index| self.operation(index)).collect();
            sink.take(RunEvent::Operations { queue: QueueId(1), operations })?;
            from = to;
        }
        let objects = self.objects * second / self.seconds..self.objects * (second + 1) / self.seconds;
        if objects.is_empty() {
            return Ok(());
        }
        let at = TimeNs(i64::try_from(second).unwrap_or(0) * SECOND + SECOND / 2);
        let values = |factor: i64| -> Vec<u64> {
            let values = objects.clone().map(|object| self.latency(object) * factor);
            values.map(|ns| u64::try_from(ns).unwrap_or(0)).collect()
        };
        sink.take(RunEvent::Observed { instrument: InstrumentId(1), at, values: values(20) })?;
        sink.take(RunEvent::Observed { instrument: InstrumentId(2), at, values: values(200) })
    }

    fn due(&self, index: u64) -> i64 {
        let (index, rate) = (i128::from(index), i128::from(self.rate));
        i64::try_from(index * i128::from(SECOND) / rate).unwrap_or(i64::MAX)
    }

    fn operation(&self, index: u64) -> Operation {
        let due = self.due(index);
        Operation {
            index,
            due: TimeNs(due),
            sent: TimeNs(due + self.latency(index + 1) / 100),
            done: TimeNs(due + self.latency(index)),
            http_status: 201,
            attempts: 1,
            verb: Verb::Create,
            resource: ResourceId(u32::try_from(index % u64::from(self.kinds)).unwrap_or(0)),
            reason: ReasonId::NONE,
        }
    }

    fn rows(&self) -> RunEvent {
        let texts = |of: fn(u64) -> String| Column::Texts((0..self.objects).map(of).collect());
        let ints = |of: &dyn Fn(u64) -> i64| Column::Ints((0..self.objects).map(of).collect());
        let columns = vec![
            texts(|object| format!("churn-{}", object / 100)),
            texts(|object| format!("pod-{object}")),
            texts(|object| format!("node-{}", object % 100)),
            ints(&|object| self.due(object * self.seconds * self.rate / self.objects.max(1))),
            ints(&|object| self.latency(object) * 20),
            ints(&|object| self.latency(object) * 200),
        ];
        RunEvent::Rows { table: TableId(1), columns }
    }

    fn closing(&self) -> Vec<RunEvent> {
        let at = self.end();
        let n = self.rate * self.seconds;
        let totals = QueueTotals { asked: n, due: n, sent: n, answered: n, ..QueueTotals::default() };
        let mut events = vec![RunEvent::QueueClosed { queue: QueueId(1), totals, at }];
        if self.objects > 0 {
            events.push(self.rows());
        }
        events.extend([
            RunEvent::JobFinished { job: self.job.clone(), at, outcome: JobOutcome::Completed },
            RunEvent::PhaseStarted { phase: Phase::Teardown, at },
            RunEvent::CleanedUp { outcome: CleanupOutcome::default(), at },
        ]);
        events
    }

    /// After the last answer.
    fn end(&self) -> TimeNs {
        TimeNs(i64::try_from(self.seconds + 2).unwrap_or(0) * SECOND)
    }
}

/// Xorshift64*: good enough for latencies, and the same everywhere.
struct Random(u64);

impl Random {
    /// From 0 to 1, both excluded.
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 12;
        (bits as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Box and Muller.
    fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * self.unit().ln()).sqrt(), std::f64::consts::TAU * self.unit());
        radius * angle.cos()
    }
}
