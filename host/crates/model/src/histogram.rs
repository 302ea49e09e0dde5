//! Distribution of non-negative numbers that may be known exactly, between bounds, or never to come.
//!
//! HDR with three significant digits (relative error at most 0.1 %); merges exactly. What never happened
//! is counted apart and ranks above every number, so that a quantile of unfinished work is infinite
//! instead of flattering. A value known only between two bounds goes into two histograms, and quantiles
//! come with both.

mod ranked;

use hdrhistogram::Histogram as Hdr;

pub use ranked::Ranked;

/// A value that never came.
pub const NEVER: u64 = u64::MAX;

/// Highest value that is kept apart; larger ones are counted as this (9.1 × 10^18 ns are 292 years).
const HIGHEST: u64 = i64::MAX as u64;

/// Why histograms cannot be made or merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// `low` above `high`.
    #[error("lower bound {low} is above upper bound {high}")]
    Inverted {
        /// The lower bound given.
        low: u64,
        /// The upper bound given.
        high: u64,
    },
    /// The HDR library refused; cannot happen for auto-resizing histograms within range.
    #[error("histogram failed: {reason}")]
    Library {
        /// Its text.
        reason: String,
    },
}

fn library(error: impl std::fmt::Display) -> HistogramError {
    HistogramError::Library { reason: error.to_string() }
}

/// A distribution; see the module's documentation.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Exact values and lower bounds.
    low: Hdr<u64>,
    /// Exact values and upper bounds; absent while all values are exact.
    high: Option<Hdr<u64>>,
    /// Lower bound known, upper bound never: missing in `high` only.
    never_high: u64,
    never: u64,
    sum: u128,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty one: about 4 KiB, growing with the range of values to at most 0.5 MiB.
    #[expect(clippy::expect_used, reason = "fails only for more than 5 significant digits")]
    pub fn new() -> Self {
        let low = Hdr::new(3).expect("three significant digits");
        Self { low, high: None, never_high: 0, never: 0, sum: 0 }
    }

    /// Records an exact value; [`NEVER`] counts as missing.
    pub fn record(&mut self, value: u64) {
        if value == NEVER {
            self.never += 1;
            return;
        }
        let value = value.min(HIGHEST);
        self.sum += u128::from(value);
        put(&mut self.low, value);
        if let Some(high) = &mut self.high {
            put(high, value);
        }
    }

    /// Records a value known to lie in `low..=high`; `high` may be [`NEVER`].
    ///
    /// # Errors
    /// When `low` is above `high`; nothing is recorded then.
    pub fn record_between(&mut self, low: u64, high: u64) -> Result<(), HistogramError> {
        if low > high {
            return Err(HistogramError::Inverted { low, high });
        }
        if low == high {
            self.record(low);
            return Ok(());
        }
        let upper = self.high.get_or_insert_with(|| self.low.clone());
        let low = low.min(HIGHEST);
        put(&mut self.low, low);
        if high == NEVER {
            self.never_high += 1;
            self.sum += u128::from(low);
        } else {
            put(upper, high.min(HIGHEST));
            self.sum += (u128::from(low) + u128::from(high.min(HIGHEST))) / 2;
        }
        Ok(())
    }

    /// Adds all values of `other`: the same as having recorded them here.
    ///
    /// # Errors
    /// When the HDR library refuses.
    pub fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        if self.high.is_some() || other.high.is_some() {
            let upper = self.high.get_or_insert_with(|| self.low.clone());
            upper.add(other.high.as_ref().unwrap_or(&other.low)).map_err(library)?;
        }
        self.low.add(&other.low).map_err(library)?;
        self.never = self.never.saturating_add(other.never);
        self.never_high = self.never_high.saturating_add(other.never_high);
        self.sum = self.sum.saturating_add(other.sum);
        Ok(())
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        self.low.reset();
        self.high = None;
        self.never = 0;
        self.never_high = 0;
        self.sum = 0;
    }

    /// How many values, missing ones included.
    pub fn count(&self) -> u64 {
        self.low.len().saturating_add(self.never)
    }

    /// How many never came.
    pub fn missing(&self) -> u64 {
        self.never
    }

    /// Whether some value is known only between bounds.
    pub fn has_bounds(&self) -> bool {
        self.high.is_some()
    }

    /// Its values in order, for more than one question.
    pub fn ranked(&self) -> Ranked {
        Ranked::new(self)
    }

    /// [`Ranked::quantile`], alone.
    pub fn quantile(&self, q: f64) -> Option<(u64, u64)> {
        self.ranked().quantile(q)
    }

    /// Smallest value; `None` when nothing came.
    pub fn min(&self) -> Option<u64> {
        (!self.low.is_empty()).then(|| self.low.min())
    }

    /// Largest value, upper bound; [`NEVER`] when one is missing; `None` when there is no value.
    pub fn max(&self) -> Option<u64> {
        if self.count() == 0 {
            return None;
        }
        let missing = self.never > 0 || self.never_high > 0;
        Some(if missing { NEVER } else { self.high.as_ref().unwrap_or(&self.low).max() })
    }

    /// Mean of the values that came, middles of bounds; `None` when none did.
    pub fn mean(&self) -> Option<f64> {
        (!self.low.is_empty()).then(|| self.sum as f64 / self.low.len() as f64)
    }

    /// Exact values and lower bounds, for interval logs and charts.
    pub fn lower(&self) -> &Hdr<u64> {
        &self.low
    }

    /// Exact values and upper bounds; the same as [`Histogram::lower`] while all values are exact.
    pub fn upper(&self) -> &Hdr<u64> {
        self.high.as_ref().unwrap_or(&self.low)
    }

    /// Puts a distribution together from what an interval log kept. `missing` were never seen;
    /// `missing_upper` have a lower bound only.
    pub fn from_parts(lower: Hdr<u64>, upper: Option<Hdr<u64>>, missing: u64, missing_upper: u64) -> Self {
        let sum = lower
            .iter_recorded()
            .map(|v| u128::from(v.value_iterated_to()) * u128::from(v.count_at_value()))
            .fold(0, u128::saturating_add);
        Self { low: lower, high: upper, never_high: missing_upper, never: missing, sum }
    }

    /// Values with a lower bound only.
    pub fn missing_upper(&self) -> u64 {
        self.never_high
    }
}

