//! The logs of a metric, second by second and still encoded, and what never came.

use std::collections::{BTreeMap, HashMap};

use super::super::bins::Bins;
use crate::{
    layout,
    number_line::NumberLine,
    read::{ReadError, RecordFiles, interval_log},
};

/// Bin, number in the file and encoded histogram of the line of each second.
type LinesBySecond<'a> = BTreeMap<i64, (usize, usize, &'a str)>;

/// What lies in one second of a log, still encoded.
#[derive(Debug, Clone, Copy)]
pub(in crate::read::history) struct Encoded<'a> {
    pub(in crate::read::history) bin: usize,
    /// Line in the file.
    pub(in crate::read::history) number: usize,
    pub(in crate::read::history) encoded: &'a str,
    /// Whether it is in a phase that counts.
    pub(in crate::read::history) counts: bool,
    /// Whether its values stand for failures.
    pub(in crate::read::history) failed: bool,
}

/// A file of a log with its content.
#[derive(Debug)]
pub(in crate::read::history) struct LogFile {
    pub(in crate::read::history) path: std::path::PathBuf,
    pub(in crate::read::history) content: Vec<u8>,
}

impl LogFile {
    /// Both files of a metric: exact values and lower bounds, and upper bounds.
    pub(in crate::read::history) fn read(
        files: &mut RecordFiles,
        source: &str,
        metric: &str,
    ) -> Result<[Self; 2], ReadError> {
        let mut read = |name: String| -> Result<Self, ReadError> {
            Ok(Self { path: files.path(&name), content: files.read(&name)? })
        };
        Ok([read(layout::series(source, metric))?, read(layout::series_upper(source, metric))?])
    }

    /// Its lines by tag.
    pub(in crate::read::history) fn by_tag(
        &self,
        bins: Bins,
    ) -> Result<BTreeMap<&str, LinesBySecond<'_>>, ReadError> {
        let mut tags: BTreeMap<&str, LinesBySecond<'_>> = BTreeMap::new();
        for line in interval_log::lines(&self.path, &self.content) {
            let (number, line) = line?;
            let entry = (bins.of(line.second), number, line.encoded);
            tags.entry(line.tag).or_default().insert(line.second, entry);
        }
        Ok(tags)
    }
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
