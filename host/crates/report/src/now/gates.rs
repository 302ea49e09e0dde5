//! Gates while the run goes on: what each would say if it ended now.
//!
//! Every gate keeps what its own metric saw, by the rules of `results`; the verdict on the run is made from the
//! record, with intervals that this does not have.

use std::collections::{BTreeMap, HashMap};

use bench_model::{
    Aggregate, Histogram, InstrumentId, InstrumentKind, Label, NEVER, Operation, QueueTotals, ReasonId,
    ResourceId, Threshold, TimeNs,
};
use bench_results::{SoFar, Verdict, judge_so_far};

use super::queues::{QueueNow, Queues};

/// Names that labels of gates are about.
#[derive(Default)]
pub(super) struct Names {
    resources: HashMap<ResourceId, String>,
    reasons: HashMap<ReasonId, String>,
}

impl Names {
    pub(super) fn resource(&mut self, id: ResourceId, name: String) {
        self.resources.insert(id, name);
    }

    pub(super) fn reason(&mut self, id: ReasonId, text: String) {
        self.reasons.insert(id, text);
    }

    /// Whether an operation has a label, as the record gives them to operations.
    fn has(&self, queue: &QueueNow, operation: &Operation, label: &Label) -> bool {
        let value = label.value.as_str();
        match label.name.as_str() {
            "queue" => queue.name.as_str() == value,
            "verb" => operation.verb.as_str() == value,
            "resource" => self.resources.get(&operation.resource).is_some_and(|name| name == value),
            "code" => operation.http_status.to_string() == value,
            "reason" => self.reasons.get(&operation.reason).map_or("", String::as_str) == value,
            _ => false,
        }
    }
}

/// What a gate says so far.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GateSoFar {
    pub(crate) verdict: Verdict,
    /// Bounds of the value, infinite where it never came.
    pub(crate) value: Option<(f64, f64)>,
    /// UCUM.
    pub(crate) unit: String,
    /// Samples.
    pub(crate) n: u64,
}

/// A gate and what it is judged on.
pub(crate) struct GateNow {
    pub(crate) text: String,
    /// `None` when it cannot be read.
    threshold: Option<Threshold>,
    /// Instruments that it is about; as long as there is none, it may be about a job.
    instruments: BTreeMap<InstrumentId, f64>,
    kind: Option<InstrumentKind>,
    unit: String,
    distribution: Histogram,
    counter: u64,
    operations: u64,
    failed: u64,
    first_due: TimeNs,
    last_done: TimeNs,
}

