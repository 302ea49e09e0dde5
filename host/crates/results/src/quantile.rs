//! How many samples a quantile needs, and between which ranks it surely lies.
//!
//! Distribution-free order statistics (Le Boudec, *Performance Evaluation*, chapter 2): assumes
//! independent samples, nothing else. Formulas and their test in `field/ux-stats.md` 2.3.

/// Two-sided error of the confidence interval.
const ALPHA: f64 = 0.05;

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
    // Past this many samples the normal approximation is as good and does not cost n steps.
    if n > 100_000 {
        let (n_f, z) = (n as f64, 1.959_964);
        let half = z * (n_f * q * (1.0 - q)).sqrt();
        let low = (n_f * q - half).floor().max(1.0) as u64;
        let high = (n_f * q + half).ceil() as u64 + 1;
        return (Some(low), (high <= n).then_some(high));
    }
    // B(k-1; n, q) is the chance that at most k-1 samples lie at or below the quantile.
    let mut cumulative = 0.0;
    let (mut low, mut high) = (None, None);
    for k in 1..=n {
        cumulative += binomial(n, k - 1, q);
        if cumulative <= ALPHA / 2.0 {
            low = Some(k);
        }
        if cumulative >= 1.0 - ALPHA / 2.0 {
            high = Some(k);
            break;
        }
    }
    (low, high)
}

/// Chance of exactly `k` of `n`.
fn binomial(n: u64, k: u64, q: f64) -> f64 {
    if q == 0.0 || q == 1.0 {
        let certain = if q == 0.0 { 0 } else { n };
        return if k == certain { 1.0 } else { 0.0 };
    }
    let (n, k) = (n as f64, k as f64);
    (ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0) + k * q.ln() + (n - k) * (1.0 - q).ln())
        .exp()
}

/// Logarithm of the gamma function for `x >= 1` (Stirling's series with shift; error below 1e-12).
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 12.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
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
}
