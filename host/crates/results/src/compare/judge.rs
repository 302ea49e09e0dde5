//! One metric on both sides: how large the change is, how sure, and what that says.

use super::{ChangeRow, ChangeVerdict, MIN_TOLERANCE, SideNumbers, ToleranceSource, numbers::Direction};
use crate::statistics::{
    mean_and_deviation, median,
    order::ALPHA,
    power::{self, MIN_RUNS},
    ranks,
};

/// What is known about a metric besides its values.
pub(super) struct RowInput<'a> {
    pub(super) metric: &'a str,
    pub(super) unit: &'a str,
    pub(super) is_primary: bool,
    pub(super) is_bounded: bool,
    /// Whether every run has enough samples.
    pub(super) is_enough: bool,
    pub(super) direction: Direction,
    /// Error of the interval.
    pub(super) alpha: f64,
    /// How much equal runs vary.
    pub(super) calibrated: Option<f64>,
    /// As given.
    pub(super) tolerance: Option<f64>,
}

pub(super) fn row(input: &RowInput<'_>, a: &[f64], b: &[f64], p: f64, p_adjusted: f64) -> ChangeRow {
    let (tolerance, tolerance_from) = tolerance(input);
    let shift = ranks::shift(&logarithms(a), &logarithms(b), input.alpha);
    let finite = |logarithm: f64| Some(logarithm.exp()).filter(|ratio| ratio.is_finite());
    let interval = shift.and_then(|shift| shift.interval);
    let mut row = ChangeRow {
        metric: input.metric.to_owned(),
        unit: input.unit.to_owned(),
        primary: input.is_primary,
        bounded: input.is_bounded,
        a: side(a),
        b: side(b),
        ratio: shift.and_then(|shift| finite(shift.estimate)),
        low: interval.and_then(|(low, _)| finite(low)),
        high: interval.and_then(|(_, high)| finite(high)),
        level: 1.0 - input.alpha,
        p,
        p_adjusted,
        superiority: ranks::superiority(a, b).unwrap_or(0.5),
        tolerance,
        tolerance_from,
        verdict: ChangeVerdict::NoData,
        more_runs: None,
    };
    if !input.is_enough {
        return row;
    }
    let estimate = shift.map_or(0.0, |shift| shift.estimate);
    row.verdict = verdict(input.direction, interval, p_adjusted, tolerance);
    if row.verdict == ChangeVerdict::Inconclusive {
        row.more_runs = Some(more_runs(input, a, b, estimate, tolerance));
    }
    row
}

/// The change of a row for people: `13.6 %`.
pub(super) fn change(row: &ChangeRow) -> String {
    match row.ratio {
        Some(ratio) => format!("{:.1} %", (ratio - 1.0).abs() * 100.0),
        None => "more than any number: it never came".to_owned(),
    }
}

fn tolerance(input: &RowInput<'_>) -> (f64, ToleranceSource) {
    match (input.tolerance, input.calibrated) {
        (Some(given), _) => (given, ToleranceSource::Given),
        (None, Some(cv)) if cv > MIN_TOLERANCE => (cv, ToleranceSource::Calibration),
        (None, _) => (MIN_TOLERANCE, ToleranceSource::Default),
    }
}

/// Zero is taken as the smallest time that is kept apart.
fn logarithms(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| if *value > 0.0 { value.ln() } else { 0.0 }).collect()
}

fn side(values: &[f64]) -> SideNumbers {
    let finite = |value: f64| value.is_finite().then_some(value);
    let spread = mean_and_deviation(values).filter(|(mean, _)| mean.is_finite() && *mean > 0.0);
    SideNumbers {
        values: values.iter().map(|value| finite(*value)).collect(),
        median: median(values).and_then(finite),
        cv: spread.map(|(mean, deviation)| deviation / mean),
    }
}

/// Regression: the whole interval is worse than the tolerance, and the test agrees. No regression: the
/// whole interval is better than it. A small p alone decides nothing, and neither does a large one.
fn verdict(direction: Direction, interval: Option<(f64, f64)>, p: f64, tolerance: f64) -> ChangeVerdict {
    let Some((low, high)) = interval else { return ChangeVerdict::Inconclusive };
    let (low, high) = match direction {
        Direction::LowerIsBetter | Direction::Unknown => (low, high),
        Direction::HigherIsBetter => (-high, -low),
    };
    let limit = tolerance.ln_1p();
    if direction == Direction::Unknown {
        // Which way is worse is not known: only a change that is small for sure is no news.
        let is_small = -limit < low && high < limit;
        return if is_small { ChangeVerdict::NoRegression } else { ChangeVerdict::Inconclusive };
    }
    if low > limit && p < ALPHA {
        ChangeVerdict::Regression
    } else if high < -limit && p < ALPHA {
        ChangeVerdict::Improvement
    } else if high < limit {
        ChangeVerdict::NoRegression
    } else {
        ChangeVerdict::Inconclusive
    }
}

/// Runs on each side until the distance from the tolerance is seen, less those that are there.
fn more_runs(input: &RowInput<'_>, a: &[f64], b: &[f64], estimate: f64, tolerance: f64) -> u64 {
    let have = a.len().min(b.len()) as u64;
    let least = (MIN_RUNS..power::MAX_RUNS).find(|&n| ranks::has_interval(n as usize, input.alpha));
    let least = least.unwrap_or(power::MAX_RUNS);
    let spread = |values: &[f64]| mean_and_deviation(&logarithms(values)).map(|(_, deviation)| deviation);
    let cv = match (spread(a), spread(b)) {
        (Some(a), Some(b)) => Some(((a * a + b * b) / 2.0).sqrt()),
        (one, other) => one.or(other),
    };
    let cv = cv.or(input.calibrated).filter(|cv| cv.is_finite());
    let distance = (estimate - tolerance.ln_1p()).abs();
    let needed = cv.map_or(least, |cv| power::runs_needed(cv, distance)).max(least);
    if needed >= power::MAX_RUNS { power::MAX_RUNS } else { needed.saturating_sub(have).max(1) }
}
