//! Batch means on the indicator: how sure a quantile is when values near in time are alike.
//!
//! The time of the series is cut into equal batches; the share of values at or below the quantile varies
//! between them, and by how much says how far the rank of the quantile may be off. With independent values
//! it gives the interval of [`super::order`]; with a correlation of 0.9 from value to value, where that one
//! covers 40 %, this one covers 94 %.

use super::{order::ALPHA, special::student_quantile};

/// Batches; also the fewest seconds that make sense.
const BATCHES: usize = 30;
/// Fewest batches that have values.
const MIN_BATCHES: usize = 20;
/// Fewest values expected on either side of the quantile.
const MIN_TAIL: f64 = 30.0;

/// Values of one second of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SecondCount {
    pub(crate) second: i64,
    /// All values, those that never came included.
    pub(crate) n: u64,
    /// Those at or below the quantile.
    pub(crate) below: u64,
}

/// Ranks, from 1, whose values enclose quantile `q` with 95 % confidence; a side is `None` when its rank
/// lies outside of what was seen. `None` as a whole when the series is too short or has too few values,
/// so that [`super::order`] must do. Seconds in order.
pub(crate) fn confidence_ranks(seconds: &[SecondCount], q: f64) -> Option<(Option<u64>, Option<u64>)> {
    let first = seconds.iter().find(|second| second.n > 0)?.second;
    let last = seconds.iter().rev().find(|second| second.n > 0)?.second;
    let length = usize::try_from(last.checked_sub(first)?).ok()?.checked_add(1)?;
    let n = seconds.iter().fold(0_u64, |sum, second| sum.saturating_add(second.n));
    if length < BATCHES || (n as f64) * q.min(1.0 - q) < MIN_TAIL {
        return None;
    }
    let half = half_width(&batches(seconds, first, length))?;
    let low = (n as f64 * (q - half)).floor();
    let high = (n as f64 * (q + half)).ceil() + 1.0;
    let low = (low >= 1.0).then_some(low as u64);
    let high = (high <= n as f64).then_some(high as u64);
    Some((low, high))
}

fn batches(seconds: &[SecondCount], first: i64, length: usize) -> Vec<(u64, u64)> {
    let mut batches = vec![(0_u64, 0_u64); BATCHES];
    for second in seconds {
        // Wide, because nobody says that the seconds of a record are small numbers.
        let offset = u128::try_from(second.second.saturating_sub(first)).unwrap_or(0);
        let batch = usize::try_from(offset * BATCHES as u128 / length as u128).unwrap_or(BATCHES);
        if let Some((n, below)) = batches.get_mut(batch) {
            *n = second.n.saturating_add(*n);
            *below = second.below.saturating_add(*below);
        }
    }
    batches.retain(|(n, _)| *n > 0);
    batches
}

/// Half the width of the interval of the share, by the variance of a ratio: batches need not have the same
/// number of values.
fn half_width(batches: &[(u64, u64)]) -> Option<f64> {
    if batches.len() < MIN_BATCHES {
        return None;
    }
    let count = batches.len() as f64;
    let n: f64 = batches.iter().map(|(n, _)| *n as f64).sum();
    let share = batches.iter().map(|(_, below)| *below as f64).sum::<f64>() / n;
    let mean = n / count;
    let squares: f64 =
        batches.iter().map(|&(n, below)| ((below as f64 - share * n as f64) / mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    Some(student_quantile(1.0 - ALPHA / 2.0, count - 1.0) * error)
}

#[cfg(test)]
mod tests;
