//! How many runs a difference needs to be seen.
//!
//! For the Mann-Whitney test on one number a run: its efficiency against the t test is 3/π for normal
//! differences of logarithms; 80 % of true differences of that size are found at 5 % error.

use super::{order::ALPHA, special::normal_quantile};

/// Chance to miss a difference that is there.
const MISSED: f64 = 0.2;
/// Fewest runs on each side with which the exact test can find anything at 5 %.
pub(crate) const MIN_RUNS: u64 = 4;
/// More runs than anyone makes.
pub(crate) const MAX_RUNS: u64 = 1000;

/// z of the test plus z of its power.
fn z() -> f64 {
    normal_quantile(1.0 - ALPHA / 2.0) + normal_quantile(1.0 - MISSED)
}

/// Runs on each side to see a relative difference, with values that vary by `cv` from run to run; at least
/// [`MIN_RUNS`], at most [`MAX_RUNS`].
pub(crate) fn runs_needed(cv: f64, difference: f64) -> u64 {
    if cv <= 0.0 {
        return MIN_RUNS;
    }
    if difference <= 0.0 {
        return MAX_RUNS;
    }
    let n = 2.0 * z().powi(2) * (cv / difference).powi(2) * std::f64::consts::PI / 3.0;
    (n.ceil().min(MAX_RUNS as f64) as u64).clamp(MIN_RUNS, MAX_RUNS)
}

/// Smallest relative difference that so many runs on each side can see.
pub(crate) fn detectable(cv: f64, runs: u64) -> f64 {
    z() * cv * (2.0 * std::f64::consts::PI / 3.0 / runs.max(1) as f64).sqrt()
}