/// Records with auto-resizing, which takes every value up to `HIGHEST`; should memory for that be refused,
/// the value counts as the largest that fits.
fn put(hdr: &mut Hdr<u64>, value: u64) {
    if hdr.record(value).is_err() {
        hdr.saturating_record(value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        values.iter().for_each(|&value| histogram.record(value));
        histogram
    }

    #[test]
    fn an_empty_histogram_has_no_quantile() {
        assert_eq!(Histogram::new().quantile(0.5), None);
        assert_eq!(Histogram::new().max(), None);
    }

    #[test]
    fn what_never_came_ranks_above_every_number() {
        let histogram = of(&[10, 20, 30, NEVER]);
        assert_eq!(histogram.quantile(0.75), Some((30, 30)));
        assert_eq!(histogram.quantile(0.76), Some((NEVER, NEVER)));
        assert_eq!((histogram.count(), histogram.missing(), histogram.max()), (4, 1, Some(NEVER)));
    }

    #[test]
    fn a_rank_gives_all_that_its_value_may_be() {
        let mut histogram = of(&[100_000, NEVER]);
        let ranked = histogram.ranked();
        assert_eq!(ranked.at_rank(1), Some((99_968, 100_031)));
        assert_eq!(ranked.at_rank(2), Some((NEVER, NEVER)));
        assert_eq!((ranked.at_rank(0), ranked.at_rank(3)), (None, None));
        histogram.record_between(5, NEVER).expect("in order");
        assert_eq!(histogram.ranked().at_rank(2), Some((99_968, NEVER)));
    }

    #[test]
    fn bounds_give_quantiles_with_bounds() {
        let mut histogram = of(&[10]);
        histogram.record_between(20, 120).expect("in order");
        histogram.record_between(30, NEVER).expect("in order");
        assert_eq!(histogram.quantile(0.3), Some((10, 10)));
        assert_eq!(histogram.quantile(0.5), Some((20, 120)));
        assert_eq!(histogram.quantile(1.0), Some((30, NEVER)));
        assert_eq!(histogram.record_between(2, 1), Err(HistogramError::Inverted { low: 2, high: 1 }));
    }

    proptest! {
        #[test]
        fn merging_is_recording_together(a in prop::collection::vec(0_u64..1 << 40, 0..50),
                                         b in prop::collection::vec(0_u64..1 << 40, 0..50),
                                         q in 0.0_f64..=1.0) {
            let mut merged = of(&a);
            merged.merge(&of(&b)).expect("merges");
            let together = of(&[a, b].concat());
            prop_assert_eq!(merged.quantile(q), together.quantile(q));
            prop_assert_eq!(merged.count(), together.count());
            prop_assert_eq!(merged.mean(), together.mean());
        }

        #[test]
        fn every_rank_is_that_of_the_sorted_values(mut values in prop::collection::vec(prop_oneof![0_u64..2048, Just(NEVER)], 1..50)) {
            let ranked = of(&values).ranked();
            values.sort_unstable();
            for (rank, value) in (1..).zip(values) {
                prop_assert_eq!(ranked.at_rank(rank), Some((value, value)));
            }
        }

        #[test]
        fn a_quantile_is_within_a_thousandth_of_the_sorted_value(mut values in prop::collection::vec(1_u64..1 << 50, 1..200),
                                                                 q in 0.0_f64..=1.0) {
            let (found, _) = of(&values).quantile(q).expect("not empty");
            values.sort_unstable();
            let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, values.len());
            let truth = values[rank - 1];
            prop_assert!(found.abs_diff(truth) as f64 <= truth as f64 * 0.001 + 1.0);
        }
    }
}
