//! Two groups of runs against each other: did it get slower, and is that sure?
//!
//! The replicate is a run, not a request: each run gives one number for each metric. [`compare`] tests and
//! measures the difference of these, and decides against a tolerance; [`calibrate`] learns from runs that
//! should be equal how much they differ. `numbers` takes the numbers from summaries, `environment` and
//! `refuse` keep apart what was not made under the same conditions, `judge` decides one row, `comparison` is what
//! comes out.

mod calibration;
mod comparison;
mod environment;
mod judge;
mod numbers;
mod refuse;

use std::collections::{BTreeMap, BTreeSet};

pub use self::{
    calibration::{CalibratedMetric, Calibration, RunsForChange, calibrate},
    comparison::{
        COMPARISON_SCHEMA_VERSION, ChangeRow, ChangeVerdict, Comparison, MIN_TOLERANCE, Side, SideNumbers,
        ToleranceSource, comparison_schema,
    },
    environment::Difference,
    refuse::CompareError,
};
use self::{
    judge::RowInput,
    numbers::{Direction, Numbers},
    refuse::{refuse_different, refuse_invalid, refuse_repeated},
};
use crate::{
    statistics::{order::ALPHA, ranks},
    summary::Summary,
};

/// Metrics that decide when the scenario has no gates on quantiles; more would need more runs each.
const MAX_PRIMARY: usize = 5;

/// What to compare, and what may differ.
#[derive(Debug, Clone, Default)]
pub struct CompareOptions {
    /// As a share; otherwise from the calibration, at least [`MIN_TOLERANCE`].
    pub tolerance: Option<f64>,
    /// Hard keys of the environment that may differ.
    pub allow_different: BTreeSet<String>,
    /// Whether invalid and partial runs count.
    pub allow_invalid: bool,
    /// Metrics that decide, as `p99(create-pods.response)`; otherwise those of the gates.
    pub metrics: Vec<String>,
    /// What runs that should be equal differ by.
    pub calibration: Option<Calibration>,
}

/// Compares runs of `b` with runs of `a`.
///
/// # Errors
/// When runs may not or cannot be compared; not when there are too few of them, which is inconclusive.
pub fn compare(a: &[Summary], b: &[Summary], options: &CompareOptions) -> Result<Comparison, CompareError> {
    let (Some(first_a), Some(first_b)) = (a.first(), b.first()) else {
        let side = if a.is_empty() { "A" } else { "B" };
        return Err(CompareError::Empty { side });
    };
    refuse_repeated(a, b)?;
    if !options.allow_invalid {
        refuse_invalid(a.iter().chain(b))?;
    }
    let differences = environment::differences(a, b);
    refuse_different(&differences, &options.allow_different)?;
    let sides = [a, b].map(|runs| runs.iter().map(numbers::of).collect::<Vec<Numbers>>());
    let common = common(&sides);
    if common.is_empty() {
        return Err(CompareError::NothingInCommon);
    }
    let primary = primary(&common, options)?;
    let rows = rows(&sides, &common, &primary, options);
    let (verdict, reason) = conclude(&rows);
    let side = |runs: &[Summary], first: &Summary| Side {
        runs: runs.iter().map(|run| run.run.id.clone()).collect(),
        server_version: first.run.server_version.clone(),
    };
    Ok(Comparison {
        schema_version: COMPARISON_SCHEMA_VERSION,
        verdict,
        exit_code: exit_code(verdict),
        reason,
        scenario: first_b.run.scenario.clone(),
        a: side(a, first_a),
        b: side(b, first_b),
        rows,
        differences,
    })
}

fn exit_code(verdict: ChangeVerdict) -> u8 {
    match verdict {
        ChangeVerdict::Regression => 11,
        ChangeVerdict::Improvement | ChangeVerdict::NoRegression => 0,
        ChangeVerdict::Inconclusive | ChangeVerdict::NoData => 12,
    }
}

/// Metrics that every run has, with whether a gate names them and which way is better.
fn common(sides: &[Vec<Numbers>; 2]) -> BTreeMap<String, (bool, Direction)> {
    let all = || sides.iter().flatten();
    let Some(first) = all().next() else { return BTreeMap::new() };
    first
        .iter()
        .filter(|(metric, _)| all().all(|run| run.contains_key(*metric)))
        .map(|(metric, number)| {
            let gated = all().all(|run| run.get(metric).is_some_and(|number| number.gated));
            (metric.clone(), (gated, number.direction))
        })
        .collect()
}

/// Those that decide: as named, else those of gates, else p50 and p99 of jobs.
fn primary(
    common: &BTreeMap<String, (bool, Direction)>,
    options: &CompareOptions,
) -> Result<BTreeSet<String>, CompareError> {
    let known = || common.keys().map(|metric| format!("`{metric}`")).collect();
    let named: Vec<String> = options.metrics.iter().map(|metric| numbers::normal(metric)).collect();
    if let Some(metric) = named.iter().find(|metric| !common.contains_key(*metric)) {
        return Err(CompareError::UnknownMetric { metric: metric.clone(), known: known() });
    }
    if !named.is_empty() {
        return Ok(named.into_iter().collect());
    }
    let directed = |direction: &Direction| *direction != Direction::Unknown;
    let gated: BTreeSet<String> = common
        .iter()
        .filter(|(_, (gated, direction))| *gated && directed(direction))
        .map(|(metric, _)| metric.clone())
        .collect();
    if !gated.is_empty() {
        return Ok(gated);
    }
    let of_jobs = common.keys().filter(|metric| metric.ends_with(".response)"));
    let usual = of_jobs.filter(|metric| metric.starts_with("p50(") || metric.starts_with("p99("));
    Ok(usual.take(MAX_PRIMARY).cloned().collect())
}

