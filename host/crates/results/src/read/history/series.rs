//! Distributions over time: quantiles and a heat map for each bin, a spectrum for the whole run.

mod logs;

use std::collections::BTreeMap;

use bench_model::{Histogram, InstrumentKind, Label, NEVER};

pub(super) use self::logs::{InBin, LinesBySecond, Missing, by_tag, read as read_logs, stem};
use super::bins::Bins;
use crate::{
    event_line::EventLine,
    read::{ReadError, RecordFiles, interval_log},
    statistics::order::minimum_samples,
    tag,
};

/// Unit and label sets of a metric.
type Declared<'a> = (&'a str, Vec<&'a Vec<Label>>);

/// Rows of a heat map in each power of ten.
const ROWS_PER_DECADE: f64 = 10.0;
/// Points of a spectrum in each power of ten of 1/(1-p).
const POINTS_PER_DECADE: u32 = 20;

/// So many values in one row of the heat map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeatCell {
    /// Ten rows in each power of ten; see [`heat_row_floor`].
    pub row: u16,
    /// How many values lie in it.
    pub count: u64,
}

/// Lowest value of a row of a heat map.
pub fn heat_row_floor(row: u16) -> f64 {
    10_f64.powf(f64::from(row) / ROWS_PER_DECADE)
}

fn heat_row(value: u64) -> u16 {
    if value < 1 { 0 } else { ((value as f64).log10() * ROWS_PER_DECADE) as u16 }
}

/// The values of one bin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesBin {
    /// All values, missing ones included.
    pub n: u64,
    /// Never came, or stand for a failure.
    pub missing: u64,
    /// p50, p90, p99 and p99.9; `None` when the value never came or there is none.
    pub quantiles: [Option<u64>; 4],
    /// Largest value that came.
    pub max: Option<u64>,
    /// Sorted by row.
    pub heat: Vec<HeatCell>,
}

/// A point of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpectrumPoint {
    /// From 0 to 1.
    pub q: f64,
    /// Lower bound of the value; `None` when it never came.
    pub low: Option<u64>,
    /// Upper bound.
    pub high: Option<u64>,
    /// Whether there are enough samples for it.
    pub enough: bool,
}

/// Quantiles of everything that a series measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TotalQuantiles {
    /// All values, missing ones included.
    pub n: u64,
    /// Never came.
    pub missing: u64,
    /// Evenly spaced in the logarithm of 1/(1-q), as far as `n` reaches.
    pub points: Vec<SpectrumPoint>,
}

/// A histogram of a plugin, with one label set.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesHistory {
    /// Name of the measurement or job.
    pub source: String,
    /// As declared.
    pub name: String,
    /// UCUM.
    pub unit: String,
    /// Sorted by name.
    pub labels: Vec<Label>,
    /// Every phase, warm-up included.
    pub bins: Vec<SeriesBin>,
    /// What counts.
    pub total: TotalQuantiles,
}

/// Bin after bin; `missing` has one entry a bin, `missing_counted` are those that count.
pub(super) fn fold(
    mut lines: Vec<InBin<'_>>,
    missing: &[u64],
    missing_counted: u64,
) -> (Vec<SeriesBin>, TotalQuantiles) {
    lines.sort_by_key(|line| line.bin);
    let mut total = interval_log::empty();
    let mut never = missing_counted;
    let mut bins = Vec::with_capacity(missing.len());
    let mut rest = lines.as_slice();
    for (index, &missing) in missing.iter().enumerate() {
        let here = rest.partition_point(|line| line.bin <= index);
        let (now, later) = rest.split_at_checked(here).unwrap_or((rest, &[]));
        rest = later;
        let mut values: Vec<(u64, u64)> = Vec::new();
        let mut missing = missing;
        for InBin { line, counts, failed, .. } in now {
            line.for_each(|value, count| match (failed, counts) {
                (true, _) => {
                    missing = missing.saturating_add(count);
                    never = never.saturating_add(if *counts { count } else { 0 });
                }
                (false, true) => {
                    interval_log::add(&mut total, value, count);
                    values.push((value, count));
                }
                (false, false) => values.push((value, count)),
            });
        }
        bins.push(bin(values, missing));
    }
    (bins, spectrum(&Histogram::from_parts(total, None, never, 0)))
}

