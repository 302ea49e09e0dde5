//! Findings and gates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ThresholdVerdict;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FindingKind {
    /// The record has no end.
    Partial,
    /// The run stopped before its plan was done.
    Stopped,
    /// A plugin broke.
    PluginFault,
    /// A measurement ended early.
    MeasurementFailed,
    /// A job gave up.
    JobFailed,
    /// Less of what was due left than must.
    NotDelivered,
    /// The load left too late.
    LateLoad,
    /// Observations were lost.
    LostObservations,
    /// A watch had to start again; nothing was lost.
    Relisted,
    /// HTTP 429.
    TooManyRequests,
    /// Objects did not reach what was waited for.
    UnmetWait,
    /// Something of the run is left on the cluster.
    CleanupIncomplete,
    /// A plugin wrote more log than it may.
    LogsDropped,
    /// The response did not settle within the first half of the measured time.
    NoSteadyState,
    /// The response rose or fell all the time.
    Drifting,
    /// The first seconds differ from the rest, and the scenario has no `warmup` that takes them off.
    WarmupIncluded,
    /// The cluster or the machine of the load changed while the run went on.
    EnvironmentChanged,
    /// The API server's clock did not go evenly: it was set, or several servers answered.
    ClockSet,
    /// Anything else.
    Doubt,
}

/// What a reader must know before believing a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// Whether it makes the run invalid.
    pub invalidates: bool,
    /// Name of the job or measurement; empty for the run.
    pub source: String,
    /// For people, with the numbers.
    pub message: String,
}

/// Interval of what a gate is about.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdConfidence {
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// A gate and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdSummary {
    /// As written.
    pub text: String,
    /// What it says.
    pub verdict: ThresholdVerdict,
    /// UCUM unit of the values; `1` for shares and counts.
    pub unit: String,
    /// Lower bound of the observed value; `null` when it never came or there is none.
    pub low: Option<f64>,
    /// Upper bound; `null` when it never came or there is none.
    pub high: Option<f64>,
    /// Whether there is a value at all; tells a missing value from an infinite one.
    pub observed: bool,
    /// The limit, in the unit.
    pub limit: f64,
    /// Samples that it rests on.
    pub n: u64,
    /// Samples that it needs.
    pub needed: u64,
    /// 95 % confidence interval of a quantile, in the unit; a side is `null` when it never came or cannot be
    /// known. Absent for what is no quantile and for too few samples.
    #[serde(default)]
    pub confidence: Option<ThresholdConfidence>,
    /// Why it is not a pass; empty when it is.
    pub reason: String,
}
