//! What a comparison says, as it is written as JSON: a verdict, and a row for each metric.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Difference;

/// Version of what [`compare`](fn@super::compare) returns.
pub const COMPARISON_SCHEMA_VERSION: u32 = 1;
/// Change that is too small to matter, when nothing else is said.
pub const MIN_TOLERANCE: f64 = 0.02;

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
