//! A run made up: the events that an engine would send, with known truth in them.
//!
//! Deterministic; also used by the tests of `report`.

use std::{
    num::NonZeroU32,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use bench_model::{
    Arrival, CleanupOutcome, Column, ColumnDeclaration, Digest, InstrumentId, InstrumentKind, JobName,
    JobOutcome, Label, MetricName, NEVER, OnTooManyRequests, Operation, Permissions, Phase, PluginName,
    QueueId, QueueName, QueueSpec, QueueTotals, Rate, ReasonId, ResourceId, ResourceRef, RunEvent, RunId,
    TableDeclaration, TableId, TimeNs, ValidityBounds, Verb, WaitOutcome,
};
use bench_results::{PluginFacts, Recorder, RunHeader};

pub const MS: u64 = 1_000_000;
pub const S: i64 = 1_000_000_000;

/// What the run is like; change what a test is about.
#[derive(Debug, Clone)]
pub struct FakeRun {
    pub id: &'static str,
    /// Pods, one operation each.
    pub pods: u64,
    /// Operations a second.
    pub rate: f64,
    /// Every operation's service time.
    pub service_ns: u64,
    /// Sent - due of every operation.
    pub lag_ns: u64,
    /// The last so many operations fail with this status.
    pub failing: (u64, u16),
    /// The last so many were never answered.
    pub unanswered: u64,
    /// Requests that were sent once more after a 429.
    pub sent_again: u64,
    /// The last so many were never sent.
    pub unsent: u64,
    /// So many pods never became ready.
    pub unready: u64,
    /// Whether pod latencies are known only within a second.
    pub bounded: bool,
    pub thresholds: Vec<String>,
    pub validity: ValidityBounds,
    pub outcome: JobOutcome,
    /// Sent between the load and the end.
    pub extra: Vec<RunEvent>,
    pub cleanup: CleanupOutcome,
    /// What the names of pods begin with.
    pub prefix: String,
}

impl Default for FakeRun {
    fn default() -> Self {
        Self {
            id: "0198c0de-0000-7000-8000-00ab12cd34ef",
            pods: 500,
            rate: 50.0,
            service_ns: 8 * MS,
            lag_ns: MS / 10,
            failing: (0, 500),
            unanswered: 0,
            sent_again: 0,
            unsent: 0,
            unready: 0,
            bounded: false,
            thresholds: vec![
                "p99(pod-latency.ready) < 5s".to_owned(),
                "rate(create-pods.errors) == 0".to_owned(),
            ],
            validity: ValidityBounds::default(),
            outcome: JobOutcome::Completed,
            extra: Vec::new(),
            cleanup: CleanupOutcome { deleted: 505, ..CleanupOutcome::default() },
            prefix: "pod".to_owned(),
        }
    }
}

pub fn job() -> JobName {
    JobName::parse("create-pods").expect("a name")
}

pub fn pods() -> ResourceRef {
    let text = str::to_owned;
    ResourceRef { group: String::new(), version: text("v1"), plural: text("pods"), namespace: String::new() }
}

impl FakeRun {
    pub fn header(&self) -> RunHeader {
        let run_id: RunId = self.id.parse().expect("a uuid");
        let mut header = RunHeader::new(run_id, UNIX_EPOCH + Duration::from_secs(1_763_775_691), 7);
        header.scenario.name = "pod-churn".to_owned();
        header.scenario.digest = Digest::sha256([7; 32]).to_string();
        header.bench.version = "0.1.0".to_owned();
        header.cluster.server = "http://127.0.0.1:6443".to_owned();
        header.cluster.version = "v1.36.0".to_owned();
        header.cluster.simulated = true;
        header.jobs = vec![job()];
        header.thresholds.clone_from(&self.thresholds);
        header.validity = self.validity;
        header.plugins = vec![PluginFacts {
            name: PluginName::parse("objects").expect("a name"),
            from: "builtin:objects".to_owned(),
            digest: Digest::sha256([1; 32]),
            version: "0.1.0".to_owned(),
            grants: Permissions::default(),
        }];
        header
    }

    /// When operation `i` is due.
    pub fn due(&self, i: u64) -> TimeNs {
        TimeNs(S + (i as f64 / self.rate * 1e9) as i64)
    }

    /// Time from due to ready of pod `i`: 1 s to 2 s, evenly; the last `unready` never.
    pub fn ready_ns(&self, i: u64) -> u64 {
        if i >= self.pods - self.unready { NEVER } else { 1000 * MS + i * 1000 * MS / self.pods }
    }

    fn operation(&self, i: u64) -> Operation {
        let due = self.due(i);
        let left = self.pods - i;
        let sent = if left <= self.unsent { TimeNs::NEVER } else { due + Duration::from_nanos(self.lag_ns) };
        let silent = left <= self.unsent.max(self.unanswered);
        let done = if silent { TimeNs::NEVER } else { sent + Duration::from_nanos(self.service_ns) };
        let failing = left <= self.failing.0;
        Operation {
            index: i,
            due,
            sent,
            done,
            http_status: if silent {
                0
            } else if failing {
                self.failing.1
            } else {
                201
            },
            attempts: 1,
            verb: Verb::Create,
            resource: ResourceId(1),
            reason: if silent {
                ReasonId(2)
            } else if failing {
                ReasonId(1)
            } else {
                ReasonId::NONE
            },
        }
    }

    fn opening(&self) -> Vec<RunEvent> {
        let text = str::to_owned;
        let instrument = |id, name, kind, labels| RunEvent::InstrumentOpened {
            instrument: InstrumentId(id),
            source: text("pod-latency"),
            name: MetricName::parse(name).expect("a name"),
            kind,
            unit: text(if kind == InstrumentKind::Histogram { "ns" } else { "1" }),
            labels,
        };
        let by_job = vec![Label { name: text("job"), value: text("create-pods") }];
        let column = |name: &str, unit: &str| ColumnDeclaration { name: text(name), unit: text(unit) };
        let declaration = TableDeclaration {
            name: MetricName::parse("pods").expect("a name"),
            columns: vec![
                column("namespace", "text"),
                column("pod", "text"),
                column("node", "text"),
                column("createdAt", "ns"),
                column("scheduled", "ns"),
                column("containersReady", "ns"),
                column("ready", "ns"),
            ],
        };
        let spec = QueueSpec {
            rate: Some(Rate::try_new(self.rate).expect("a rate")),
            burst: NonZeroU32::MIN,
            arrival: Arrival::Constant,
            in_flight: NonZeroU32::new(256).expect("not zero"),
            on_too_many_requests: OnTooManyRequests::Record,
        };
        let at = TimeNs(0);
        vec![
            RunEvent::PhaseStarted { phase: Phase::Setup, at },
            instrument(1, "ready", InstrumentKind::Histogram, by_job.clone()),
            instrument(2, "scheduled", InstrumentKind::Histogram, by_job.clone()),
            instrument(3, "pods-seen", InstrumentKind::Counter, Vec::new()),
            instrument(4, "running", InstrumentKind::Gauge, Vec::new()),
            RunEvent::TableOpened { table: TableId(1), source: text("pod-latency"), declaration },
            RunEvent::ClockOffset { at, low: TimeNs(-3_100_000), high: TimeNs(-1_900_000) },
            RunEvent::PhaseStarted { phase: Phase::Measure, at: TimeNs(S / 2) },
            RunEvent::JobStarted { job: job(), at: TimeNs(S) },
            RunEvent::QueueOpened {
                queue: QueueId(1),
                job: job(),
                name: QueueName::main(),
                spec,
                at: TimeNs(S),
            },
            RunEvent::QueueOpened {
                queue: QueueId(2),
                job: job(),
                name: QueueName::setup(),
                spec: QueueSpec::setup(),
                at,
            },
            RunEvent::ResourceSeen { resource: ResourceId(1), target: pods() },
            RunEvent::ReasonSeen {
                reason: ReasonId(1),
                text: text("InternalError"),
                example: text("etcdserver: request timed out"),
            },
            RunEvent::ReasonSeen {
                reason: ReasonId(2),
                text: text("Transport"),
                example: text("connection reset"),
            },
        ]
    }

    fn observed(&self, i: u64) -> Vec<RunEvent> {
        let ready = self.ready_ns(i);
        let at = if ready == NEVER { self.end() } else { self.due(i) + Duration::from_nanos(ready) };
        let scheduled = RunEvent::Observed { instrument: InstrumentId(2), at, values: vec![30 * MS] };
        let ready = if self.bounded && ready != NEVER {
            let (low, high) = (vec![ready.saturating_sub(500 * MS)], vec![ready + 500 * MS]);
            RunEvent::ObservedBetween { instrument: InstrumentId(1), at, low, high }
        } else {
            RunEvent::Observed { instrument: InstrumentId(1), at, values: vec![ready] }
        };
        vec![
            scheduled,
            ready,
            RunEvent::Counted { instrument: InstrumentId(3), at, n: 1 },
            RunEvent::Gauged { instrument: InstrumentId(4), at, value: (i + 1) as f64 },
        ]
    }

    fn rows(&self) -> RunEvent {
        let n = 0..self.pods;
        let ready = |i| i64::try_from(self.ready_ns(i)).unwrap_or(i64::MAX);
        RunEvent::Rows {
            table: TableId(1),
            columns: vec![
                Column::Texts(n.clone().map(|i| format!("churn-{}", i / 100)).collect()),
                Column::Texts(n.clone().map(|i| format!("{}-{i}", self.prefix)).collect()),
                Column::Texts(n.clone().map(|i| format!("node-{}", i % 10)).collect()),
                Column::Ints(n.clone().map(|i| self.due(i).0).collect()),
                Column::Ints(n.clone().map(|_| 30 * MS as i64).collect()),
                Column::Ints(
                    n.clone()
                        .map(|i| if ready(i) == i64::MAX { i64::MAX } else { ready(i) - 5 * MS as i64 })
                        .collect(),
                ),
                Column::Ints(n.map(ready).collect()),
            ],
        }
    }

    /// When the load is over and every pod is ready.
    pub fn end(&self) -> TimeNs {
        self.due(self.pods) + Duration::from_secs(3)
    }

    /// Everything but the last word of the recorder, in order of time.
    pub fn events(&self) -> Vec<RunEvent> {
        let mut timed: Vec<(TimeNs, RunEvent)> = Vec::new();
        for i in 0..self.pods {
            let operation = self.operation(i);
            let at = if operation.done.is_never() { self.end() } else { operation.done };
            timed.push((at, RunEvent::Operations { queue: QueueId(1), operations: vec![operation] }));
            for event in self.observed(i) {
                let (RunEvent::Observed { at, .. }
                | RunEvent::ObservedBetween { at, .. }
                | RunEvent::Counted { at, .. }
                | RunEvent::Gauged { at, .. }) = &event
                else {
                    continue;
                };
                timed.push((*at, event));
            }
        }
        timed.sort_by_key(|(at, _)| *at);
        let mut events = self.opening();
        events.extend(timed.into_iter().map(|(_, event)| event));
        events.extend(self.closing());
        events
    }

    fn closing(&self) -> Vec<RunEvent> {
        let at = self.end();
        let met = u32::try_from(self.pods - self.unready).unwrap_or(u32::MAX);
        let unmet = u32::try_from(self.unready).unwrap_or(u32::MAX);
        let examples = (0..self.unready.min(20))
            .map(|i| format!("churn-0/{}-{i}: Unschedulable", self.prefix))
            .collect();
        let totals = QueueTotals {
            asked: self.pods,
            due: self.pods,
            sent: self.pods - self.unsent,
            answered: self.pods - self.unsent.max(self.unanswered),
            sent_again: self.sent_again,
            ..QueueTotals::default()
        };
        let condition = "condition=Ready".to_owned();
        let outcome = WaitOutcome {
            target: pods(),
            condition,
            met,
            unmet,
            last_met_at: at,
            examples,
            causes: Vec::new(),
        };
        let mut events = vec![
            RunEvent::QueueClosed { queue: QueueId(1), totals, at },
            RunEvent::QueueClosed { queue: QueueId(2), totals: QueueTotals::default(), at },
            RunEvent::Waited { job: job(), at, outcome },
            self.rows(),
            RunEvent::MeasurementReport {
                source: "pod-latency".to_owned(),
                json: r#"{"clock":"watch"}"#.to_owned(),
            },
        ];
        events.extend(self.extra.iter().cloned());
        events.extend([
            RunEvent::JobFinished { job: job(), at, outcome: self.outcome.clone() },
            RunEvent::PhaseStarted { phase: Phase::Teardown, at },
            RunEvent::CleanedUp { outcome: self.cleanup.clone(), at: at + Duration::from_secs(1) },
        ]);
        events
    }

    pub fn start(&self, dir: &Path) -> Recorder {
        let resolved = serde_json::json!({ "metadata": { "name": "pod-churn" } });
        Recorder::create(dir, &self.header(), "kind: Scenario\n", &resolved).expect("creates")
    }

    /// Writes the whole record.
    pub fn record(&self, dir: &Path) {
        let mut recorder = self.start(dir);
        for event in self.events() {
            recorder.record(&event).expect("records");
        }
        recorder.finish(self.end() + Duration::from_secs(1)).expect("finishes");
    }
}
