//! Reads all files of a record into memory: distributions by label set, totals, rows that matter.

mod instruments;
mod logs;

use std::{collections::BTreeMap, path::Path};

use bench_model::{
    Histogram, JobName, Label, QueueId, QueueName, QueueSpec, QueueTotals, TableDeclaration, TimeNs,
};

pub(crate) use self::{
    instruments::Instrument,
    logs::{LogFiles, Logs, Missing},
};
use self::{
    instruments::instruments,
    logs::{Totals, missing},
};
use super::tables::TableRows;
use crate::{
    event_line::{EventLine, VersionedLine},
    header::{RUN_SCHEMA_VERSION, RunHeader},
    layout,
    number_line::NumberLine,
    read::{ReadError, RecordFiles},
    tag,
};

/// A record, read once for its summary and its history.
pub(crate) struct Loaded {
    pub(crate) files: RecordFiles,
    pub(crate) header: RunHeader,
    pub(crate) events: Vec<EventLine>,
    pub(crate) numbers: Vec<NumberLine>,
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) operations: Vec<OperationSeries>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) tables: Vec<Table>,
    pub(crate) logs: Logs,
    /// What never came, by log, tag and second.
    pub(crate) missing: Missing,
    /// Why the record has no end, for people; empty when it is whole.
    pub(crate) partial: Vec<String>,
}

/// Extremes of the times of a queue; [`TimeNs::NEVER`] and [`TimeNs::ABSENT`] where there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) first_due: TimeNs,
    pub(crate) last_due: TimeNs,
    pub(crate) first_sent: TimeNs,
    pub(crate) last_sent: TimeNs,
    pub(crate) last_done: TimeNs,
}

pub(crate) struct Queue {
    pub(crate) job: JobName,
    pub(crate) name: QueueName,
    pub(crate) spec: QueueSpec,
    /// As the engine counted, or from the operations when the queue never closed.
    pub(crate) totals: QueueTotals,
    pub(crate) span: Span,
}

impl Queue {
    /// Whether it makes the load that is judged.
    pub(crate) fn counts(&self) -> bool {
        self.name != QueueName::setup()
    }
}

/// Operations of one job with the same outcome.
pub(crate) struct OperationSeries {
    pub(crate) job: String,
    /// In the interval logs.
    pub(crate) tag: String,
    pub(crate) labels: Vec<Label>,
    pub(crate) response: Histogram,
    pub(crate) service: Histogram,
    pub(crate) lag: Histogram,
}

impl OperationSeries {
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|label| label.name == name).map_or("", |label| label.value.as_str())
    }

    pub(crate) fn http_status(&self) -> u16 {
        self.label("code").parse().unwrap_or(0)
    }

    pub(crate) fn is_success(&self) -> bool {
        self.label("reason").is_empty() && (200..300).contains(&self.http_status())
    }

    /// Whether it was in a phase that counts.
    pub(crate) fn is_measured(&self) -> bool {
        self.label("phase").is_empty()
    }
}

pub(crate) struct Table {
    pub(crate) source: String,
    pub(crate) declaration: TableDeclaration,
    pub(crate) file: String,
    pub(crate) rows: TableRows,
}

impl Loaded {
    pub(crate) fn read(dir: &Path) -> Result<Self, ReadError> {
        let files = RecordFiles::open(dir)?;
        let header = read_header(&files)?;
        let events: Vec<EventLine> = files
            .read_lines::<VersionedLine<EventLine>>(layout::EVENTS)?
            .into_iter()
            .map(|line| line.event)
            .collect();
        let numbers: Vec<NumberLine> = files.read_lines(layout::NUMBERS)?;
        let missing = missing(&numbers);
        let queues = queues(&events, &numbers);
        let (logs, totals) = logs::read(&files, &events, &missing)?;
        let operations = operations(&queues, &totals);
        let instruments = instruments(&files, &events, &numbers, totals)?;
        let tables = tables(&files, &events)?;
        let mut partial = files.partial();
        if !events.iter().any(|event| matches!(event, EventLine::Finished { .. })) {
            partial.insert(0, "the record ends before the run does".to_owned());
        }
        Ok(Self {
            files,
            header,
            events,
            numbers,
            queues,
            operations,
            instruments,
            tables,
            logs,
            missing,
            partial,
        })
    }
}

