//! Reads all files of a record into memory: distributions by label set, totals, rows that matter.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use bench_model::{
    Histogram, InstrumentId, InstrumentKind, JobName, Label, NEVER, Phase, QueueId, QueueName, QueueSpec,
    QueueTotals, TableDeclaration, TimeNs,
};

use super::tables::TableRows;
use crate::{
    event_line::{EventLine, VersionedLine},
    header::{RUN_SCHEMA_VERSION, RunHeader},
    layout,
    number_line::{NumberLine, PairLine},
    read::{
        ReadError, RecordFiles,
        interval_log::{self, IntervalLine, TagTotal},
    },
    tag,
};

/// Everything of a record that a summary needs.
pub(crate) struct Loaded {
    pub(crate) header: RunHeader,
    pub(crate) events: Vec<EventLine>,
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) operations: Vec<OperationSeries>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) tables: Vec<Table>,
    /// Interval logs by source and metric.
    pub(crate) logs: HashMap<(String, String), LogFiles>,
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

/// The interval logs of one metric.
pub(crate) struct LogFiles {
    /// The name without directory and ending, as `numbers.ndjson` calls it.
    pub(crate) stem: String,
    path: PathBuf,
    content: Vec<u8>,
    upper_path: PathBuf,
    upper: Vec<u8>,
}

impl LogFiles {
    fn read(files: &mut RecordFiles, source: &str, metric: &str) -> Result<Self, ReadError> {
        let (name, upper_name) = (layout::series(source, metric), layout::series_upper(source, metric));
        let stem = name.strip_prefix("series/").and_then(|name| name.strip_suffix(".hlog")).unwrap_or(&name);
        Ok(Self {
            stem: stem.to_owned(),
            path: files.path(&name),
            content: files.read(&name)?,
            upper_path: files.path(&upper_name),
            upper: files.read(&upper_name)?,
        })
    }

    fn totals(&self) -> Result<BTreeMap<String, TagTotal>, ReadError> {
        interval_log::total((&self.path, &self.content), (&self.upper_path, &self.upper))
    }

    /// Lines of exact values and lower bounds.
    pub(crate) fn lines(&self) -> Vec<IntervalLine<'_>> {
        interval_log::lines(&self.path, &self.content).flatten().map(|(_, line)| line).collect()
    }

    /// Lines of upper bounds.
    pub(crate) fn upper_lines(&self) -> Vec<IntervalLine<'_>> {
        interval_log::lines(&self.upper_path, &self.upper).flatten().map(|(_, line)| line).collect()
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

/// Lower and upper bounds of values that are known only between them.
type Pairs = Vec<(u64, u64)>;

pub(crate) struct Instrument {
    pub(crate) source: String,
    pub(crate) name: String,
    pub(crate) kind: InstrumentKind,
    pub(crate) unit: String,
    pub(crate) labels: Vec<Label>,
    /// In the interval log.
    pub(crate) tag: String,
    pub(crate) histogram: Histogram,
    /// Its values between bounds, as far as they were kept one by one.
    pub(crate) pairs: Pairs,
    pub(crate) counter: u64,
    pub(crate) gauge: Option<f64>,
}

pub(crate) struct Table {
    pub(crate) source: String,
    pub(crate) declaration: TableDeclaration,
    pub(crate) file: String,
    pub(crate) rows: TableRows,
}

/// Second, values that never came, values with a lower bound only.
type MissingSecond = (i64, u64, u64);

/// Missing values by series and tag.
type Missing = HashMap<String, HashMap<String, Vec<MissingSecond>>>;

impl Loaded {
    pub(crate) fn read(dir: &Path) -> Result<Self, ReadError> {
        let mut files = RecordFiles::open(dir)?;
        let header = read_header(&mut files)?;
        let events: Vec<EventLine> = files
            .read_lines::<VersionedLine<EventLine>>(layout::EVENTS)?
            .into_iter()
            .map(|line| line.event)
            .collect();
        let numbers: Vec<NumberLine> = files.read_lines(layout::NUMBERS)?;
        let missing = missing(&numbers);
        let queues = queues(&events, &numbers);
        let mut logs = HashMap::new();
        let operations = operations(&mut files, &mut logs, &queues, &missing)?;
        let instruments = instruments(&mut files, &mut logs, &events, &numbers, &missing)?;
        let tables = tables(&mut files, &events)?;
        let mut partial = std::mem::take(&mut files.partial);
        if !events.iter().any(|event| matches!(event, EventLine::Finished { .. })) {
            partial.insert(0, "the record ends before the run does".to_owned());
        }
        Ok(Self { header, events, queues, operations, instruments, tables, logs, missing, partial })
    }
}

