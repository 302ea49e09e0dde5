//! The logs of a metric, second by second, and what never came.

use std::collections::{BTreeMap, HashMap};

use super::super::bins::Bins;
use crate::{
    layout,
    number_line::NumberLine,
    read::{
        ReadError, RecordFiles,
        interval_log::{IntervalLine, IntervalLog},
    },
};

/// The line of each second.
pub(in crate::read::history) type LinesBySecond<'a> = BTreeMap<i64, IntervalLine<'a>>;

/// What lies in one second of a log.
#[derive(Debug, Clone, Copy)]
pub(in crate::read::history) struct InBin<'a> {
    pub(in crate::read::history) bin: usize,
    pub(in crate::read::history) line: IntervalLine<'a>,
    /// Whether it is in a phase that counts.
    pub(in crate::read::history) counts: bool,
    /// Whether its values stand for failures.
    pub(in crate::read::history) failed: bool,
}

/// Both logs of a metric: exact values and lower bounds, and upper bounds.
pub(in crate::read::history) fn read(
    files: &mut RecordFiles,
    source: &str,
    metric: &str,
) -> Result<[IntervalLog; 2], ReadError> {
    let names = [layout::series(source, metric), layout::series_upper(source, metric)];
    let [lower, upper] = names.map(|name| IntervalLog::open(files, &name));
    Ok([lower?, upper?])
}

/// The lines of a log by tag.
pub(in crate::read::history) fn by_tag(log: &IntervalLog) -> BTreeMap<&str, LinesBySecond<'_>> {
    let mut tags: BTreeMap<&str, LinesBySecond<'_>> = BTreeMap::new();
    for line in log.lines() {
        tags.entry(line.tag).or_default().insert(line.second, line);
    }
    tags
}

/// Values that never came: second and how many, by series and tag.
#[derive(Debug, Default)]
pub(in crate::read::history) struct Missing<'a>(HashMap<(&'a str, &'a str), Vec<(i64, u64)>>);

impl<'a> Missing<'a> {
    pub(in crate::read::history) fn new(numbers: &'a [NumberLine]) -> Self {
        let mut missing = Self::default();
        for line in numbers {
            if let NumberLine::Missing { second, series, tag, missing: never, .. } = line {
                missing.0.entry((series, tag)).or_default().push((*second, *never));
            }
        }
        missing
    }

    /// One number a bin.
    pub(in crate::read::history) fn by_bin(&self, stem: &str, tag: &str, bins: Bins) -> Vec<u64> {
        let mut sums: Vec<u64> = bins.zeroes();
        for (second, never) in self.0.get(&(stem, tag)).into_iter().flatten() {
            if let Some(sum) = sums.get_mut(bins.of(*second)) {
                *sum = sum.saturating_add(*never);
            }
        }
        sums
    }

    /// Tags of a series that have missing values.
    pub(in crate::read::history) fn tags(&self, stem: &str) -> impl Iterator<Item = &'a str> {
        self.0.keys().filter(move |(series, _)| *series == stem).map(|(_, tag)| *tag)
    }
}

/// Name of a series without directory and ending, as `Missing` lines have it.
pub(in crate::read::history) fn stem(source: &str, metric: &str) -> String {
    let name = layout::series(source, metric);
    let stem = name.strip_prefix("series/").unwrap_or(&name);
    stem.strip_suffix(".hlog").unwrap_or(stem).to_owned()
}
