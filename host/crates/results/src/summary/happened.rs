//! What happened besides operations and samples: phases, waits, gaps, faults, logs, marks, clock, cleanup.

use bench_model::Phase;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a phase began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhaseSummary {
    /// `setup`, `warmup`, `measure`, `settle` or `teardown`.
    pub phase: String,
    /// Since the start of the run.
    pub at_ns: i64,
}

impl PhaseSummary {
    pub(crate) fn new(phase: Phase, at_ns: i64) -> Self {
        Self { phase: phase.as_str().to_owned(), at_ns }
    }
}

/// A wait of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitSummary {
    /// Of which job.
    pub job: String,
    /// As `deployments.apps`.
    pub resource: String,
    /// Empty for all.
    pub namespace: String,
    /// As `kubectl wait --for`.
    pub condition: String,
    /// Objects that met it.
    pub met: u32,
    /// Objects that did not.
    pub unmet: u32,
    /// Up to 20 of these with what was missing.
    pub examples: Vec<String>,
    /// What kept pods from starting when the wait ended, as `40 pods Unschedulable: …`; most frequent first.
    #[serde(default)]
    pub causes: Vec<String>,
}

/// Something was not observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GapSummary {
    /// Name of the measurement.
    pub measurement: String,
    /// As `pods`.
    pub resource: String,
    /// Why.
    pub reason: String,
    /// How often.
    pub count: u64,
    /// Rows known to be lost; absent when that cannot be known.
    pub rows: Option<u64>,
    /// Whether a relist made it whole.
    pub relisted: bool,
}

/// A plugin that broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FaultSummary {
    /// Name in the scenario.
    pub plugin: String,
    /// `sha256:…`
    pub digest: String,
    /// Name of the job or measurement.
    pub user: String,
    /// The function that was running.
    pub function: String,
    /// For people.
    pub message: String,
}

/// A warning or an error in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogSummary {
    /// Name of the measurement or job; empty for the host.
    pub source: String,
    /// `warn` or `error`.
    pub level: String,
    /// Since the start of the run.
    pub at_ns: i64,
    /// The text.
    pub message: String,
}

/// A moment that somebody marked while the run went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkSummary {
    /// From 1, in order.
    pub number: u32,
    /// Since the start of the run.
    pub at_ns: i64,
}

/// Bounds of `server - run`, of all that were measured the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClockSummary {
    /// Lowest offset.
    pub low_ns: i64,
    /// Highest offset.
    pub high_ns: i64,
    /// How often it was measured.
    #[serde(default)]
    pub measured: u64,
    /// What the clocks part in a second.
    #[serde(default)]
    pub drift: Option<DriftSummary>,
}

/// How fast the API server's clock runs away from the run's: bounds of the slope of every straight line that goes
/// through all measured bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftSummary {
    /// Least, in ns for a second; 1,000 is one part in a million.
    pub low_ns_per_second: i64,
    /// Most.
    pub high_ns_per_second: i64,
}

/// What cleaning up did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CleanupSummary {
    /// Namespaces deleted, and objects outside of them. What was in a namespace went with it and is not counted.
    pub deleted: u64,
    /// Of these namespaces.
    #[serde(default)]
    pub namespaces: u64,
    /// Up to 20 that are still there.
    pub remaining: Vec<String>,
    /// What went wrong.
    pub errors: Vec<String>,
}
