//! What is left of a run after aggregation: the content of `summary.json`.
//!
//! Plain values for reports, comparisons and machines, with a published JSON Schema. Durations are in
//! nanoseconds, shares from 0 to 1; a value that never came is `null` where a number is expected. Made by
//! `summarize` alone.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod distribution;
mod environment;
mod happened;
mod job;
mod judged;
mod measured;
mod steady;
mod validity;

pub use distribution::{
    Confidence, ConfidenceMethod, Distribution, Estimate, EstimateMethod, QuantileBounds,
};
pub use environment::{EnvironmentSummary, GroupFacts, NodeShape};
pub use happened::{
    CleanupSummary, ClockSummary, DriftSummary, FaultSummary, GapSummary, LogSummary, MarkSummary,
    PhaseSummary, WaitSummary,
};
pub use job::{ErrorSummary, JobSummary, Outcome, QueueSummary};
pub use judged::{Finding, FindingKind, ThresholdConfidence, ThresholdSummary};
pub use measured::{MetricSummary, ReportSummary, SlowObject, Step, TableSummary};
pub use steady::{SteadyState, SteadySummary, WarmupMethod};
pub use validity::ValiditySummary;

/// Version of `summary.json`.
pub const SUMMARY_SCHEMA_VERSION: u32 = 1;

/// What a run or a gate says; only `Pass` is a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Every gate passed, on numbers that can be trusted.
    Pass,
    /// A gate failed, or a job gave up.
    Fail,
    /// A gate had no data, too few samples, or a limit between the bounds of its value.
    NoData,
    /// The numbers cannot be trusted.
    Invalid,
    /// Nothing was run.
    Skipped,
}

/// The verdict on a gate.
pub type ThresholdVerdict = Verdict;

/// The verdict on the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conclusion {
    /// See [`exit_code`] for the order in which they win.
    pub verdict: Verdict,
    /// Of the process.
    pub exit_code: u8,
    /// One line: why.
    pub reason: String,
}

/// A run, summarised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// [`SUMMARY_SCHEMA_VERSION`] when written.
    pub schema_version: u32,
    /// Which run.
    pub run: RunFacts,
    /// The verdict.
    pub conclusion: Conclusion,
    /// Whether the record has no end.
    pub partial: bool,
    /// Why, when it has none.
    pub partial_reasons: Vec<String>,
    /// Length of the run.
    pub length_ns: u64,
    /// Phases, in order.
    pub phases: Vec<PhaseSummary>,
    /// Gates, in the order of the scenario.
    pub thresholds: Vec<ThresholdSummary>,
    /// What a reader must know before believing a number.
    pub findings: Vec<Finding>,
    /// The bounds behind those findings that make a run invalid.
    #[serde(default)]
    pub validity: ValiditySummary,
    /// Jobs, in order of the plan.
    pub jobs: Vec<JobSummary>,
    /// Metrics of measurements and jobs, one for each label set, sorted.
    pub metrics: Vec<MetricSummary>,
    /// What measurements returned at the end.
    pub reports: Vec<ReportSummary>,
    /// Tables, where their rows are.
    pub tables: Vec<TableSummary>,
    /// Worst objects of the tables, worst first.
    pub slowest: Vec<SlowObject>,
    /// Waits of workloads.
    pub waits: Vec<WaitSummary>,
    /// What was not observed.
    pub gaps: Vec<GapSummary>,
    /// Plugins that broke.
    pub faults: Vec<FaultSummary>,
    /// Warnings and errors of plugins and host, the first 100.
    pub logs: Vec<LogSummary>,
    /// Moments that somebody marked while the run went on, the first 1000.
    #[serde(default)]
    pub marks: Vec<MarkSummary>,
    /// The API server's clock against the run's.
    pub clock: Option<ClockSummary>,
    /// Absent when nothing was cleaned up.
    pub cleanup: Option<CleanupSummary>,
    /// Whether jobs settled, in their order.
    #[serde(default)]
    pub steady: Vec<SteadySummary>,
    /// Where the run was made.
    #[serde(default)]
    pub environment: EnvironmentSummary,
}

impl Summary {
    /// Operations whose last answer was 429.
    pub fn refused(&self) -> u64 {
        let errors = self.jobs.iter().flat_map(|job| &job.errors);
        errors.filter(|error| error.http_status == 429).map(|error| error.count).sum()
    }

    /// Requests that were answered with 429 and sent once more.
    pub fn sent_again(&self) -> u64 {
        self.jobs.iter().flat_map(|job| &job.queues).map(|queue| queue.sent_again).sum()
    }
}

/// Facts of `run.json` that reports show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunFacts {
    /// UUID.
    pub id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// `sha256:…` of its file.
    pub scenario_digest: String,
    /// `sha256:…` of what makes its load, see `run.json`; empty when unknown.
    #[serde(default)]
    pub load_digest: String,
    /// RFC 3339.
    pub started_at: String,
    /// All random numbers came from it.
    pub seed: u64,
    /// Version of `bench`.
    pub bench_version: String,
    /// URL of the API server.
    pub server: String,
    /// Of the API server.
    pub server_version: String,
    /// Whether the cluster was the embedded simulated one.
    pub simulated: bool,
    /// Digest of each plugin, by its name in the scenario.
    pub plugins: BTreeMap<String, String>,
    /// Set when it is one of several runs that were made together.
    #[serde(default)]
    pub group: Option<GroupFacts>,
}

/// The exit code for a run: of several that apply the first in the order deadline (20), interrupt (130),
/// terminate (143), invalid (13), fail (10), no data or skipped (12), cleanup incomplete (15), pass (0).
/// Invalid wins over fail: a gate that failed on numbers nobody can trust says nothing.
pub fn exit_code(summary: &Summary) -> u8 {
    summary.conclusion.exit_code
}

/// JSON Schema of `summary.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Summary).to_value()
}