pub(crate) fn read_header(files: &mut RecordFiles) -> Result<RunHeader, ReadError> {
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

fn missing(numbers: &[NumberLine]) -> Missing {
    let mut missing = Missing::new();
    for line in numbers {
        let NumberLine::Missing { second, series, tag, missing: never, missing_upper } = line else {
            continue;
        };
        let seconds = missing.entry(series.clone()).or_default().entry(tag.clone()).or_default();
        seconds.push((*second, *never, *missing_upper));
    }
    missing
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

/// All distributions of one metric, by tag, what never came included; its logs are kept.
fn histograms(
    files: &mut RecordFiles,
    logs: &mut HashMap<(String, String), LogFiles>,
    source: &str,
    metric: &str,
    missing: &Missing,
) -> Result<BTreeMap<String, Histogram>, ReadError> {
    let log = LogFiles::read(files, source, metric)?;
    let mut totals = log.totals()?;
    let none = HashMap::new();
    let missing = missing.get(&log.stem).unwrap_or(&none);
    for tag in missing.keys() {
        totals.entry(tag.clone()).or_insert_with(TagTotal::empty);
    }
    logs.insert((source.to_owned(), metric.to_owned()), log);
    let whole = totals.into_iter().map(|(tag, total)| {
        let sums = missing.get(&tag).into_iter().flatten().fold((0_u64, 0_u64), |sums, (_, never, upper)| {
            (sums.0.saturating_add(*never), sums.1.saturating_add(*upper))
        });
        (tag, total.into_histogram(sums.0, sums.1))
    });
    Ok(whole.collect())
}

/// Values between bounds by tag, as far as they were kept one by one.
fn pairs(files: &mut RecordFiles, source: &str, metric: &str) -> Result<HashMap<String, Pairs>, ReadError> {
    let mut pairs: HashMap<String, Pairs> = HashMap::new();
    for line in files.read_lines::<PairLine>(&layout::series_pairs(source, metric))? {
        let high = line.high.into_iter().map(|high| high.unwrap_or(NEVER));
        pairs.entry(line.tag).or_default().extend(line.low.into_iter().zip(high));
    }
    Ok(pairs)
}

fn operations(
    files: &mut RecordFiles,
    logs: &mut HashMap<(String, String), LogFiles>,
    queues: &BTreeMap<QueueId, Queue>,
    missing: &Missing,
) -> Result<Vec<OperationSeries>, ReadError> {
    let mut jobs: Vec<&str> = queues.values().map(|queue| queue.job.as_str()).collect();
    jobs.sort_unstable();
    jobs.dedup();
    let mut series = Vec::new();
    for job in jobs {
        let response = histograms(files, logs, job, "response", missing)?;
        let mut service = histograms(files, logs, job, "service", missing)?;
        let mut lag = histograms(files, logs, job, "lag", missing)?;
        for (tag, response) in response {
            let labels = tag::decode(&tag).unwrap_or_default();
            // A measurement may have the name of a job, and a metric that of a time.
            if !labels.iter().any(|label| label.name == "queue") {
                continue;
            }
            let service = service.remove(&tag).unwrap_or_default();
            let lag = lag.remove(&tag).unwrap_or_default();
            series.push(OperationSeries { job: job.to_owned(), tag, labels, response, service, lag });
        }
    }
    Ok(series)
}

fn instruments(
    files: &mut RecordFiles,
    kept: &mut HashMap<(String, String), LogFiles>,
    events: &[EventLine],
    numbers: &[NumberLine],
    missing: &Missing,
) -> Result<Vec<Instrument>, ReadError> {
    let mut counters: HashMap<InstrumentId, u64> = HashMap::new();
    let mut gauges: HashMap<InstrumentId, (i64, Option<f64>)> = HashMap::new();
    for line in numbers {
        match line {
            NumberLine::Counter { instrument, added, phase: None, .. } => {
                let sum = counters.entry(*instrument).or_default();
                *sum = sum.saturating_add(*added);
            }
            NumberLine::Gauge { second, instrument, value, phase: None } => {
                let latest = gauges.entry(*instrument).or_insert((*second, *value));
                if *second >= latest.0 {
                    *latest = (*second, *value);
                }
            }
            NumberLine::Counter { phase: Some(Phase::Setup | Phase::Warmup | Phase::Teardown), .. }
            | NumberLine::Gauge { phase: Some(Phase::Setup | Phase::Warmup | Phase::Teardown), .. }
            | NumberLine::Counter { phase: Some(Phase::Measure | Phase::Settle), .. }
            | NumberLine::Gauge { phase: Some(Phase::Measure | Phase::Settle), .. }
            | NumberLine::Missing { .. }
            | NumberLine::Load { .. }
            | NumberLine::Span { .. } => {}
        }
    }
    // One for each label set, also when several instances opened it.
    let mut found: BTreeMap<(String, String, Vec<Label>), Instrument> = BTreeMap::new();
    let mut logs: HashMap<(String, String), BTreeMap<String, Histogram>> = HashMap::new();
    let mut bounds: HashMap<(String, String), HashMap<String, Pairs>> = HashMap::new();
    for event in events {
        let EventLine::InstrumentOpened { instrument, source, name, kind, unit, labels } = event else {
            continue;
        };
        let key = (source.clone(), name.to_string(), labels.clone());
        let entry = found.entry(key).or_insert_with(|| Instrument {
            source: source.clone(),
            name: name.to_string(),
            kind: *kind,
            unit: unit.clone(),
            labels: labels.clone(),
            tag: tag::encode(labels.iter().map(|label| (label.name.as_str(), label.value.as_str()))),
            histogram: Histogram::new(),
            pairs: Vec::new(),
            counter: 0,
            gauge: None,
        });
        entry.counter = entry.counter.saturating_add(counters.get(instrument).copied().unwrap_or(0));
        entry.gauge = gauges.get(instrument).and_then(|(_, value)| *value).or(entry.gauge);
        if *kind != InstrumentKind::Histogram {
            continue;
        }
        let log = (source.clone(), name.to_string());
        if !logs.contains_key(&log) {
            logs.insert(log.clone(), histograms(files, kept, source, name.as_str(), missing)?);
            bounds.insert(log.clone(), pairs(files, source, name.as_str())?);
        }
        // Removed, so that what is left at the end belongs to no label set.
        if let Some(histogram) = logs.get_mut(&log).and_then(|tags| tags.remove(&entry.tag)) {
            entry.histogram = histogram;
            entry.pairs = bounds.get_mut(&log).and_then(|tags| tags.remove(&entry.tag)).unwrap_or_default();
        }
    }
    let mut instruments: Vec<Instrument> = found.into_values().collect();
    add_overflow(&mut instruments, logs);
    Ok(instruments)
}

/// Label sets past the recorder's limit share one distribution: it belongs to the metric all the same.
fn add_overflow(
    instruments: &mut Vec<Instrument>,
    logs: HashMap<(String, String), BTreeMap<String, Histogram>>,
) {
    for ((source, name), mut tags) in logs {
        let Some(histogram) = tags.remove("overflow=true") else { continue };
        let unit = instruments.iter().find(|i| i.source == source && i.name == name).map(|i| i.unit.clone());
        instruments.push(Instrument {
            source,
            name,
            kind: InstrumentKind::Histogram,
            unit: unit.unwrap_or_default(),
            labels: vec![Label { name: "overflow".to_owned(), value: "true".to_owned() }],
            tag: "overflow=true".to_owned(),
            histogram,
            pairs: Vec::new(),
            counter: 0,
            gauge: None,
        });
    }
}

fn tables(files: &mut RecordFiles, events: &[EventLine]) -> Result<Vec<Table>, ReadError> {
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
