//! Interval logs: one line for each second of each series, as HdrHistogram's tools read them.
//!
//! The tag of a line is a number; what it stands for is told once in each file, in a comment above its first line:
//! `#[Tag 3: queue=main;verb=create;…]`.
//!
//! `series/<source>.<metric>.hlog` holds exact values and lower bounds, `….upper.hlog` the upper bounds of
//! those seconds that have some, `….pairs.ndjson` both of each value; how many never came stands in `series/numbers.ndjson`. One line at most for a
//! series and second, in order of time: an operation that comes late goes into the second that is open.

use std::collections::HashMap;

use bench_model::{NEVER, TimeNs};
use hdrhistogram::Histogram as Hdr;

use super::{
    RecordError,
    append::{FileId, FileSet},
    encode::Encoder,
    interval::{Interval, empty},
};
use crate::{
    layout,
    number_line::{NumberLine, PairLine},
};

/// Series that are kept apart; those past it share one with the tag `overflow=true` in each file.
pub(crate) const MAX_SERIES: usize = 2000;

/// Values between bounds that are kept one by one, over all series: about 25 bytes each on disk. A series that
/// has some past it gets no estimate, only bounds.
const MAX_PAIRS: usize = 400_000;

/// A series of a [`SeriesSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeriesId(usize);

struct Series {
    file: FileId,
    upper_file: String,
    pairs_file: String,
    /// Bounds of the open interval.
    pairs: Vec<(u64, u64)>,
    /// `source.metric` as in the file's name.
    name: String,
    tag: String,
    /// Whether the exact values' log tells the tag already.
    is_named: bool,
    /// Whether the upper bounds' log does.
    is_upper_named: bool,
    interval: Interval,
    /// Second of the open interval.
    second: Option<i64>,
    /// First second that was not yet written.
    next: i64,
}

/// All series of a run.
pub(crate) struct SeriesSet {
    series: Vec<Series>,
    by_tag: HashMap<(FileId, String), SeriesId>,
    head: String,
    scratch: Hdr<u32>,
    encoder: Encoder,
    line: String,
    pairs_left: usize,
    /// Series that share one because there were too many.
    pub(crate) overflowed: u64,
}

/// The second of the run in which a time lies; never negative.
pub(crate) fn second_of(at: TimeNs) -> i64 {
    at.0.max(0) / 1_000_000_000
}

