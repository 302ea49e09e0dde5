//! Jobs, their queues and their errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Distribution;

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
    /// Requests that were answered with 429 and sent once more, those in warm-up too.
    #[serde(default)]
    pub sent_again: u64,
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
