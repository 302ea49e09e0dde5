//! Operations of queues: three distributions for each kind of outcome, and the load of each second.
//!
//! The hot path of the recorder: all operations of a run pass through here.

use std::collections::{BTreeMap, HashMap};

use bench_model::{JobName, Operation, Phase, QueueId, QueueName, ReasonId, ResourceId, TimeNs, Verb};

use super::{
    RecordError,
    append::FileSet,
    phases::Phases,
    series::{SeriesId, SeriesSet, second_of},
};
use crate::{layout, number_line::NumberLine, tag};

/// What operations are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    verb: Verb,
    resource: ResourceId,
    http_status: u16,
    reason: ReasonId,
    /// Set when the phase does not count.
    phase: Option<Phase>,
}

#[derive(Debug, Clone, Copy)]
struct KeySeries {
    response: SeriesId,
    service: SeriesId,
    lag: SeriesId,
}

#[derive(Debug, Default, Clone, Copy)]
struct Load {
    due: u64,
    sent: u64,
    answered: u64,
}

/// Extremes of times; `NEVER` and `ABSENT` stand for none yet.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    first_due: TimeNs,
    last_due: TimeNs,
    first_sent: TimeNs,
    last_sent: TimeNs,
    last_done: TimeNs,
}

impl Span {
    const NONE: Self = Self {
        first_due: TimeNs::NEVER,
        last_due: TimeNs::ABSENT,
        first_sent: TimeNs::NEVER,
        last_sent: TimeNs::ABSENT,
        last_done: TimeNs::ABSENT,
    };

    fn add(&mut self, operation: &Operation) {
        self.first_due = self.first_due.min(operation.due);
        self.last_due = self.last_due.max(operation.due);
        if !operation.sent.is_never() {
            self.first_sent = self.first_sent.min(operation.sent);
            self.last_sent = self.last_sent.max(operation.sent);
        }
        if !operation.done.is_never() {
            self.last_done = self.last_done.max(operation.done);
        }
    }
}

struct Queue {
    job: JobName,
    name: QueueName,
    series: HashMap<Key, KeySeries>,
    /// Runs of the same outcome need no lookup.
    latest: Option<(Key, KeySeries)>,
    load: BTreeMap<i64, Load>,
    span: Span,
    written: Span,
}

/// All queues of a run.
#[derive(Default)]
pub(crate) struct Queues {
    queues: HashMap<QueueId, Queue>,
    resources: HashMap<ResourceId, String>,
    reasons: HashMap<ReasonId, String>,
}

impl Queues {
    pub(crate) fn open(&mut self, id: QueueId, job: JobName, name: QueueName) {
        let (load, span) = (BTreeMap::new(), Span::NONE);
        let queue = Queue { job, name, series: HashMap::new(), latest: None, load, span, written: span };
        self.queues.insert(id, queue);
    }

    pub(crate) fn name_resource(&mut self, id: ResourceId, name: String) {
        self.resources.insert(id, name);
    }

    pub(crate) fn name_reason(&mut self, id: ReasonId, text: String) {
        self.reasons.insert(id, text);
    }

    /// Records operations; returns whether the queue was announced.
    pub(crate) fn record(
        &mut self,
        files: &mut FileSet,
        set: &mut SeriesSet,
        phases: &Phases,
        now: TimeNs,
        id: QueueId,
        operations: &[Operation],
    ) -> Result<bool, RecordError> {
        let Some(queue) = self.queues.get_mut(&id) else { return Ok(false) };
        for operation in operations {
            let key = Key {
                verb: operation.verb,
                resource: operation.resource,
                http_status: operation.http_status,
                reason: operation.reason,
                phase: phases.uncounted(operation.due),
            };
            let series = match queue.latest {
                Some((latest, series)) if latest == key => series,
                _ => *queue.series.entry(key).or_insert_with(|| {
                    open_series(files, set, &queue.job, &queue.name, key, &self.resources, &self.reasons)
                }),
            };
            queue.latest = Some((key, series));
            let at = if operation.done.is_never() { now } else { operation.done };
            let second = second_of(at);
            set.record(files, series.response, second, operation.response_ns())?;
            // Never sent and never answered are both `NEVER`, whatever the other time says.
            let service = if operation.sent.is_never() { u64::MAX } else { operation.service_ns() };
            set.record(files, series.service, second, service)?;
            set.record(files, series.lag, second, operation.lag_ns())?;
            // Warm-up is load that does not count; all of `setup` is preparation, and shown as such.
            if key.phase.is_none() || queue.name == QueueName::setup() {
                queue.span.add(operation);
            }
            queue.count(operation);
        }
        Ok(true)
    }

    /// Writes the load since the last commit.
    pub(crate) fn write_load(&mut self, files: &mut FileSet) -> Result<(), RecordError> {
        for (&id, queue) in &mut self.queues {
            for (second, load) in std::mem::take(&mut queue.load) {
                let Load { due, sent, answered } = load;
                let line = NumberLine::Load { second, queue: id, due, sent, answered };
                super::append_json(files, layout::NUMBERS, &line)?;
            }
            if queue.span == queue.written {
                continue;
            }
            queue.written = queue.span;
            let Span { first_due, last_due, first_sent, last_sent, last_done } = queue.span;
            let line = NumberLine::Span { queue: id, first_due, last_due, first_sent, last_sent, last_done };
            super::append_json(files, layout::NUMBERS, &line)?;
        }
        Ok(())
    }
}

impl Queue {
    fn count(&mut self, operation: &Operation) {
        self.load.entry(second_of(operation.due)).or_default().due += 1;
        if !operation.sent.is_never() {
            self.load.entry(second_of(operation.sent)).or_default().sent += 1;
        }
        if !operation.done.is_never() {
            self.load.entry(second_of(operation.done)).or_default().answered += 1;
        }
    }
}

fn open_series(
    files: &mut FileSet,
    set: &mut SeriesSet,
    job: &JobName,
    queue: &QueueName,
    key: Key,
    resources: &HashMap<ResourceId, String>,
    reasons: &HashMap<ReasonId, String>,
) -> KeySeries {
    let code = key.http_status.to_string();
    // A number that was not announced still tells its operations apart.
    let resource = resources.get(&key.resource).cloned().unwrap_or_else(|| format!("#{}", key.resource.0));
    let reason = match reasons.get(&key.reason) {
        Some(text) => text.clone(),
        None if key.reason == ReasonId::NONE => String::new(),
        None => format!("#{}", key.reason.0),
    };
    let mut labels = vec![
        ("queue", queue.as_str()),
        ("verb", key.verb.as_str()),
        ("resource", resource.as_str()),
        ("code", code.as_str()),
        ("reason", reason.as_str()),
    ];
    labels.extend(key.phase.map(|phase| ("phase", phase.as_str())));
    let tag = tag::encode(labels);
    let mut open = |metric| set.open(files, job.as_str(), metric, tag.clone());
    KeySeries { response: open("response"), service: open("service"), lag: open("lag") }
}
