//! From a histogram to the numbers that a summary keeps.

use bench_model::{Histogram, NEVER};

use super::evidence::Evidence;
use crate::{
    statistics::order::minimum_samples,
    summary::{Distribution, QuantileBounds},
};

/// The quantiles that every summary has.
pub(crate) const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// `None` for what never came.
pub(crate) fn finite(value: u64) -> Option<u64> {
    (value != NEVER).then_some(value)
}

/// Rounded, so that the number reads back the same from JSON.
pub(crate) fn decimals(number: f64, n: i32) -> f64 {
    let scale = 10_f64.powi(n);
    (number * scale).round() / scale
}

pub(crate) fn distribution(histogram: &Histogram, unit: &str, evidence: &Evidence) -> Distribution {
    let n = histogram.count();
    let quantiles = QUANTILES
        .into_iter()
        .filter_map(|q| {
            let (low, high) = evidence.quantile(q)?;
            let needed = minimum_samples(q);
            Some(QuantileBounds {
                q,
                low: finite(low),
                high: finite(high),
                enough: n >= needed,
                needed,
                confidence: evidence.confidence(q),
                estimate: evidence.estimate(q),
            })
        })
        .collect();
    Distribution {
        unit: unit.to_owned(),
        n,
        missing: histogram.missing(),
        bounded: histogram.has_bounds(),
        min: histogram.min(),
        mean: histogram.mean().map(|mean| decimals(mean, 3)),
        max: histogram.max().and_then(finite),
        quantiles,
    }
}
