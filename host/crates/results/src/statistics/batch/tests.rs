//! How often intervals contain the truth when values near in time are alike.

use super::*;
use crate::statistics::{order, special::normal_quantile};

/// Standard normal values with correlation `rho` from one to the next, by splitmix64.
fn correlated(seed: u64, n: usize, rho: f64) -> Vec<f64> {
    // Not a multiple of the step: streams of different seeds would be the same one, shifted.
    let mut state = seed.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ 0x94d0_49bb_1331_11eb;
    let mut uniform = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let mut normal = || (-2.0 * uniform().ln()).sqrt() * (2.0 * std::f64::consts::PI * uniform()).cos();
    let mut value = normal();
    let step = (1.0 - rho * rho).sqrt();
    (0..n)
        .map(|_| {
            value = rho * value + step * normal();
            value
        })
        .collect()
}

/// Share of seeds whose interval contains the truth, by batch means and by order statistics.
fn coverage(rho: f64, q: f64) -> (f64, f64) {
    let (seconds, rate, seeds) = (60, 50, 300);
    let n = seconds * rate;
    let truth = normal_quantile(q);
    let (mut batch, mut order) = (0, 0);
    for seed in 0..seeds {
        let values = correlated(seed, n, rho);
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let found = sorted[((q * n as f64).ceil() as usize).max(1) - 1];
        let counts: Vec<SecondCount> = values
            .chunks(rate)
            .enumerate()
            .map(|(second, chunk)| SecondCount {
                second: second as i64,
                n: chunk.len() as u64,
                below: chunk.iter().filter(|value| **value <= found).count() as u64,
            })
            .collect();
        let contains = |ranks: (Option<u64>, Option<u64>)| {
            let low = ranks.0.map_or(f64::NEG_INFINITY, |rank| sorted[rank as usize - 1]);
            let high = ranks.1.map_or(f64::INFINITY, |rank| sorted[rank as usize - 1]);
            (low <= truth && truth <= high) as u32
        };
        batch += contains(confidence_ranks(&counts, q).expect("long enough"));
        order += contains(order::confidence_ranks(n as u64, q));
    }
    (f64::from(batch) / seeds as f64, f64::from(order) / seeds as f64)
}

#[test]
fn batch_means_hold_what_they_promise_where_order_statistics_do_not() {
    for (rho, q) in [(0.0, 0.5), (0.0, 0.99), (0.6, 0.5), (0.9, 0.5), (0.9, 0.9)] {
        let (batch, order) = coverage(rho, q);
        assert!((0.91..=0.985).contains(&batch), "rho {rho} q {q}: {batch}");
        assert_eq!(rho > 0.0, order < 0.9, "rho {rho} q {q}: {order}");
    }
}

#[test]
fn short_or_thin_series_have_no_batches() {
    let second = |second: i64, n: u64| SecondCount { second, n, below: n / 2 };
    let of = |seconds: i64, n: u64| -> Vec<SecondCount> { (0..seconds).map(|s| second(s, n)).collect() };
    assert!(confidence_ranks(&of(29, 100), 0.5).is_none(), "too short");
    assert!(confidence_ranks(&of(60, 1), 0.9).is_none(), "too few above");
    assert!(confidence_ranks(&[], 0.5).is_none());
    let mut gaps = of(60, 100);
    gaps.retain(|second| second.second < 10 || second.second > 50);
    assert!(confidence_ranks(&gaps, 0.5).is_none(), "too few batches");
    assert!(confidence_ranks(&of(60, 100), 0.5).is_some());
}
