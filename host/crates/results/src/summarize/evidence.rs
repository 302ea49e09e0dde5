//! How sure the quantiles of a distribution are: intervals, and estimates of what has bounds only.

use std::collections::BTreeMap;

use bench_model::{Histogram, NEVER, Ranked};

use super::{
    distribution::finite,
    load::Loaded,
    seconds::{Second, Selection, Side, seconds},
};
use crate::{
    statistics::{
        batch,
        order::{self, ALPHA, minimum_samples},
        turnbull::{self, Between, Estimated},
    },
    summary::{Confidence, ConfidenceMethod, Estimate, EstimateMethod},
};

/// A pair of ranks, from 1; `None` for what lies outside of what was seen.
type Ranks = (Option<u64>, Option<u64>);

/// What is known about the quantiles of one distribution.
pub(crate) struct Evidence {
    ranked: Ranked,
    quantiles: Vec<f64>,
    lower: Vec<Second>,
    /// Absent when all values are exact.
    upper: Option<Vec<Second>>,
    estimated: Option<Estimated>,
}

impl Evidence {
    /// Collects it for these quantiles from the series that the distribution was made of. `pairs` are its
    /// values between bounds.
    pub(crate) fn new(
        loaded: &Loaded,
        selection: &Selection,
        histogram: &Histogram,
        pairs: &[(u64, u64)],
        quantiles: &[f64],
    ) -> Self {
        let ranked = histogram.ranked();
        let limits = |side: Side| -> Vec<u64> {
            let end = |(low, high)| if side == Side::Lower { low } else { high };
            quantiles.iter().map(|&q| ranked.quantile(q).map_or(NEVER, end)).collect()
        };
        let of = |side: Side| seconds(loaded, selection, side, &limits(side));
        Self {
            lower: of(Side::Lower),
            upper: histogram.has_bounds().then(|| of(Side::Upper)),
            ranked,
            quantiles: quantiles.to_vec(),
            estimated: estimated(histogram, pairs),
        }
    }

    /// Lower and upper bound of a quantile, as [`Ranked::quantile`].
    pub(crate) fn quantile(&self, q: f64) -> Option<(u64, u64)> {
        self.ranked.quantile(q)
    }

    /// The interval of a quantile; `None` when there are too few values.
    pub(crate) fn confidence(&self, q: f64) -> Option<Confidence> {
        let n = self.ranked.count();
        if n < minimum_samples(q) {
            return None;
        }
        let (method, low, high) = match self.batch_ranks(q) {
            Some((low, high)) => (ConfidenceMethod::BatchMeans, low, high),
            None => {
                let (low, high) = order::confidence_ranks(n, q);
                (ConfidenceMethod::OrderStatistics, low, high)
            }
        };
        // No value is below zero.
        let low = low.and_then(|rank| self.ranked.at_rank(rank)).map_or(Some(0), |(low, _)| finite(low));
        let high = high.and_then(|rank| self.ranked.at_rank(rank)).and_then(|(_, high)| finite(high));
        Some(Confidence { low, high, level: 1.0 - ALPHA, method })
    }

    fn batch_ranks(&self, q: f64) -> Option<Ranks> {
        let position = self.quantiles.iter().position(|known| *known == q)?;
        let of = |seconds: &[Second]| {
            let counts: Vec<_> = seconds.iter().map(|second| second.count(position)).collect();
            batch::confidence_ranks(&counts, q)
        };
        let lower = of(&self.lower)?;
        let upper = match &self.upper {
            Some(upper) => of(upper)?,
            None => lower,
        };
        Some((lower.0, upper.1))
    }

    /// The most likely value of a quantile that has bounds only.
    pub(crate) fn estimate(&self, q: f64) -> Option<Estimate> {
        let estimated = self.estimated.as_ref()?;
        let (low, high) = self.ranked.quantile(q)?;
        // Never outside of what is certain.
        let value = match estimated.quantile(q) {
            Some(value) => Some((value.round() as u64).max(low).min(high)),
            None => finite(high),
        };
        Some(Estimate { value: value.and_then(finite), method: EstimateMethod::Turnbull })
    }
}

fn estimated(histogram: &Histogram, pairs: &[(u64, u64)]) -> Option<Estimated> {
    if pairs.is_empty() {
        return None;
    }
    let mut values: Vec<Between> = pairs.iter().map(|&(low, high)| Between { low, high, n: 1 }).collect();
    if !turnbull::is_identified(&values) {
        return None;
    }
    values.extend(exact(histogram, pairs)?);
    turnbull::estimate(&values, histogram.missing())
}

/// The values that are known exactly: all less those between bounds. `None` when not all of the latter were
/// kept one by one.
fn exact(histogram: &Histogram, pairs: &[(u64, u64)]) -> Option<Vec<Between>> {
    let rest = |hdr: &hdrhistogram::Histogram<u64>, ends: &mut dyn Iterator<Item = u64>| {
        let mut counts: BTreeMap<u64, u64> =
            hdr.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
        for end in ends.filter(|end| *end != NEVER) {
            let slot = counts.get_mut(&hdr.highest_equivalent(end.min(i64::MAX as u64)))?;
            *slot = slot.checked_sub(1)?;
        }
        counts.retain(|_, n| *n > 0);
        Some(counts)
    };
    let lower = rest(histogram.lower(), &mut pairs.iter().map(|(low, _)| *low))?;
    let upper = rest(histogram.upper(), &mut pairs.iter().map(|(_, high)| *high))?;
    (lower == upper).then(|| lower.into_iter().map(|(at, n)| Between { low: at, high: at, n }).collect())
}
