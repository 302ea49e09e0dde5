//! What runs that should be equal differ by: the noise floor of a scenario on a cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CompareError, MIN_TOLERANCE, environment, numbers, refuse_different, refuse_invalid};
use crate::{
    statistics::{mean_and_deviation, median, power},
    summary::Summary,
};

/// Version of a stored calibration.
pub(crate) const CALIBRATION_SCHEMA_VERSION: u32 = 1;

/// Changes for which the number of runs is told.
const CHANGES: [f64; 4] = [0.02, 0.05, 0.10, 0.20];

/// How many runs on each side a change needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunsForChange {
    /// As a share.
    pub change: f64,
    /// Runs on each side to see it four times out of five; 1000 for out of reach.
    pub runs: u64,
}

/// How a metric varies from run to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CalibratedMetric {
    /// As a gate names it.
    pub metric: String,
    /// UCUM.
    pub unit: String,
    /// Whether every run had enough samples for it.
    pub enough: bool,
    /// Of all runs; `null` when it never came.
    pub median: Option<f64>,
    /// Standard deviation from run to run as a share of the mean.
    pub cv: f64,
    /// Change that `compare` takes as none: the deviation, at least 2 %.
    pub tolerance: f64,
    /// Smallest change that as many runs on each side as were made here see four times out of five.
    pub detectable: f64,
    /// For other changes.
    pub runs_for: Vec<RunsForChange>,
}

/// Runs of one scenario that should be equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    /// `1`
    pub schema_version: u32,
    /// Name of the scenario.
    pub scenario: String,
    /// Of its file.
    pub scenario_digest: String,
    /// Hard keys of the environment with their values; only runs with the same ones are judged by it.
    pub conditions: Vec<(String, String)>,
    /// Ids.
    pub runs: Vec<String>,
    /// Metrics that every run has.
    pub metrics: Vec<CalibratedMetric>,
}

impl Calibration {
    /// The metric of this name.
    pub(crate) fn metric(&self, metric: &str) -> Option<&CalibratedMetric> {
        self.metrics.iter().find(|known| known.metric == metric && known.enough)
    }

    /// Whether it is about runs like this one.
    pub fn fits(&self, summary: &Summary) -> bool {
        let now = environment::conditions(summary);
        // What was not known then, or is not now, says nothing.
        let differs =
            |(key, value): &(String, String)| now.get(key.as_str()).is_some_and(|(_, found)| found != value);
        self.schema_version <= CALIBRATION_SCHEMA_VERSION && !self.conditions.iter().any(differs)
    }
}

fn conditions(summary: &Summary) -> Vec<(String, String)> {
    let all = environment::conditions(summary).into_iter();
    all.filter(|(_, (hard, _))| *hard).map(|(key, (_, value))| (key.to_owned(), value)).collect()
}

/// Learns from runs of one scenario how much they vary.
///
/// # Errors
/// When there are fewer than two, some cannot be trusted, or their conditions differ.
pub fn calibrate(runs: &[Summary]) -> Result<Calibration, CompareError> {
    let (Some(first), true) = (runs.first(), runs.len() >= 2) else {
        return Err(CompareError::Empty { side: if runs.is_empty() { "A" } else { "B" } });
    };
    refuse_invalid(runs.iter())?;
    refuse_different(&environment::differences(runs, &[]), &Default::default())?;
    let all: Vec<numbers::Numbers> = runs.iter().map(numbers::of).collect();
    let names = all.first().into_iter().flat_map(|numbers| numbers.keys());
    let metrics: Vec<CalibratedMetric> = names.filter_map(|name| of_metric(name, &all)).collect();
    if metrics.is_empty() {
        return Err(CompareError::NothingInCommon);
    }
    Ok(Calibration {
        schema_version: CALIBRATION_SCHEMA_VERSION,
        scenario: first.run.scenario.clone(),
        scenario_digest: first.run.scenario_digest.clone(),
        conditions: conditions(first),
        runs: runs.iter().map(|run| run.run.id.clone()).collect(),
        metrics,
    })
}

/// `None` when some run does not have it, or it never came in one.
fn of_metric(name: &str, runs: &[numbers::Numbers]) -> Option<CalibratedMetric> {
    let numbers: Vec<&numbers::Number> = runs.iter().map(|run| run.get(name)).collect::<Option<_>>()?;
    let values: Vec<f64> = numbers.iter().map(|number| number.value).collect();
    let (mean, deviation) = mean_and_deviation(&values).filter(|(mean, _)| mean.is_finite())?;
    let cv = if mean > 0.0 { deviation / mean } else { 0.0 };
    let needed = |change| RunsForChange { change, runs: power::runs_needed(cv, change) };
    Some(CalibratedMetric {
        metric: name.to_owned(),
        unit: numbers.first().map(|number| number.unit.clone()).unwrap_or_default(),
        enough: numbers.iter().all(|number| number.enough),
        median: median(&values),
        cv,
        tolerance: cv.max(MIN_TOLERANCE),
        detectable: power::detectable(cv, runs.len() as u64),
        runs_for: CHANGES.into_iter().map(needed).collect(),
    })
}
