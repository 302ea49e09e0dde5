//! How things end: jobs, queues, waits, cleaning up; and what goes wrong on the way.

use serde::{Deserialize, Serialize};

use crate::{Digest, PluginName, ResourceRef, TimeNs};

/// Why a run stopped before its plan was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StopReason {
    /// The deadline of the scenario.
    Deadline,
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// The cluster went away.
    ClusterLost,
    /// The record could not be written.
    RecordFailed,
}

/// How a guest broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// It executed a trap: unreachable, out of bounds, a panic.
    Trapped,
    /// It computed longer than its limit without calling the host.
    OutOfTime,
    /// It asked for more memory than its limit and died of it.
    OutOfMemory,
    /// It called something that it was not granted, or broke a rule of the interface.
    BrokeContract,
}

/// A guest that broke: never the host's fault, never an answer of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("plugin `{plugin}` ({digest}) in `{user}`: {message}")]
pub struct PluginFault {
    /// Name in the scenario.
    pub plugin: PluginName,
    /// Which component.
    pub digest: Digest,
    /// Name of the job or of the measurement.
    pub user: String,
    /// Its function that was running.
    pub function: String,
    /// How it broke.
    pub kind: FaultKind,
    /// For people, with the limit that was broken; the guest's own text is escaped by whoever prints it.
    pub message: String,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum JobOutcome {
    /// It did all of its plan.
    Completed,
    /// The plugin gave up, with its own words.
    Failed {
        /// The guest's text.
        message: String,
    },
    /// The plugin broke.
    Faulted {
        /// How.
        fault: PluginFault,
    },
    /// The run stopped first.
    Stopped,
    /// An earlier job ended the run.
    Skipped,
}

/// What a queue did, when it closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueTotals {
    /// Operations that the plugin asked for.
    pub asked: u64,
    /// Operations that were due before the queue closed.
    pub due: u64,
    /// Requests that left.
    pub sent: u64,
    /// Answers of whatever status.
    pub answered: u64,
    /// Operations that waited for the in-flight window.
    pub held_by_in_flight: u64,
    /// Operations that waited for the run-wide limiter.
    pub held_by_limiter: u64,
    /// Requests that were answered with 429 and sent once more, under `onTooManyRequests: backoff`.
    #[serde(default)]
    pub sent_again: u64,
    /// Operations whose parameters came after they were due: the plugin was late.
    pub late_plugin: u64,
}

/// How a wait of a workload ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitOutcome {
    /// Kind.
    pub target: ResourceRef,
    /// As `kubectl wait --for`.
    pub condition: String,
    /// Objects that met it.
    pub met: u32,
    /// Objects that did not.
    pub unmet: u32,
    /// When the last one met it; [`TimeNs::NEVER`] when none did.
    pub last_met_at: TimeNs,
    /// Up to 20 objects that did not, with what was missing.
    pub examples: Vec<String>,
    /// Why it ended before its time: what keeps pods from starting. Empty when nothing was stuck.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<StuckCause>,
}

/// What keeps pods from starting, for good as far as can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StuckCause {
    /// How many.
    pub pods: u32,
    /// `Unschedulable`, `FailedCreatePodSandBox`: the word of the condition or the event.
    pub reason: String,
    /// Its message, without what is different for each pod.
    pub message: String,
}

/// Something was not observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Name of the measurement that lost it.
    pub measurement: String,
    /// What was watched.
    pub target: ResourceRef,
    /// When it was noticed.
    pub at: TimeNs,
    /// Why: `watch expired`, `queue overflow`, `connection lost`.
    pub reason: String,
    /// Rows known to be lost; `None` when that cannot be known.
    pub rows: Option<u64>,
    /// Whether a relist made it whole: no object was missed, though steps between may be.
    pub relisted: bool,
}

/// What cleaning up found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CleanupOutcome {
    /// Namespaces deleted, and objects outside of them. What was in a namespace went with it and is not counted.
    pub deleted: u64,
    /// Of these namespaces.
    #[serde(default)]
    pub namespaces: u64,
    /// Objects that are still there, as `kind namespace/name`; up to 20.
    pub remaining: Vec<String>,
    /// What could not be looked at or deleted, for people.
    pub errors: Vec<String>,
}

impl CleanupOutcome {
    /// What is gone, for people: `2 namespaces with all that was in them and 1 other object`.
    pub fn gone(&self) -> String {
        let others = self.deleted.saturating_sub(self.namespaces);
        let namespaces = match self.namespaces {
            1 => "1 namespace with all that was in it".to_owned(),
            n => format!("{n} namespaces with all that was in them"),
        };
        let objects = |which: &str| format!("{others} {which}object{}", if others == 1 { "" } else { "s" });
        match (self.namespaces, others) {
            (0, _) => objects(""),
            (_, 0) => namespaces,
            _ => format!("{namespaces} and {}", objects("other ")),
        }
    }

    /// Whether nothing of the run is left.
    pub fn is_complete(&self) -> bool {
        self.remaining.is_empty() && self.errors.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_told_without_counting_what_went_with_a_namespace() {
        let gone =
            |namespaces, deleted| CleanupOutcome { deleted, namespaces, ..CleanupOutcome::default() }.gone();
        assert_eq!(gone(0, 0), "0 objects");
        assert_eq!(gone(0, 1), "1 object");
        assert_eq!(gone(1, 1), "1 namespace with all that was in it");
        assert_eq!(gone(2, 2), "2 namespaces with all that was in them");
        assert_eq!(gone(2, 5), "2 namespaces with all that was in them and 3 other objects");
    }
}
