//! A run while it goes on, for machines: a JSON object a line, one each second and one for each thing that
//! happens, the verdict last.
//!
//! Lines are written by a thread of their own: a reader that does not keep up loses lines and is told how many,
//! the run never waits for it. Numbers have their units in their names; absent is `null`.

use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};

use bench_model::NEVER;
use bench_results::{Conclusion, ThresholdSummary, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    now::{Offered, RunNow, RunTitle, Said, What, second_of},
    sanitize::escape_json,
    view::Tone,
};

/// Version of the lines.
pub const STREAM_SCHEMA_VERSION: u32 = 1;

/// Lines that wait for their reader.
const WAITING: usize = 1024;

/// How much it matters that something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Weight {
    /// As planned.
    Info,
    /// Worth a look.
    Warning,
    /// Something failed.
    Error,
}

/// The last ten seconds, or everything that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponseNow {
    /// Operations, failed ones included.
    pub n: u64,
    /// Response time, due to done; `null` when the operation at that rank failed, or there is none.
    pub p50_ns: Option<u64>,
    /// As `p50Ns`.
    pub p99_ns: Option<u64>,
}

/// A gate so far.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateLine {
    /// As written.
    pub text: String,
    /// What it would say if the run ended now, without the intervals of the final verdict.
    pub verdict: Verdict,
    /// Bounds of the value, in `unit`; `null` when there is none, or it never came.
    pub low: Option<f64>,
    /// As `low`.
    pub high: Option<f64>,
    /// UCUM.
    pub unit: String,
    /// Samples.
    pub n: u64,
}

