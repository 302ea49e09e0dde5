//! Two groups of runs against each other: did it get slower, and is that sure?
//!
//! The replicate is a run, not a request: each run gives one number for each metric. [`compare`] tests and
//! measures the difference of these, and decides against a tolerance; [`calibrate`] learns from runs that
//! should be equal how much they differ. `numbers` takes the numbers from summaries, `environment` refuses to
//! compare what was not made under the same conditions, `judge` decides one row.

mod calibration;
mod environment;
mod judge;
mod numbers;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    calibration::{CalibratedMetric, Calibration, RunsForChange, calibrate},
    environment::Difference,
};
use self::{
    judge::RowInput,
    numbers::{Direction, Numbers},
};
use crate::{
    statistics::{order::ALPHA, ranks},
    summary::{Summary, Verdict},
};

/// Version of what [`compare`] returns.
pub const COMPARISON_SCHEMA_VERSION: u32 = 1;
/// Change that is too small to matter, when nothing else is said.
pub const MIN_TOLERANCE: f64 = 0.02;
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

/// Why nothing is compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// A side has no runs.
    #[error("side {side} has no runs")]
    Empty {
        /// `A` or `B`.
        side: &'static str,
    },
    /// A run is on both sides.
    #[error("run {run} is on both sides")]
    OnBothSides {
        /// Its id.
        run: String,
    },
    /// Runs whose numbers cannot be trusted.
    #[error("{} of the runs cannot be trusted: {}", runs.len(), runs.join("; "))]
    Invalid {
        /// Each with the reason.
        runs: Vec<String>,
    },
    /// Made under conditions that change the numbers.
    #[error("the runs were not made under the same conditions: {}", describe(differences))]
    Different {
        /// Hard keys that differ and were not allowed.
        differences: Vec<Difference>,
    },
    /// A metric that some run does not have.
    #[error("`{metric}` is not in every run; all runs have {}", known.join(", "))]
    UnknownMetric {
        /// As named.
        metric: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No metric that all runs have.
    #[error("the runs have no metric in common")]
    NothingInCommon,
}

fn describe(differences: &[Difference]) -> String {
    let one = |d: &Difference| {
        let and = if d.b.is_empty() || d.a == d.b { String::new() } else { format!(" and {}", d.b) };
        format!("`{}` is {}{and}", d.key, d.a)
    };
    differences.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangeVerdict {
    /// Worse by more than the tolerance, for sure.
    Regression,
    /// Better by more than the tolerance, for sure.
    Improvement,
    /// Not worse by more than the tolerance, for sure.
    NoRegression,
    /// Neither is sure.
    Inconclusive,
    /// A run has too few samples for the metric, or did not observe it.
    NoData,
}

/// Where a tolerance comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ToleranceSource {
    /// [`MIN_TOLERANCE`].
    Default,
    /// What runs that should be equal differ by.
    Calibration,
    /// The command line.
    Given,
}

/// The numbers of one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SideNumbers {
    /// One for each run, in their order; `null` for what never came.
    pub values: Vec<Option<f64>>,
    /// Their median; `null` for what never came.
    pub median: Option<f64>,
    /// Standard deviation from run to run as a share of the mean; absent for one run, or when one never came.
    pub cv: Option<f64>,
}

/// One metric on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRow {
    /// As a gate names it: `p99(create-pods.response)`.
    pub metric: String,
    /// UCUM.
    pub unit: String,
    /// Whether it decides the verdict of the whole.
    pub primary: bool,
    /// Whether values are only known between bounds in some run; the most likely ones are compared.
    pub bounded: bool,
    /// Before.
    pub a: SideNumbers,
    /// After.
    pub b: SideNumbers,
    /// How many times the value of A the value of B is (Hodges-Lehmann); `null` when that is infinite.
    pub ratio: Option<f64>,
    /// Lower end of its interval; absent when there are too few runs.
    pub low: Option<f64>,
    /// Upper end; absent when there are too few runs, or it is infinite.
    pub high: Option<f64>,
    /// Confidence of the interval.
    pub level: f64,
    /// Chance of such a difference between equal groups (exact Mann-Whitney, two-sided).
    pub p: f64,
    /// The same for several metrics at once: Holm for those that decide, Benjamini-Hochberg for the others.
    pub p_adjusted: f64,
    /// Chance that a run of B has a higher value than one of A.
    pub superiority: f64,
    /// Change that does not matter, as a share.
    pub tolerance: f64,
    /// Where it comes from.
    pub tolerance_from: ToleranceSource,
    /// What it says.
    pub verdict: ChangeVerdict,
    /// About how many more runs on each side would decide it; absent when it is decided, 1000 for out of reach.
    pub more_runs: Option<u64>,
}

/// A side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Ids.
    pub runs: Vec<String>,
    /// Of the first run.
    pub server_version: String,
}

/// Two groups of runs against each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// [`COMPARISON_SCHEMA_VERSION`]
    pub schema_version: u32,
    /// Of the metrics that decide.
    pub verdict: ChangeVerdict,
    /// 11 regression, 0 no regression, 12 inconclusive.
    pub exit_code: u8,
    /// One line: why.
    pub reason: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Before.
    pub a: Side,
    /// After.
    pub b: Side,
    /// Those that decide first.
    pub rows: Vec<ChangeRow>,
    /// What differs between the conditions, and was allowed or does not matter.
    pub differences: Vec<Difference>,
}

/// JSON Schema of [`Comparison`].
pub fn comparison_schema() -> serde_json::Value {
    schemars::schema_for!(Comparison).to_value()
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

/// A run that counts twice would make any difference sure.
fn refuse_repeated(a: &[Summary], b: &[Summary]) -> Result<(), CompareError> {
    let mut seen = BTreeSet::new();
    let repeated = a.iter().chain(b).find(|run| !seen.insert(run.run.id.as_str()));
    match repeated {
        Some(run) => Err(CompareError::OnBothSides { run: run.run.id.clone() }),
        None => Ok(()),
    }
}

fn refuse_invalid<'a>(runs: impl Iterator<Item = &'a Summary>) -> Result<(), CompareError> {
    let cannot =
        |run: &&Summary| run.partial || matches!(run.conclusion.verdict, Verdict::Invalid | Verdict::Skipped);
    let runs: Vec<String> =
        runs.filter(cannot).map(|run| format!("{} ({})", run.run.id, run.conclusion.reason)).collect();
    if runs.is_empty() { Ok(()) } else { Err(CompareError::Invalid { runs }) }
}

fn refuse_different(differences: &[Difference], allowed: &BTreeSet<String>) -> Result<(), CompareError> {
    let refused: Vec<Difference> =
        differences.iter().filter(|d| d.hard && !allowed.contains(&d.key)).cloned().collect();
    if refused.is_empty() { Ok(()) } else { Err(CompareError::Different { differences: refused }) }
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
