//! Distributions over time: quantiles and a heat map for each bin, a spectrum for the whole run.

use bench_model::{Histogram, InstrumentKind, Label, NEVER};

use super::bins::Bins;
use crate::{
    statistics::order::minimum_samples,
    summarize::{
        load::{Instrument, Loaded},
        seconds::{InSecond, Selection, Side, by_second},
    },
    tag,
};

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

/// Bin after bin.
pub(super) fn fold(loaded: &Loaded, selection: &Selection, bins: Bins) -> Vec<SeriesBin> {
    let mut all: Vec<SeriesBin> = Vec::with_capacity(bins.count);
    let mut values: Vec<(u64, u64)> = Vec::new();
    let seconds = by_second(loaded, selection, Side::Upper);
    let mut rest = seconds.into_iter().peekable();
    for index in 0..bins.count {
        values.clear();
        let mut missing = 0_u64;
        while let Some((_, InSecond { lines, never })) = rest.next_if(|(second, _)| bins.of(*second) <= index)
        {
            missing = missing.saturating_add(never);
            for (line, is_lost) in lines {
                line.for_each(|value, count| match is_lost {
                    true => missing = missing.saturating_add(count),
                    false => values.push((value, count)),
                });
            }
        }
        // Each line is sorted: this merges them.
        values.sort_by_key(|(value, _)| *value);
        all.push(bin(&values, missing));
    }
    all
}

/// Of values in ascending order, and how often each occurs.
fn bin(values: &[(u64, u64)], missing: u64) -> SeriesBin {
    let n = values.iter().fold(missing, |n, (_, count)| n.saturating_add(*count));
    let ranks = [0.5, 0.9, 0.99, 0.999].map(|q| ((q * n as f64).ceil() as u64).max(1));
    let mut quantiles = [None; 4];
    let mut heat: Vec<HeatCell> = Vec::new();
    let (mut seen, mut max) = (0_u64, None);
    for &(value, count) in values {
        seen = seen.saturating_add(count);
        for (quantile, rank) in quantiles.iter_mut().zip(ranks) {
            if quantile.is_none() && seen >= rank {
                *quantile = Some(value);
            }
        }
        let row = heat_row(value);
        match heat.last_mut() {
            Some(last) if last.row == row => last.count = last.count.saturating_add(count),
            _ => heat.push(HeatCell { row, count }),
        }
        max = Some(value);
    }
    SeriesBin { n, missing, quantiles, max, heat }
}

/// The quantiles of a whole distribution.
pub(super) fn spectrum(histogram: &Histogram) -> TotalQuantiles {
    let n = histogram.count();
    if n == 0 {
        return TotalQuantiles::default();
    }
    let finite = |value: u64| (value != NEVER).then_some(value);
    let nines = (0_u32..).map(|index| f64::from(index) / f64::from(POINTS_PER_DECADE));
    let below_all = nines.take_while(|nines| *nines < (n as f64).log10());
    let qs: Vec<f64> = below_all.map(|nines| 1.0 - 10_f64.powf(-nines)).chain(std::iter::once(1.0)).collect();
    let ranked = histogram.ranked();
    let point = |q: f64| {
        let (low, high) = ranked.quantile(q)?;
        Some(SpectrumPoint { q, low: finite(low), high: finite(high), enough: n >= minimum_samples(q) })
    };
    let points = qs.into_iter().filter_map(point).collect();
    TotalQuantiles { n, missing: histogram.missing(), points }
}

/// Histograms of plugins, at most `max`, and how many were left out.
pub(super) fn all(loaded: &Loaded, bins: Bins, max: usize) -> (Vec<SeriesHistory>, usize) {
    let histograms = || loaded.instruments.iter().filter(|found| found.kind == InstrumentKind::Histogram);
    let shown = histograms().take(max).map(|instrument| one(loaded, instrument, bins)).collect();
    (shown, histograms().count().saturating_sub(max))
}

/// One label set in all phases.
fn one(loaded: &Loaded, instrument: &Instrument, bins: Bins) -> SeriesHistory {
    let own = &instrument.tag;
    let phases = ["setup", "warmup", "teardown"].map(|phase| {
        let phase = tag::encode([("phase", phase)]);
        if own.is_empty() { phase } else { format!("{own};{phase}") }
    });
    let selection = Selection {
        source: instrument.source.clone(),
        metric: instrument.name.clone(),
        tags: phases.into_iter().chain([own.clone()]).map(|tag| (tag, false)).collect(),
    };
    SeriesHistory {
        source: instrument.source.clone(),
        name: instrument.name.clone(),
        unit: instrument.unit.clone(),
        labels: instrument.labels.clone(),
        bins: fold(loaded, &selection, bins),
        total: spectrum(&instrument.histogram),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_has_the_quantiles_of_its_values_by_rank() {
        let found = bin(&[(1, 2), (5, 1), (5, 3), (90, 1)], 1);
        assert_eq!((found.n, found.missing, found.max), (8, 1, Some(90)));
        assert_eq!(found.quantiles, [Some(5), None, None, None], "the eighth of eight never came");
        let heat: Vec<(u16, u64)> = found.heat.iter().map(|cell| (cell.row, cell.count)).collect();
        assert_eq!(heat, [(0, 2), (6, 4), (19, 1)]);
        assert_eq!(bin(&[], 0), SeriesBin::default());
    }
}
