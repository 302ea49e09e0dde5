//! The interval logs of a record: their files, and the distributions in them with what never came.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bench_model::{Histogram, InstrumentKind, NEVER};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::{
    event_line::EventLine,
    layout,
    number_line::{NumberLine, PairLine},
    read::{
        ReadError, RecordFiles,
        interval_log::{self, IntervalLog, TagTotal},
    },
};

/// Lower and upper bounds of values that are known only between them.
pub(super) type Pairs = Vec<(u64, u64)>;

/// Second, values that never came, values with a lower bound only.
pub(crate) type MissingSecond = (i64, u64, u64);

/// Missing values by series and tag.
pub(crate) type Missing = HashMap<String, HashMap<String, Vec<MissingSecond>>>;

/// The interval logs of one metric.
pub(crate) struct LogFiles {
    /// The name without directory and ending, as `numbers.ndjson` calls it.
    pub(crate) stem: String,
    /// Exact values and lower bounds.
    pub(crate) lower: IntervalLog,
    /// Upper bounds.
    pub(crate) upper: IntervalLog,
}

impl LogFiles {
    fn read(files: &RecordFiles, source: &str, metric: &str) -> Result<Self, ReadError> {
        Ok(Self {
            stem: layout::series_stem(source, metric),
            lower: IntervalLog::open(files, &layout::series(source, metric))?,
            upper: IntervalLog::open(files, &layout::series_upper(source, metric))?,
        })
    }
}

/// Source and metric.
pub(crate) type LogKey = (String, String);

/// The logs of a record.
pub(crate) type Logs = HashMap<LogKey, LogFiles>;

/// Distributions by tag, what never came included, of each log.
pub(super) type Totals = HashMap<LogKey, BTreeMap<String, Histogram>>;

/// All logs that the record says it has, on all cores: nothing else of it takes as long.
pub(super) fn read(
    files: &RecordFiles,
    events: &[EventLine],
    missing: &Missing,
) -> Result<(Logs, Totals), ReadError> {
    let mut keys = BTreeSet::new();
    for event in events {
        if let EventLine::QueueOpened { job, .. } = event {
            keys.extend(["response", "service", "lag"].map(|time| (job.to_string(), time.to_owned())));
        }
        if let EventLine::InstrumentOpened { source, name, kind: InstrumentKind::Histogram, .. } = event {
            keys.insert((source.clone(), name.to_string()));
        }
    }
    let read_one = |key: LogKey| {
        let log = LogFiles::read(files, &key.0, &key.1)?;
        let total = histograms(&log, missing);
        Ok((key, log, total))
    };
    // The error of the first log, not that of the first thread.
    let all: Vec<Result<_, ReadError>> = keys.into_par_iter().map(read_one).collect();
    let (mut logs, mut totals) = (Logs::new(), Totals::new());
    for one in all {
        let (key, log, total) = one?;
        logs.insert(key.clone(), log);
        totals.insert(key, total);
    }
    Ok((logs, totals))
}

pub(super) fn missing(numbers: &[NumberLine]) -> Missing {
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

/// All distributions of one metric, by tag, what never came included.
fn histograms(log: &LogFiles, missing: &Missing) -> BTreeMap<String, Histogram> {
    let mut totals = interval_log::total(&log.lower, &log.upper);
    let none = HashMap::new();
    let missing = missing.get(&log.stem).unwrap_or(&none);
    for tag in missing.keys() {
        totals.entry(tag.clone()).or_insert_with(TagTotal::empty);
    }
    let whole = totals.into_iter().map(|(tag, total)| {
        let sums = missing.get(&tag).into_iter().flatten().fold((0_u64, 0_u64), |sums, (_, never, upper)| {
            (sums.0.saturating_add(*never), sums.1.saturating_add(*upper))
        });
        (tag, total.into_histogram(sums.0, sums.1))
    });
    whole.collect()
}

/// Values between bounds by tag, as far as they were kept one by one.
pub(super) fn pairs(
    files: &RecordFiles,
    source: &str,
    metric: &str,
) -> Result<HashMap<String, Pairs>, ReadError> {
    let mut pairs: HashMap<String, Pairs> = HashMap::new();
    for line in files.read_lines::<PairLine>(&layout::series_pairs(source, metric))? {
        let high = line.high.into_iter().map(|high| high.unwrap_or(NEVER));
        pairs.entry(line.tag).or_default().extend(line.low.into_iter().zip(high));
    }
    Ok(pairs)
}