fn read_header(files: &RecordFiles) -> Result<RunHeader, ReadError> {
    let content = files.read(layout::RUN)?;
    let path = files.path(layout::RUN);
    let line = |reason: String| ReadError::Line { path: path.clone(), line: 1, reason };
    let value: serde_json::Value =
        serde_json::from_slice(&content).map_err(|error| line(error.to_string()))?;
    let found = value.get("schemaVersion").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if found > u64::from(RUN_SCHEMA_VERSION) {
        return Err(ReadError::Newer { path, found, supported: RUN_SCHEMA_VERSION });
    }
    serde_json::from_value(value).map_err(|error| line(error.to_string()))
}

fn queues(events: &[EventLine], numbers: &[NumberLine]) -> BTreeMap<QueueId, Queue> {
    let none = Span {
        first_due: TimeNs::NEVER,
        last_due: TimeNs::ABSENT,
        first_sent: TimeNs::NEVER,
        last_sent: TimeNs::ABSENT,
        last_done: TimeNs::ABSENT,
    };
    let mut queues = BTreeMap::new();
    for event in events {
        if let EventLine::QueueOpened { queue, job, name, spec, .. } = event {
            let totals = QueueTotals::default();
            queues.insert(
                *queue,
                Queue { job: job.clone(), name: name.clone(), spec: *spec, totals, span: none },
            );
        }
    }
    for line in numbers {
        match line {
            NumberLine::Load { queue, due, sent, answered, .. } => {
                let Some(queue) = queues.get_mut(queue) else { continue };
                let totals = &mut queue.totals;
                totals.asked = totals.asked.saturating_add(*due);
                totals.due = totals.due.saturating_add(*due);
                totals.sent = totals.sent.saturating_add(*sent);
                totals.answered = totals.answered.saturating_add(*answered);
            }
            NumberLine::Span { queue, first_due, last_due, first_sent, last_sent, last_done } => {
                let Some(queue) = queues.get_mut(queue) else { continue };
                let span = &mut queue.span;
                span.first_due = span.first_due.min(*first_due);
                span.last_due = span.last_due.max(*last_due);
                span.first_sent = span.first_sent.min(*first_sent);
                span.last_sent = span.last_sent.max(*last_sent);
                span.last_done = span.last_done.max(*last_done);
            }
            NumberLine::Missing { .. } | NumberLine::Counter { .. } | NumberLine::Gauge { .. } => {}
        }
    }
    for event in events {
        if let EventLine::QueueClosed { queue, totals, .. } = event
            && let Some(queue) = queues.get_mut(queue)
        {
            queue.totals = *totals;
        }
    }
    queues
}

fn operations(queues: &BTreeMap<QueueId, Queue>, totals: &Totals) -> Vec<OperationSeries> {
    let mut jobs: Vec<&str> = queues.values().map(|queue| queue.job.as_str()).collect();
    jobs.sort_unstable();
    jobs.dedup();
    let mut series = Vec::new();
    for job in jobs {
        let of = |time: &str| totals.get(&(job.to_owned(), time.to_owned()));
        let (service, lag) = (of("service"), of("lag"));
        for (tag, response) in of("response").into_iter().flatten() {
            let labels = tag::decode(tag).unwrap_or_default();
            // A measurement may have the name of a job, and a metric that of a time.
            if !labels.iter().any(|label| label.name == "queue") {
                continue;
            }
            let with_tag = |times: Option<&BTreeMap<String, Histogram>>| {
                times.and_then(|tags| tags.get(tag)).cloned().unwrap_or_default()
            };
            series.push(OperationSeries {
                job: job.to_owned(),
                tag: tag.clone(),
                labels,
                response: response.clone(),
                service: with_tag(service),
                lag: with_tag(lag),
            });
        }
    }
    series
}

fn tables(files: &RecordFiles, events: &[EventLine]) -> Result<Vec<Table>, ReadError> {
    let mut tables: Vec<Table> = Vec::new();
    for event in events {
        let EventLine::TableOpened { source, declaration, file, .. } = event else { continue };
        if tables.iter().any(|table| table.file == *file) {
            continue;
        }
        // The name in the event is not trusted as a path: only committed files are opened, and the
        // recorder makes their names itself.
        let content = files.read(&layout::table(source, declaration.name.as_str()))?;
        let rows = TableRows::parse(&files.path(file), &content, declaration)?;
        tables.push(Table {
            source: source.clone(),
            declaration: declaration.clone(),
            file: file.clone(),
            rows,
        });
    }
    Ok(tables)
}
