//! Whether a series of numbers, one for each second, settled, and whether it drifts.
//!
//! MSER-5 (White 1997) finds how much of the beginning to leave out; the Theil-Sen slope and the
//! Mann-Kendall test say whether the rest rises or falls. All of them look, none of them cuts.

use super::{median, special::normal_at_most};

/// Seconds of a batch.
pub(crate) const BATCH: usize = 5;

/// Means of batches of five; what is left at the end counts as a batch when it is at least half of one.
pub(crate) fn batch_means(series: &[f64]) -> Vec<f64> {
    let whole = |chunk: &&[f64]| chunk.len() * 2 > BATCH;
    series.chunks(BATCH).filter(whole).map(|chunk| chunk.iter().sum::<f64>() / chunk.len() as f64).collect()
}

/// How many batches to leave out at the beginning: of `0..=m/2` the one after which the squared standard
/// error of the mean of the rest is smallest.
pub(crate) fn truncation(batches: &[f64]) -> usize {
    let m = batches.len();
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    // Around the mean, so that squares of large numbers do not swallow their differences.
    let center = batches.iter().sum::<f64>() / m.max(1) as f64;
    for (left_out, value) in batches.iter().enumerate().rev() {
        let value = value - center;
        sum += value;
        squares += value * value;
        let n = (m - left_out) as f64;
        let error = (squares - sum * sum / n).max(0.0) / (n * n);
        // From the end to the beginning: of equals the shortest cut wins.
        if left_out <= m / 2 && error <= best.0 {
            best = (error, left_out);
        }
    }
    best.1
}

/// Median of the slopes between all pairs, a step.
pub(crate) fn slope(series: &[f64]) -> Option<f64> {
    let mut slopes = Vec::with_capacity(series.len() * series.len().saturating_sub(1) / 2);
    for (i, a) in series.iter().enumerate() {
        for (distance, b) in series.iter().skip(i + 1).enumerate() {
            slopes.push((b - a) / (distance + 1) as f64);
        }
    }
    median(&slopes)
}

/// Two-sided chance of such a trend where there is none (Mann-Kendall, normal approximation with
/// correction for ties). 1 when all are equal.
pub(crate) fn trend_p(series: &[f64]) -> f64 {
    let n = series.len() as f64;
    let mut balance: f64 = 0.0;
    for (i, a) in series.iter().enumerate() {
        for b in series.iter().skip(i + 1) {
            balance += match b.total_cmp(a) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Less => -1.0,
                std::cmp::Ordering::Equal => 0.0,
            };
        }
    }
    let spread = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let tied: f64 = tie_sizes(series).into_iter().map(|t| spread(t as f64)).sum();
    let variance = (spread(n) - tied) / 18.0;
    if variance <= 0.0 {
        return 1.0;
    }
    2.0 * normal_at_most(-balance.abs() / variance.sqrt())
}

/// Sizes of groups of equal values.
pub(crate) fn tie_sizes(values: &[f64]) -> Vec<usize> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(<[f64]>::len).collect()
}