impl GateNow {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            threshold: text.parse().ok(),
            instruments: BTreeMap::new(),
            kind: None,
            unit: "1".to_owned(),
            distribution: Histogram::new(),
            counter: 0,
            operations: 0,
            failed: 0,
            first_due: TimeNs::NEVER,
            last_done: TimeNs::ABSENT,
        }
    }

    pub(super) fn instrument(
        &mut self,
        id: InstrumentId,
        source: &str,
        name: &str,
        kind: InstrumentKind,
        unit: &str,
        labels: &[Label],
    ) {
        let Some(Threshold { metric, .. }) = &self.threshold else { return };
        let is_it = metric.source == source
            && metric.metric == name
            && metric.labels.iter().all(|label| labels.contains(label));
        if is_it {
            self.instruments.insert(id, f64::NAN);
            self.kind = Some(kind);
            self.unit = unit.to_owned();
        }
    }

    pub(super) fn observed(&mut self, id: InstrumentId, values: &[u64]) {
        if self.instruments.contains_key(&id) {
            values.iter().for_each(|value| self.distribution.record(*value));
        }
    }

    pub(super) fn observed_between(&mut self, id: InstrumentId, low: &[u64], high: &[u64]) {
        if self.instruments.contains_key(&id) {
            for (low, high) in low.iter().zip(high) {
                // Bounds in the wrong order are no value; the recorder says so.
                let _ = self.distribution.record_between(*low, *high);
            }
        }
    }

    pub(super) fn counted(&mut self, id: InstrumentId, n: u64) {
        if self.instruments.contains_key(&id) {
            self.counter = self.counter.saturating_add(n);
        }
    }

    pub(super) fn gauged(&mut self, id: InstrumentId, value: f64) {
        if let Some(last) = self.instruments.get_mut(&id) {
            *last = value;
        }
    }

    pub(super) fn operation(&mut self, queue: &QueueNow, operation: &Operation, names: &Names) {
        let Some(Threshold { metric, .. }) = &self.threshold else { return };
        // What a measurement declares wins over a job of its name.
        if !self.instruments.is_empty() || metric.source != queue.job.as_str() {
            return;
        }
        if !metric.labels.iter().all(|label| names.has(queue, operation, label)) {
            return;
        }
        self.operations += 1;
        self.failed += u64::from(!operation.is_success());
        self.first_due = self.first_due.min(operation.due);
        if !operation.done.is_never() {
            self.last_done = self.last_done.max(operation.done);
        }
        let unless_failed = |value: u64| if operation.is_success() { value } else { NEVER };
        match metric.metric.as_str() {
            "response" => self.distribution.record(unless_failed(operation.response_ns())),
            "service" => self.distribution.record(unless_failed(operation.service_ns())),
            "lag" => self.distribution.record(operation.lag_ns()),
            _ => {}
        }
    }

    /// What it says so far.
    pub(crate) fn so_far(&self, queues: &Queues) -> GateSoFar {
        let nothing = GateSoFar { verdict: Verdict::NoData, value: None, unit: "1".to_owned(), n: 0 };
        let Some(threshold) = &self.threshold else { return nothing };
        let Some((so_far, unit)) = self.metric(threshold, queues) else { return nothing };
        let (verdict, value) = judge_so_far(threshold, so_far);
        let n = match so_far {
            SoFar::Distribution(histogram) => histogram.count(),
            SoFar::Number { n, .. } => n,
        };
        let counts = matches!(threshold.aggregate, Aggregate::Count | Aggregate::Missing | Aggregate::Rate);
        GateSoFar { verdict, value, unit: if counts { "1".to_owned() } else { unit.to_owned() }, n }
    }

    fn metric(&self, threshold: &Threshold, queues: &Queues) -> Option<(SoFar<'_>, &str)> {
        let number = |value: f64, n: u64| SoFar::Number { value, n };
        if let Some(kind) = self.kind {
            let so_far = match kind {
                InstrumentKind::Histogram => SoFar::Distribution(&self.distribution),
                InstrumentKind::Counter => number(self.counter as f64, 1),
                InstrumentKind::Gauge => {
                    let mut set = self.instruments.values().filter(|value| !value.is_nan());
                    match (set.next(), set.next()) {
                        (Some(value), None) => number(*value, 1),
                        // Several gauges have no one value.
                        (None | Some(_), _) => number(0.0, 0),
                    }
                }
            };
            return Some((so_far, &self.unit));
        }
        let (n, failed) = (self.operations, self.failed as f64);
        Some(match threshold.metric.metric.as_str() {
            "response" | "service" | "lag" => (SoFar::Distribution(&self.distribution), "ns"),
            "operations" => (number(n as f64, n), "1"),
            "errors" if threshold.aggregate == Aggregate::Rate && n > 0 => {
                (number(failed / n as f64, n), "1")
            }
            "errors" => (number(failed, n), "1"),
            "elapsed" => {
                let elapsed =
                    if self.last_done == TimeNs::ABSENT { 0 } else { self.last_done.since(self.first_due) };
                (number(elapsed as f64, u64::from(elapsed > 0)), "ns")
            }
            "delivered" => {
                let QueueTotals { due, sent, .. } = queues.of(&threshold.metric.source);
                (number(if due == 0 { 0.0 } else { sent as f64 / due as f64 }, due), "1")
            }
            _ => return None,
        })
    }
}
