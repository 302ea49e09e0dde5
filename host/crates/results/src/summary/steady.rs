//! Whether a job's response settled, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the response did over the measured time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SteadyState {
    /// Too short to say.
    TooShort,
    /// The same all the time.
    Steady,
    /// Steady after a warm-up that the scenario did not take off.
    WarmedUp,
    /// Never settled within the first half.
    NotSteady,
    /// Settled, then rose or fell all the time.
    Drifting,
}

/// Where the end of the warm-up comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WarmupMethod {
    /// The scenario says `warmup`.
    Given,
    /// The marginal standard error rule on batches of five seconds (White 1997).
    Mser5,
}

/// How the response of a job moved. Says what it found; no number of the summary leaves anything out
/// because of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SteadySummary {
    /// Name of the job.
    pub source: String,
    /// `response`
    pub metric: String,
    /// What it did.
    pub state: SteadyState,
    /// Seconds that were looked at, warm-up of the scenario not included.
    pub seconds: u32,
    /// Where `warmup_seconds` comes from; absent when it is too short to say.
    pub method: Option<WarmupMethod>,
    /// Seconds of warm-up: those of the scenario, or those that the rule would take off.
    pub warmup_seconds: Option<u32>,
    /// Median of all that counts.
    pub p50_ns: Option<u64>,
    /// Median without the seconds that the rule would take off.
    pub p50_settled_ns: Option<u64>,
    /// Change over the settled time as a share of its median (Theil-Sen slope).
    pub drift: Option<f64>,
    /// Chance of such a trend where there is none (Mann-Kendall).
    pub drift_p: Option<f64>,
}
