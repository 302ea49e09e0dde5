//! Two groups of numbers, one a run: are they different, and by how much?
//!
//! The Mann-Whitney test is exact, ties included: the distribution of the rank sum is counted over all
//! ways to choose the first group. The Hodges-Lehmann estimate is the median of all pairwise differences,
//! its interval holds those that the test would not refuse.

use super::{median, special::normal_at_most};

/// Values on both sides up to which the distribution is counted; past it the normal approximation does.
const EXACT: usize = 120;

/// Two-sided p of the hypothesis that both groups come from one distribution. 1 when a side is empty.
pub(crate) fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    let ranks = doubled_ranks(a, b);
    let sum: usize = ranks.iter().take(a.len()).sum();
    if ranks.len() > EXACT {
        return approximate(a, b, sum);
    }
    let counts = rank_sum_counts(&ranks, a.len());
    let total: f64 = counts.iter().sum();
    let at_most: f64 = counts.iter().take(sum + 1).sum();
    let at_least: f64 = counts.iter().skip(sum).sum();
    (2.0 * at_most.min(at_least) / total).min(1.0)
}

/// Twice the rank of each value among all, first those of `a`; equal values share the mean of theirs.
fn doubled_ranks(a: &[f64], b: &[f64]) -> Vec<usize> {
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let of = |value: &f64| {
        let below = all.iter().filter(|other| *other < value).count();
        let equal = all.iter().filter(|other| *other == value).count();
        2 * below + equal + 1
    };
    all.iter().map(of).collect()
}

/// In how many ways `size` of the ranks add up to each sum.
fn rank_sum_counts(ranks: &[usize], size: usize) -> Vec<f64> {
    let most: usize = ranks.iter().sum();
    let mut counts = vec![vec![0.0_f64; most + 1]; size + 1];
    if let Some(none) = counts.first_mut().and_then(|row| row.first_mut()) {
        *none = 1.0;
    }
    let mut reached = 0;
    for &rank in ranks {
        reached += rank;
        for chosen in (1..=size).rev() {
            let Some((before, row)) = counts.split_at_mut_checked(chosen) else { continue };
            let (Some(before), Some(row)) = (before.last(), row.first_mut()) else { continue };
            // The ways that take this rank, added to those that do not.
            let shifted = row.iter_mut().take(reached + 1).skip(rank);
            shifted.zip(before).for_each(|(with, without)| *with += without);
        }
    }
    counts.pop().unwrap_or_default()
}

/// Normal approximation with correction for ties.
fn approximate(a: &[f64], b: &[f64], doubled_sum: usize) -> f64 {
    let (n1, n2) = (a.len() as f64, b.len() as f64);
    let n = n1 + n2;
    let u = doubled_sum as f64 / 2.0 - n1 * (n1 + 1.0) / 2.0;
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let tied: f64 = super::steady::tie_sizes(&all).into_iter().map(|t| (t as f64).powi(3) - t as f64).sum();
    let variance = n1 * n2 / 12.0 * (n + 1.0 - tied / (n * (n - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    // Half a step towards the middle, as the sum is a whole number.
    let distance = ((u - n1 * n2 / 2.0).abs() - 0.5).max(0.0);
    (2.0 * normal_at_most(-distance / variance.sqrt())).min(1.0)
}

/// A shift from `a` to `b` with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shift {
    pub(crate) estimate: f64,
    /// `None` when there are too few values for the level.
    pub(crate) interval: Option<(f64, f64)>,
}

/// Hodges-Lehmann shift of `b` against `a` with an interval of at least `1 - alpha`. Infinite values are
/// above all others and equal to each other. `None` when a side is empty.
pub(crate) fn shift(a: &[f64], b: &[f64], alpha: f64) -> Option<Shift> {
    let mut differences: Vec<f64> =
        b.iter().flat_map(|b| a.iter().map(move |a| if a == b { 0.0 } else { b - a })).collect();
    differences.sort_by(f64::total_cmp);
    let estimate = median(&differences)?;
    let interval = cut_off(a.len(), b.len(), alpha).and_then(|outside| {
        let low = *differences.get(outside)?;
        let high = *differences.get(differences.len().checked_sub(outside + 1)?)?;
        (low <= high).then_some((low, high))
    });
    Some(Shift { estimate, interval })
}

/// How many differences lie outside of the interval on each side: the largest number whose chance under no
/// shift is at most half of `alpha`. `None` when even one is too many.
fn cut_off(n1: usize, n2: usize, alpha: f64) -> Option<usize> {
    if n1 == 0 || n2 == 0 {
        return None;
    }
    if n1 + n2 > EXACT {
        let (a, b) = (n1 as f64, n2 as f64);
        let z = super::special::normal_quantile(1.0 - alpha / 2.0);
        let outside = (a * b / 2.0 - z * (a * b * (a + b + 1.0) / 12.0).sqrt()).floor();
        return (outside >= 1.0).then_some(outside as usize - 1);
    }
    // Without ties the rank sum of the first group less its smallest value is the U statistic.
    let ranks: Vec<usize> = (1..=n1 + n2).collect();
    let counts = rank_sum_counts(&ranks, n1);
    let total: f64 = counts.iter().sum();
    let smallest = n1 * (n1 + 1) / 2;
    let mut cumulative = 0.0;
    let mut outside = None;
    for (u, count) in counts.iter().skip(smallest).enumerate() {
        cumulative += count;
        if cumulative / total > alpha / 2.0 {
            break;
        }
        // The interval begins at difference `u`, counted from 0, and ends at its mirror.
        outside = Some(u);
    }
    outside
}

/// Whether so many values on each side have an interval of at least `1 - alpha`.
pub(crate) fn has_interval(n: usize, alpha: f64) -> bool {
    cut_off(n, n, alpha).is_some()
}

/// Chance that a value of `b` is above one of `a`, ties half.
pub(crate) fn superiority(a: &[f64], b: &[f64]) -> Option<f64> {
    let pairs = a.len() * b.len();
    let wins: f64 = b
        .iter()
        .flat_map(|b| {
            a.iter().map(move |a| {
                if b > a {
                    1.0
                } else if b == a {
                    0.5
                } else {
                    0.0
                }
            })
        })
        .sum();
    (pairs > 0).then(|| wins / pairs as f64)
}

/// Holm's step-down correction: each p with what it is worth among all of them.
pub(crate) fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|&a, &b| ps.get(a).unwrap_or(&1.0).total_cmp(ps.get(b).unwrap_or(&1.0)));
    let mut adjusted = vec![1.0; ps.len()];
    let mut largest: f64 = 0.0;
    for (step, &index) in order.iter().enumerate() {
        let p = ps.get(index).copied().unwrap_or(1.0) * (ps.len() - step) as f64;
        largest = largest.max(p.min(1.0));
        if let Some(slot) = adjusted.get_mut(index) {
            *slot = largest;
        }
    }
    adjusted
}

/// Benjamini and Hochberg's correction: the share of false finds among all of at most this p.
pub(crate) fn benjamini_hochberg(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|&a, &b| ps.get(b).unwrap_or(&1.0).total_cmp(ps.get(a).unwrap_or(&1.0)));
    let mut adjusted = vec![1.0; ps.len()];
    let mut smallest: f64 = 1.0;
    for (step, &index) in order.iter().enumerate() {
        let rank = ps.len() - step;
        let p = ps.get(index).copied().unwrap_or(1.0) * ps.len() as f64 / rank as f64;
        smallest = smallest.min(p);
        if let Some(slot) = adjusted.get_mut(index) {
            *slot = smallest;
        }
    }
    adjusted
}