impl SeriesSet {
    /// `started_at` in seconds of the Unix epoch.
    pub(crate) fn new(started_at: f64) -> Self {
        let head = format!(
            "#[Histogram log format version 1.3]\n#[StartTime: {started_at:.3} (seconds since epoch)]\n\
             #[BaseTime: {started_at:.3} (seconds since epoch)]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        );
        Self {
            series: Vec::new(),
            by_tag: HashMap::new(),
            head,
            scratch: empty(),
            encoder: Encoder::new(),
            line: String::new(),
            pairs_left: MAX_PAIRS,
            overflowed: 0,
        }
    }

    /// The series of this tag; the same one for the same names.
    pub(crate) fn open(&mut self, files: &mut FileSet, source: &str, metric: &str, tag: String) -> SeriesId {
        let name = layout::series(source, metric);
        let file = files.open(&name);
        if let Some(&known) = self.by_tag.get(&(file, tag.clone())) {
            return known;
        }
        let full = self.series.len() >= MAX_SERIES;
        let tag = if full { "overflow=true".to_owned() } else { tag };
        self.overflowed += u64::from(full);
        if let Some(&known) = self.by_tag.get(&(file, tag.clone())) {
            return known;
        }
        let id = SeriesId(self.series.len());
        self.series.push(Series {
            file,
            upper_file: layout::series_upper(source, metric),
            pairs_file: layout::series_pairs(source, metric),
            pairs: Vec::new(),
            name: layout::series_stem(source, metric),
            tag: tag.clone(),
            is_named: false,
            is_upper_named: false,
            interval: Interval::new(),
            second: None,
            next: 0,
        });
        self.by_tag.insert((file, tag), id);
        id
    }

    /// Adds an exact value, or [`NEVER`].
    pub(crate) fn record(
        &mut self,
        files: &mut FileSet,
        id: SeriesId,
        second: i64,
        value: u64,
    ) -> Result<(), RecordError> {
        self.advance(files, id, second)?;
        if let Some(series) = self.series.get_mut(id.0) {
            series.interval.record(value);
        }
        Ok(())
    }

    /// Adds exact values.
    pub(crate) fn record_all(
        &mut self,
        files: &mut FileSet,
        id: SeriesId,
        second: i64,
        values: &[u64],
    ) -> Result<(), RecordError> {
        self.advance(files, id, second)?;
        if let Some(series) = self.series.get_mut(id.0) {
            values.iter().for_each(|&value| series.interval.record(value));
        }
        Ok(())
    }

    /// Adds values between bounds; a bound without its partner has the other side open.
    pub(crate) fn record_between(
        &mut self,
        files: &mut FileSet,
        id: SeriesId,
        second: i64,
        low: &[u64],
        high: &[u64],
    ) -> Result<(), RecordError> {
        self.advance(files, id, second)?;
        if let Some(series) = self.series.get_mut(id.0) {
            for index in 0..low.len().max(high.len()) {
                let low = low.get(index).copied().unwrap_or(0);
                let high = high.get(index).copied().unwrap_or(NEVER);
                series.interval.record_between(low, high);
                if low != high && self.pairs_left > 0 {
                    self.pairs_left -= 1;
                    series.pairs.push((low.min(high), low.max(high)));
                }
            }
        }
        Ok(())
    }

    /// Writes out every interval that ended before `second`.
    pub(crate) fn close_before(&mut self, files: &mut FileSet, second: i64) -> Result<(), RecordError> {
        for index in 0..self.series.len() {
            if self.series.get(index).is_some_and(|series| series.second.is_some_and(|open| open < second)) {
                self.close(files, index)?;
            }
        }
        Ok(())
    }

    fn advance(&mut self, files: &mut FileSet, id: SeriesId, second: i64) -> Result<(), RecordError> {
        match self.series.get(id.0).and_then(|series| series.second) {
            Some(open) if open >= second => return Ok(()),
            Some(_) => self.close(files, id.0)?,
            None => {}
        }
        if let Some(series) = self.series.get_mut(id.0) {
            series.second = Some(second.max(series.next));
        }
        Ok(())
    }

    fn close(&mut self, files: &mut FileSet, index: usize) -> Result<(), RecordError> {
        let Some(series) = self.series.get_mut(index) else { return Ok(()) };
        let Some(second) = series.second.take() else { return Ok(()) };
        series.next = second + 1;
        let mut encode = |histogram: &Hdr<u32>, is_named: &mut bool, line: &mut String| {
            line.clear();
            if !std::mem::replace(is_named, true) {
                line.push_str(&format!("#[Tag {index}: {}]\n", series.tag));
            }
            line.push_str(&format!("Tag={index},{second}.000,1.000,{}.000,", histogram.max()));
            self.encoder.encode(histogram, line)?;
            line.push('\n');
            Ok(())
        };
        if series.interval.has_values() {
            let named = &mut series.is_named;
            series.interval.with_lower(&mut self.scratch, |lower| encode(lower, named, &mut self.line))?;
            append_line(files, series.file, &self.head, &self.line)?;
        }
        if series.interval.has_bounds() {
            let named = &mut series.is_upper_named;
            series.interval.with_upper(&mut self.scratch, |upper| encode(upper, named, &mut self.line))?;
            let file = files.open(&series.upper_file);
            append_line(files, file, &self.head, &self.line)?;
        }
        if !series.pairs.is_empty() {
            let pairs = std::mem::take(&mut series.pairs);
            let low = pairs.iter().map(|(low, _)| *low).collect();
            let high = pairs.iter().map(|(_, high)| (*high != NEVER).then_some(*high)).collect();
            let line = PairLine { second, tag: series.tag.clone(), low, high };
            super::append_json(files, &series.pairs_file, &line)?;
        }
        let (missing, missing_upper) = (series.interval.missing, series.interval.missing_upper);
        series.interval.clear();
        if missing + missing_upper > 0 {
            let (name, tag) = (series.name.clone(), series.tag.clone());
            let line = NumberLine::Missing { second, series: name, tag, missing, missing_upper };
            super::append_json(files, layout::NUMBERS, &line)?;
        }
        Ok(())
    }
}

fn append_line(files: &mut FileSet, file: FileId, head: &str, line: &str) -> Result<(), RecordError> {
    if files.is_empty(file) {
        files.append(file, head.as_bytes())?;
    }
    files.append(file, line.as_bytes())
}
