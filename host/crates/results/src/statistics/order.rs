//! How many samples a quantile needs, and between which ranks it surely lies.
//!
//! Distribution-free order statistics (Le Boudec, *Performance Evaluation*, chapter 2): assumes independent
//! samples, nothing else. What never came has a rank too, above every number.

use super::special::{binomial_at_most, normal_quantile};

/// Two-sided error of the confidence interval.
pub(crate) const ALPHA: f64 = 0.05;

/// Past this many samples the normal approximation differs by less than a rank in a thousand.
const EXACT: u64 = 5_000_000;

/// Fewest samples for which a 95 % confidence interval of quantile `q` is finite on both sides:
/// p50 6, p90 36, p95 72, p99 368, p99.9 3688. One for the minimum and the maximum.
pub fn minimum_samples(q: f64) -> u64 {
    if q <= 0.0 || q >= 1.0 {
        return 1;
    }
    let far = q.max(1.0 - q);
    ((ALPHA / 2.0).ln() / far.ln()).ceil() as u64
}

/// Ranks, from 1, whose values enclose quantile `q` with 95 % confidence; `None` for a side on which
/// `n` samples are too few.
pub fn confidence_ranks(n: u64, q: f64) -> (Option<u64>, Option<u64>) {
    if n == 0 || !(0.0..=1.0).contains(&q) {
        return (None, None);
    }
    if n > EXACT {
        let (n_f, z) = (n as f64, normal_quantile(1.0 - ALPHA / 2.0));
        let half = z * (n_f * q * (1.0 - q)).sqrt();
        let low = (n_f * q - half).floor().max(1.0) as u64;
        let high = (n_f * q + half).ceil() as u64 + 1;
        return (Some(low), (high <= n).then_some(high));
    }
    // The chance that at most k - 1 samples lie at or below the quantile rises with k.
    let below = |k: u64| binomial_at_most(k - 1, n, q);
    let low = first(n, |k| below(k) > ALPHA / 2.0).unwrap_or(n + 1) - 1;
    let high = first(n, |k| below(k) >= 1.0 - ALPHA / 2.0);
    ((low > 0).then_some(low), high)
}

/// The first of `1..=n` for which a condition holds that holds for all after it.
fn first(n: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (1, n + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    (low <= n).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_numbers_of_samples_are_those_of_the_design() {
        let of = |q| minimum_samples(q);
        assert_eq!([of(0.5), of(0.9), of(0.95), of(0.99), of(0.999)], [6, 36, 72, 368, 3688]);
        assert_eq!([of(0.1), of(1.0), of(0.0)], [36, 1, 1]);
    }

    #[test]
    fn ranks_are_those_of_the_exact_binomial() {
        // `qbinom`-based intervals from R: n=100 median 40..61; n=500 p99 490..500.
        assert_eq!(confidence_ranks(100, 0.5), (Some(40), Some(61)));
        assert_eq!(confidence_ranks(500, 0.99), (Some(490), Some(500)));
        assert_eq!(confidence_ranks(100, 0.99), (Some(97), None));
        assert_eq!(confidence_ranks(5, 0.5), (None, None));
        assert_eq!(confidence_ranks(6, 0.5), (Some(1), Some(6)));
        assert_eq!(confidence_ranks(0, 0.5), (None, None));
    }

    #[test]
    fn the_smallest_finite_interval_agrees_with_the_minimum() {
        for q in [0.5, 0.9, 0.95, 0.99, 0.999] {
            let n = minimum_samples(q);
            assert!(confidence_ranks(n, q).1.is_some(), "{q}");
            assert!(confidence_ranks(n - 1, q).1.is_none() || confidence_ranks(n - 1, q).0.is_none(), "{q}");
        }
    }

    #[test]
    fn the_approximation_for_many_samples_agrees_with_the_exact_ranks() {
        let close = |a: Option<u64>, b: Option<u64>| a.zip(b).is_some_and(|(a, b)| a.abs_diff(b) <= 5);
        for q in [0.5, 0.99, 0.999] {
            let (exact, approximate) = (confidence_ranks(EXACT, q), confidence_ranks(EXACT + 1, q));
            assert!(
                close(exact.0, approximate.0) && close(exact.1, approximate.1),
                "{exact:?} {approximate:?}"
            );
        }
    }
}
