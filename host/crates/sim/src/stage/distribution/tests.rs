use proptest::prelude::*;

use super::*;
use crate::random::Random;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Draws many and compares their quantiles with those that the distribution claims.
fn check(distribution: &Distribution, seed: u64) {
    const N: usize = 20_000;
    let mut stream = Random::from_seed(seed).stream(&["distribution"]);
    let mut drawn: Vec<Duration> = (0..N).map(|_| distribution.draw(&mut stream)).collect();
    drawn.sort_unstable();
    for q in [0.1, 0.5, 0.9, 0.99] {
        // Four standard errors of a rank: the claim must lie between the samples around it.
        let slack = 4.0 * (q * (1.0 - q) / N as f64).sqrt();
        let low = drawn[(((q - slack).max(0.0)) * N as f64) as usize];
        let high = drawn[((((q + slack).min(1.0)) * N as f64) as usize).min(N - 1)];
        let claimed = distribution.quantile(q);
        let rounding = Duration::from_nanos(1000);
        assert!(
            claimed + rounding >= low && claimed <= high + rounding,
            "{distribution:?} p{q}: {claimed:?} is not within {low:?} and {high:?}"
        );
    }
}

#[test]
fn a_constant_is_exact() {
    let distribution = Distribution::millis(50);
    let mut stream = Random::from_seed(1).stream(&["c"]);
    assert!((0..100).all(|_| distribution.draw(&mut stream) == ms(50)));
}

#[test]
fn a_known_quantile_of_a_lognormal_is_met() {
    let distribution = Distribution::Lognormal { median: ms(1000), sigma: 0.5 };
    let p99 = distribution.quantile(0.99).as_secs_f64();
    assert!((p99 - (0.5f64 * 2.326_347_874).exp()).abs() < 1e-6, "{p99}");
}

#[test]
fn one_percent_of_slow_ones_shows_at_p99_and_above_only() {
    let distribution = Distribution::Bimodal {
        fast: Box::new(Distribution::millis(5)),
        slow: Box::new(Distribution::millis(50)),
        slow_share: 0.01,
    };
    assert_eq!(distribution.quantile(0.5), ms(5));
    assert!(distribution.quantile(0.995) > ms(49));
}

#[test]
fn settings_are_read_from_yaml() {
    let read: Distribution = serde_saphyr::from_str(
        "bimodal: {fast: {constant: 5ms}, slow: {uniform: {min: 1s, max: 2s}}, slowShare: 0.25}",
    )
    .expect("valid");
    assert!(matches!(read, Distribution::Bimodal { slow_share, .. } if slow_share == 0.25));
}

#[test]
fn a_share_above_one_is_refused() {
    let bad = Distribution::Bimodal {
        fast: Box::new(Distribution::ZERO),
        slow: Box::new(Distribution::ZERO),
        slow_share: 1.5,
    };
    assert!(bad.validate().expect_err("invalid").contains("slowShare"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn drawn_quantiles_match_the_claimed_ones(
        kind in 0..5, a in 1u64..5000, b in 1u64..5000, share in 0.05f64..0.95, seed in any::<u64>(),
    ) {
        let distribution = match kind {
            0 => Distribution::Uniform { min: ms(a.min(b)), max: ms(a.max(b)) },
            1 => Distribution::Normal { mean: ms(a), standard_deviation: ms(b) },
            2 => Distribution::Lognormal { median: ms(a), sigma: share },
            3 => Distribution::Exponential { mean: ms(a) },
            _ => Distribution::Bimodal {
                fast: Box::new(Distribution::Uniform { min: ms(a), max: ms(a + b) }),
                slow: Box::new(Distribution::Exponential { mean: ms(a + b) }),
                slow_share: share,
            },
        };
        check(&distribution, seed);
    }

    #[test]
    fn nothing_is_negative_or_endless(mean in 0u64..1000, deviation in 0u64..100_000, q in 0.0f64..=1.0) {
        let distribution = Distribution::Normal { mean: ms(mean), standard_deviation: ms(deviation) };
        prop_assert!(distribution.quantile(q) <= LONGEST);
    }
}
