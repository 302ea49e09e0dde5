//! The interval logs of a record: their files, and the distributions in them with what never came.

use std::collections::{BTreeMap, HashMap};

use bench_model::{Histogram, NEVER};

use crate::{
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
type MissingSecond = (i64, u64, u64);

/// Missing values by series and tag.
pub(super) type Missing = HashMap<String, HashMap<String, Vec<MissingSecond>>>;

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
    fn read(files: &mut RecordFiles, source: &str, metric: &str) -> Result<Self, ReadError> {
        let (name, upper_name) = (layout::series(source, metric), layout::series_upper(source, metric));
        let stem = name.strip_prefix("series/").and_then(|name| name.strip_suffix(".hlog")).unwrap_or(&name);
        Ok(Self {
            stem: stem.to_owned(),
            lower: IntervalLog::open(files, &name)?,
            upper: IntervalLog::open(files, &upper_name)?,
        })
    }
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

/// All distributions of one metric, by tag, what never came included; its logs are kept.
pub(super) fn histograms(
    files: &mut RecordFiles,
    logs: &mut HashMap<(String, String), LogFiles>,
    source: &str,
    metric: &str,
    missing: &Missing,
) -> Result<BTreeMap<String, Histogram>, ReadError> {
    let log = LogFiles::read(files, source, metric)?;
    let mut totals = interval_log::total(&log.lower, &log.upper);
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
pub(super) fn pairs(
    files: &mut RecordFiles,
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