fn bin(mut values: Vec<(u64, u64)>, missing: u64) -> SeriesBin {
    values.sort_unstable();
    let came: u64 = values.iter().map(|(_, count)| count).sum();
    let n = came.saturating_add(missing);
    let quantile = |q: f64| {
        let rank = ((q * n as f64).ceil() as u64).max(1);
        let mut seen = 0;
        values.iter().find_map(|&(value, count)| {
            seen += count;
            (seen >= rank).then_some(value)
        })
    };
    let mut heat: Vec<HeatCell> = Vec::new();
    for &(value, count) in &values {
        let row = heat_row(value);
        match heat.last_mut() {
            Some(last) if last.row == row => last.count += count,
            _ => heat.push(HeatCell { row, count }),
        }
    }
    SeriesBin {
        n,
        missing,
        quantiles: [0.5, 0.9, 0.99, 0.999].map(quantile),
        max: values.last().map(|(value, _)| *value),
        heat,
    }
}

/// The quantiles of a whole distribution.
pub(super) fn spectrum(histogram: &Histogram) -> TotalQuantiles {
    let n = histogram.count();
    if n == 0 {
        return TotalQuantiles::default();
    }
    let finite = |value: u64| (value != NEVER).then_some(value);
    let points = (0_u32..)
        .map(|index| f64::from(index) / f64::from(POINTS_PER_DECADE))
        .take_while(|nines| *nines < (n as f64).log10())
        .map(|nines| 1.0 - 10_f64.powf(-nines))
        .chain(std::iter::once(1.0))
        .filter_map(|q| {
            let (low, high) = histogram.quantile(q)?;
            let enough = n >= minimum_samples(q);
            Some(SpectrumPoint { q, low: finite(low), high: finite(high), enough })
        })
        .collect();
    TotalQuantiles { n, missing: histogram.missing(), points }
}

/// Histograms of plugins, at most `max`, and how many were left out.
pub(super) fn read(
    files: &mut RecordFiles,
    events: &[EventLine],
    missing: &Missing<'_>,
    bins: Bins,
    max: usize,
) -> Result<(Vec<SeriesHistory>, usize), ReadError> {
    let mut declared: BTreeMap<(&str, &str), Declared<'_>> = BTreeMap::new();
    for event in events {
        let EventLine::InstrumentOpened {
            source, name, kind: InstrumentKind::Histogram, unit, labels, ..
        } = event
        else {
            continue;
        };
        let (_, sets) = declared.entry((source, name.as_str())).or_insert((unit, Vec::new()));
        if !sets.contains(&labels) {
            sets.push(labels);
        }
    }
    let mut all = Vec::new();
    let mut left_out = 0;
    for ((source, name), (unit, sets)) in declared {
        let [lower, upper] = read_logs(files, source, name)?;
        let (lower, upper) = (by_tag(&lower), by_tag(&upper));
        for labels in sets {
            if all.len() >= max {
                left_out += 1;
                continue;
            }
            let logs = Logs { lower: &lower, upper: &upper };
            let (history, total) = logs.one(&stem(source, name), labels, missing, bins);
            all.push(SeriesHistory {
                source: source.to_owned(),
                name: name.to_owned(),
                unit: unit.to_owned(),
                labels: labels.clone(),
                bins: history,
                total,
            });
        }
    }
    Ok((all, left_out))
}

type Tags<'a> = BTreeMap<&'a str, LinesBySecond<'a>>;

/// Both logs of a metric.
struct Logs<'a> {
    lower: &'a Tags<'a>,
    upper: &'a Tags<'a>,
}

impl Logs<'_> {
    /// One label set in all phases.
    fn one(
        &self,
        stem: &str,
        labels: &[Label],
        never: &Missing<'_>,
        bins: Bins,
    ) -> (Vec<SeriesBin>, TotalQuantiles) {
        let pairs = labels.iter().map(|label| (label.name.as_str(), label.value.as_str()));
        let own = tag::encode(pairs);
        let mut lines = Vec::new();
        let mut missing: Vec<u64> = bins.zeroes();
        let mut counted = 0_u64;
        let mut tags = vec![own.clone()];
        let phases = ["setup", "warmup", "teardown"];
        tags.extend(phases.map(|phase| {
            let phase = tag::encode([("phase", phase)]);
            if own.is_empty() { phase } else { format!("{own};{phase}") }
        }));
        for (index, tag) in tags.iter().enumerate() {
            let counts = index == 0;
            let uppers = self.upper.get(tag.as_str());
            for (second, &lower) in self.lower.get(tag.as_str()).into_iter().flatten() {
                let line = uppers.and_then(|uppers| uppers.get(second)).copied().unwrap_or(lower);
                lines.push(InBin { bin: bins.of(*second), line, counts, failed: false });
            }
            for (sum, n) in missing.iter_mut().zip(never.by_bin(stem, tag, bins)) {
                *sum = sum.saturating_add(n);
                counted = counted.saturating_add(if counts { n } else { 0 });
            }
        }
        fold(lines, &missing, counted)
    }
}
