//! What is left of a run after aggregation: the content of `summary.json`.
//!
//! Plain values for reports, comparisons and machines, with a published JSON Schema. Durations are in
//! nanoseconds, shares from 0 to 1; a value that never came is `null` where a number is expected. Made by
//! `summarize` alone.

use std::collections::BTreeMap;

use bench_model::Phase;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// The API server's clock against the run's.
    pub clock: Option<ClockSummary>,
    /// Absent when nothing was cleaned up.
    pub cleanup: Option<CleanupSummary>,
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
}

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

/// A quantile between its bounds; `null` is a value that never came, above every number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuantileBounds {
    /// From 0 to 1.
    pub q: f64,
    /// Lower bound.
    pub low: Option<u64>,
    /// Upper bound; the same when the value is exact.
    pub high: Option<u64>,
    /// Whether there are enough samples for it: p50 6, p90 36, p95 72, p99 368, p99.9 3688.
    pub enough: bool,
}

/// A distribution, what never came included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    /// UCUM.
    pub unit: String,
    /// All values, missing ones included.
    pub n: u64,
    /// Never came, or stand for a failure; rank above every number.
    pub missing: u64,
    /// Whether some values are known only between bounds.
    pub bounded: bool,
    /// Smallest value that came, lower bound.
    pub min: Option<u64>,
    /// Mean of what came.
    pub mean: Option<f64>,
    /// Largest value, upper bound; absent when one is missing.
    pub max: Option<u64>,
    /// p50, p90, p95, p99, p99.9; empty when there is no value.
    pub quantiles: Vec<QuantileBounds>,
}

impl Distribution {
    /// One of the quantiles that are kept.
    pub fn quantile(&self, q: f64) -> Option<&QuantileBounds> {
        self.quantiles.iter().find(|quantile| quantile.q == q)
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It did all of its plan.
    Completed,
    /// The plugin gave up.
    Failed,
    /// The plugin broke.
    Faulted,
    /// The run stopped first.
    Stopped,
    /// It never started.
    Skipped,
    /// The record ends before the job does.
    Unfinished,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSummary {
    /// In the scenario.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not complete; the plugin's own words.
    pub message: Option<String>,
    /// Of its load phase: first due to last done of its queues but `setup`. Absent without operations.
    pub elapsed_ns: Option<u64>,
    /// Operations that count: of its queues but `setup`, not in warm-up.
    pub operations: u64,
    /// Those that failed or were never answered.
    pub failed: u64,
    /// All queues, `setup` last.
    pub queues: Vec<QueueSummary>,
    /// Failures by kind, most frequent first.
    pub errors: Vec<ErrorSummary>,
    /// Done - due, of operations that count; a failed one never comes.
    pub response: Distribution,
    /// Done - sent.
    pub service: Distribution,
    /// Sent - due.
    pub lag: Distribution,
}

/// A queue of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueSummary {
    /// In the scenario.
    pub name: String,
    /// Whether it counts: all but `setup`.
    pub counts: bool,
    /// As `50/s`; absent for a closed loop.
    pub rate: Option<String>,
    /// Operations that may be due at once.
    pub burst: u32,
    /// Requests that may be in flight.
    pub in_flight: u32,
    /// Operations that the plugin asked for, those in warm-up too.
    pub asked: u64,
    /// Operations that were due, not in warm-up.
    pub due: u64,
    /// Those of them that left.
    pub sent: u64,
    /// Those of them that were answered.
    pub answered: u64,
    /// Sent of due; absent when none was due.
    pub delivered: Option<f64>,
    /// Due operations a second, from the first to the last; absent for fewer than two.
    pub due_rate: Option<f64>,
    /// The same of sent ones.
    pub achieved_rate: Option<f64>,
    /// Operations that waited for the in-flight window.
    pub held_by_in_flight: u64,
    /// Operations that waited for the limiter of the run.
    pub held_by_limiter: u64,
    /// Operations that the plugin asked for after they were due.
    pub late_plugin: u64,
    /// Done - due.
    pub response: Distribution,
    /// Done - sent.
    pub service: Distribution,
    /// Sent - due.
    pub lag: Distribution,
}

/// Operations that failed in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorSummary {
    /// Of which queue.
    pub queue: String,
    /// What was asked.
    pub verb: String,
    /// Of what.
    pub resource: String,
    /// 0 when there was no answer.
    pub http_status: u16,
    /// `metav1.Status` reason, or the host's own word.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// One full message.
    pub example: String,
}

/// A metric of a plugin with one label set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricSummary {
    /// Name of the measurement or job.
    pub source: String,
    /// As the plugin declared.
    pub name: String,
    /// Label values by name.
    pub labels: BTreeMap<String, String>,
    /// UCUM.
    pub unit: String,
    /// Of a histogram.
    pub distribution: Option<Distribution>,
    /// Total of a counter, last value of a gauge.
    pub value: Option<f64>,
}

/// What a measurement returned at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportSummary {
    /// Name of the measurement.
    pub source: String,
    /// Any JSON.
    pub report: serde_json::Value,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableSummary {
    /// Name of the measurement or job.
    pub source: String,
    /// As the plugin declared.
    pub name: String,
    /// Below the run directory; one JSON object a line.
    pub file: String,
    /// How many.
    pub rows: u64,
}

/// A step on an object's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The column.
    pub name: String,
    /// Time since the step before; absent when it never came.
    pub took_ns: Option<u64>,
}

/// One of the slowest objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlowObject {
    /// Name of the measurement or job.
    pub source: String,
    /// `namespace/name`, as far as the table tells.
    pub object: String,
    /// Where it ran, when the table tells.
    pub node: Option<String>,
    /// The column that ranks.
    pub metric: String,
    /// Its value; absent when it never came.
    pub value_ns: Option<u64>,
    /// The step that took longest, or the first that never came.
    pub longest: Option<Step>,
    /// The table's own word, from a column `reason`.
    pub reason: Option<String>,
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

/// Bounds of `server - run`, of all that were measured the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClockSummary {
    /// Lowest offset.
    pub low_ns: i64,
    /// Highest offset.
    pub high_ns: i64,
}

/// What cleaning up did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CleanupSummary {
    /// Objects deleted.
    pub deleted: u64,
    /// Up to 20 that are still there.
    pub remaining: Vec<String>,
    /// What went wrong.
    pub errors: Vec<String>,
}

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
    /// Less than 99 % of what was due left.
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
    /// Why it is not a pass; empty when it is.
    pub reason: String,
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