/// The run so far; counts are of queues that count, since the start.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondLine {
    /// `setup`, `warmup`, `measure`, `settle` or `teardown`.
    pub phase: Option<String>,
    /// What the schedules want now; `null` when nothing has to be sent, or as fast as it goes.
    pub offered_per_second: Option<f64>,
    /// Answers over the last five seconds.
    pub achieved_per_second: f64,
    /// Operations that plugins asked for.
    pub asked: u64,
    /// Operations that were due and taken up.
    pub due: u64,
    /// Requests that left.
    pub sent: u64,
    /// Operations that ended.
    pub ended: u64,
    /// Of these failed.
    pub failed: u64,
    /// Answers with the status 429.
    pub too_many_requests: u64,
    /// Requests that left and did not come back yet.
    pub in_flight: u64,
    /// Of the last ten seconds.
    pub lately: ResponseNow,
    /// Of everything that counts.
    pub total: ResponseNow,
    /// Answered creates.
    pub created: u64,
    /// Objects that a measurement saw ready.
    pub ready: u64,
    /// Answered deletes, and what cleaning up removed.
    pub deleted: u64,
    /// In the order of the scenario.
    pub gates: Vec<GateLine>,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StreamEvent {
    /// The first line of a run.
    Started {
        /// UUID.
        run_id: String,
        /// Name of the scenario.
        scenario: String,
        /// RFC 3339: the wall-clock time of the run's time 0.
        started_at: String,
        /// Folder of the record.
        record: String,
    },
    /// How it goes; one a second.
    Second(Box<SecondLine>),
    /// Something happened.
    Happened {
        /// What.
        what: What,
        /// How much it matters.
        weight: Weight,
        /// For people.
        text: String,
    },
    /// The reader did not keep up.
    Lost {
        /// Lines that were left out here.
        lines: u64,
    },
    /// The last line of a run.
    Ended {
        /// UUID.
        run_id: String,
        /// The verdict.
        conclusion: Conclusion,
        /// Gates with their verdicts, in the order of the scenario.
        gates: Vec<ThresholdSummary>,
        /// Folder of the record.
        record: String,
    },
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamLine {
    /// [`STREAM_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Nanoseconds since the start of the run.
    pub at_ns: i64,
    /// What it says.
    #[serde(flatten)]
    pub event: StreamEvent,
}

impl StreamLine {
    /// A line of this version.
    pub fn new(at_ns: i64, event: StreamEvent) -> Self {
        Self { schema_version: STREAM_SCHEMA_VERSION, at_ns, event }
    }

    /// With its line break, hidden characters escaped.
    pub fn text(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{}\n", escape_json(&text))
    }
}

/// JSON Schema of [`StreamLine`].
pub fn stream_schema() -> serde_json::Value {
    schemars::schema_for!(StreamLine).to_value()
}

/// Lines on their way to a reader; see the module's documentation.
pub struct Stream {
    lines: SyncSender<String>,
    writer: JoinHandle<()>,
    lost: u64,
}

impl Stream {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(mut out: Box<dyn Write + Send>) -> io::Result<Self> {
        let (lines, waiting): (_, Receiver<String>) = sync_channel(WAITING);
        let writer = std::thread::Builder::new().name("stream".to_owned()).spawn(move || {
            for line in waiting {
                // A reader that went away ends the stream, not the run.
                if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { lines, writer, lost: 0 })
    }

    /// Tells where the run is.
    pub fn started(&mut self, title: &RunTitle, run_id: String, started_at: String, record: String) {
        let scenario = title.scenario.clone();
        self.say(0, StreamEvent::Started { run_id, scenario, started_at, record });
    }

    pub(crate) fn happened(&mut self, said: &Said) {
        let weight = match said.tone {
            Tone::Good | Tone::Plain | Tone::Faint => Weight::Info,
            Tone::Warning => Weight::Warning,
            Tone::Bad => Weight::Error,
        };
        let event = StreamEvent::Happened { what: said.what, weight, text: said.text.clone() };
        self.say(said.at.0, event);
    }

    pub(crate) fn second(&mut self, now: &RunNow) {
        self.say(now.now.0, StreamEvent::Second(Box::new(second(now))));
    }

    fn say(&mut self, at_ns: i64, event: StreamEvent) {
        if self.lost > 0 {
            let lost = StreamLine::new(at_ns, StreamEvent::Lost { lines: self.lost });
            match self.lines.try_send(lost.text()) {
                Ok(()) => self.lost = 0,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    self.lost += 1;
                    return;
                }
            }
        }
        if self.lines.try_send(StreamLine::new(at_ns, event).text()).is_err() {
            self.lost += 1;
        }
    }

    /// Waits until everything is written.
    pub(crate) fn finish(self) {
        drop(self.lines);
        // A panic of the thread was printed by itself.
        let _ = self.writer.join();
    }
}

fn second(now: &RunNow) -> SecondLine {
    let totals = now.queues.totals();
    let (ended, failed) = now.queues.ended();
    let response = |histogram: &bench_model::Histogram| {
        let at = |q: f64| histogram.quantile(q).map(|(_, high)| high).filter(|high| *high != NEVER);
        ResponseNow { n: histogram.count(), p50_ns: at(0.5), p99_ns: at(0.99) }
    };
    let gates = now.gates.iter().map(|gate| {
        let so_far = gate.so_far(&now.queues);
        let finite = |value: f64| value.is_finite().then_some(value);
        GateLine {
            text: gate.text.clone(),
            verdict: so_far.verdict,
            low: so_far.value.and_then(|(low, _)| finite(low)),
            high: so_far.value.and_then(|(_, high)| finite(high)),
            unit: so_far.unit,
            n: so_far.n,
        }
    });
    SecondLine {
        phase: now.phase().map(|phase| phase.as_str().to_owned()),
        offered_per_second: now.queues.offered().and_then(|offered| match offered {
            Offered::Rate(rate) => Some(rate),
            Offered::Unpaced => None,
        }),
        achieved_per_second: (now.queues.achieved(now.now) * 1e3).round() / 1e3,
        asked: totals.asked,
        due: totals.due,
        sent: totals.sent,
        ended,
        failed,
        too_many_requests: now.seconds.too_many(),
        in_flight: now.queues.in_flight(),
        lately: response(&now.seconds.lately(second_of(now.now))),
        total: response(now.seconds.total()),
        created: now.objects.created,
        ready: now.objects.ready,
        deleted: now.objects.deleted,
        gates: gates.collect(),
    }
}

#[cfg(test)]
mod tests;