fn rows(
    sides: &[Vec<Numbers>; 2],
    common: &BTreeMap<String, (bool, Direction)>,
    primary: &BTreeSet<String>,
    options: &CompareOptions,
) -> Vec<ChangeRow> {
    // The interval of each metric that decides is made wider, so that all of them hold together.
    let alpha = ALPHA / primary.len().max(1) as f64;
    let inputs: Vec<(RowInput<'_>, Vec<f64>, Vec<f64>)> = common
        .iter()
        .map(|(metric, (_, direction))| {
            let is_primary = primary.contains(metric);
            let values = |side: &[Numbers]| {
                side.iter().filter_map(|run| run.get(metric)).map(|number| number.value).collect::<Vec<_>>()
            };
            let [a, b] = sides;
            let all = || sides.iter().flatten().filter_map(|run| run.get(metric));
            let input = RowInput {
                metric,
                unit: all().next().map_or("", |number| number.unit.as_str()),
                is_primary,
                is_bounded: all().any(|number| number.bounded),
                is_enough: all().all(|number| number.enough),
                direction: *direction,
                alpha: if is_primary { alpha } else { ALPHA },
                calibrated: options.calibration.as_ref().and_then(|c| c.metric(metric)).map(|m| m.cv),
                tolerance: options.tolerance,
            };
            (input, values(a), values(b))
        })
        .collect();
    let ps: Vec<f64> = inputs.iter().map(|(_, a, b)| ranks::mann_whitney(a, b)).collect();
    let adjusted = adjust(&inputs.iter().map(|(input, ..)| input.is_primary).collect::<Vec<_>>(), &ps);
    let mut rows: Vec<ChangeRow> = inputs
        .iter()
        .zip(ps.iter().zip(&adjusted))
        .map(|((input, a, b), (p, adjusted))| judge::row(input, a, b, *p, *adjusted))
        .collect();
    rows.sort_by_key(|row| !row.primary);
    rows
}

/// Holm among the metrics that decide, Benjamini-Hochberg among the others.
fn adjust(is_primary: &[bool], ps: &[f64]) -> Vec<f64> {
    let of = |wanted: bool| -> Vec<f64> {
        is_primary.iter().zip(ps).filter(|(primary, _)| **primary == wanted).map(|(_, p)| *p).collect()
    };
    let mut holm = ranks::holm(&of(true)).into_iter();
    let mut hochberg = ranks::benjamini_hochberg(&of(false)).into_iter();
    let next = |primary: &bool| if *primary { holm.next() } else { hochberg.next() };
    is_primary.iter().map(next).map(|p| p.unwrap_or(1.0)).collect()
}

fn conclude(rows: &[ChangeRow]) -> (ChangeVerdict, String) {
    let of = |verdict| rows.iter().filter(move |row| row.primary && row.verdict == verdict);
    let named = |first: &ChangeRow, n: usize| {
        let more = if n > 1 { format!(" (and {} more)", n - 1) } else { String::new() };
        format!("`{}`{more}", first.metric)
    };
    let many = |verdict| of(verdict).count();
    if let Some(row) = of(ChangeVerdict::Regression).next() {
        let verdict = ChangeVerdict::Regression;
        return (verdict, format!("{} got worse by {}", named(row, many(verdict)), judge::change(row)));
    }
    if let Some(row) = of(ChangeVerdict::NoData).next() {
        let name = named(row, many(ChangeVerdict::NoData));
        return (ChangeVerdict::NoData, format!("{name} has too few samples in some run"));
    }
    if let Some(row) = of(ChangeVerdict::Inconclusive).max_by_key(|row| row.more_runs) {
        let more = match row.more_runs {
            Some(n) if n < crate::statistics::power::MAX_RUNS => {
                format!("needs about {n} more run{} on each side", if n == 1 { "" } else { "s" })
            }
            _ => "more runs will hardly decide it".to_owned(),
        };
        let name = named(row, many(ChangeVerdict::Inconclusive));
        return (ChangeVerdict::Inconclusive, format!("{name} may or may not be worse; {more}"));
    }
    if let Some(row) = of(ChangeVerdict::Improvement).next() {
        let name = named(row, many(ChangeVerdict::Improvement));
        return (ChangeVerdict::Improvement, format!("{name} got better by {}", judge::change(row)));
    }
    match of(ChangeVerdict::NoRegression).next() {
        Some(row) => {
            let tolerance = format!("{:.1} %", row.tolerance * 100.0);
            let name = named(row, many(ChangeVerdict::NoRegression));
            (ChangeVerdict::NoRegression, format!("{name} did not get worse by more than {tolerance}"))
        }
        None => (ChangeVerdict::NoData, "no metric decides".to_owned()),
    }
}
