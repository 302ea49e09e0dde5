//! The closed list of things that can happen in a run.
//!
//! Made by the engine and by host functions, in order; recorders and progress displays read them. On the
//! hot path events are batches: one for up to 256 operations, one for each call of an instrument.

use serde::{Deserialize, Serialize};

use crate::{Digest, JobName, MetricName, Operation, PluginName, QueueName, QueueSpec, ResourceRef, TimeNs};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
    };
}

number_id!(
    /// A queue of this run, announced by [`RunEvent::QueueOpened`].
    QueueId
);
number_id!(
    /// An instrument of this run, announced by [`RunEvent::InstrumentOpened`].
    InstrumentId
);
number_id!(
    /// A table of this run, announced by [`RunEvent::TableOpened`].
    TableId
);
number_id!(
    /// A resource of this run, announced by [`RunEvent::ResourceSeen`].
    ResourceId
);
number_id!(
    /// A reason of this run, announced by [`RunEvent::ReasonSeen`].
    ReasonId
);

impl ReasonId {
    /// Nothing went wrong.
    pub const NONE: Self = Self(0);
}

/// A part of a run; only `Measure` counts towards thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Plugins prepare.
    Setup,
    /// Load that does not count.
    Warmup,
    /// Load that counts.
    Measure,
    /// No load; late observations still count.
    Settle,
    /// Everything is removed.
    Teardown,
}

impl Phase {
    /// The word in `wit/deps/base/run.wit`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Warmup => "warmup",
            Self::Measure => "measure",
            Self::Settle => "settle",
            Self::Teardown => "teardown",
        }
    }
}

/// A name with its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label {
    /// What.
    pub name: String,
    /// Which.
    pub value: String,
}

/// Metric that the host adds to measurements which watch what the run creates: from the creation of an object to
/// its event, in ns.
pub const WATCH_LAG: &str = "watch-lag";

/// What an instrument keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InstrumentKind {
    /// A distribution.
    Histogram,
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For authors.
    Debug,
    /// For users.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}

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
    /// Objects deleted, namespaces included.
    pub deleted: u64,
    /// Objects that are still there, as `kind namespace/name`; up to 20.
    pub remaining: Vec<String>,
    /// What could not be looked at or deleted, for people.
    pub errors: Vec<String>,
}

impl CleanupOutcome {
    /// Whether nothing of the run is left.
    pub fn is_complete(&self) -> bool {
        self.remaining.is_empty() && self.errors.is_empty()
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// A phase began.
    PhaseStarted {
        /// Which.
        phase: Phase,
        /// When.
        at: TimeNs,
    },
    /// A job's load begins.
    JobStarted {
        /// Which.
        job: JobName,
        /// When.
        at: TimeNs,
    },
    /// A job ended.
    JobFinished {
        /// Which.
        job: JobName,
        /// When.
        at: TimeNs,
        /// How.
        outcome: JobOutcome,
    },
    /// Gives a queue its number.
    QueueOpened {
        /// The number.
        queue: QueueId,
        /// Of which job.
        job: JobName,
        /// Its name in the scenario.
        name: QueueName,
        /// Its pacing.
        spec: QueueSpec,
        /// When its due times start to count.
        at: TimeNs,
    },
    /// Gives a resource its number.
    ResourceSeen {
        /// The number.
        resource: ResourceId,
        /// Kind, without a namespace.
        target: ResourceRef,
    },
    /// Gives a reason its number.
    ReasonSeen {
        /// The number.
        reason: ReasonId,
        /// `metav1.Status` reason, or the host's own word.
        text: String,
        /// One full message.
        example: String,
    },
    /// Operations that ended.
    Operations {
        /// Of which queue.
        queue: QueueId,
        /// In order of their ends.
        operations: Vec<Operation>,
    },
    /// What an open queue did so far; told several times a second, for whoever shows the run while it goes on.
    QueueCounted {
        /// Which.
        queue: QueueId,
        /// What it did so far.
        totals: QueueTotals,
        /// When.
        at: TimeNs,
    },
    /// A queue closed.
    QueueClosed {
        /// Which.
        queue: QueueId,
        /// What it did.
        totals: QueueTotals,
        /// When.
        at: TimeNs,
    },
    /// Gives an instrument its number.
    InstrumentOpened {
        /// The number.
        instrument: InstrumentId,
        /// Name of the measurement or job.
        source: String,
        /// As declared.
        name: MetricName,
        /// What it keeps.
        kind: InstrumentKind,
        /// UCUM.
        unit: String,
        /// Sorted by name.
        labels: Vec<Label>,
    },
    /// Exact values of a histogram.
    Observed {
        /// Of which.
        instrument: InstrumentId,
        /// When the host got them.
        at: TimeNs,
        /// [`crate::NEVER`] means missing.
        values: Vec<u64>,
    },
    /// Values known between bounds.
    ObservedBetween {
        /// Of which.
        instrument: InstrumentId,
        /// When the host got them.
        at: TimeNs,
        /// Lower bounds.
        low: Vec<u64>,
        /// Upper bounds, as many.
        high: Vec<u64>,
    },
    /// A counter grew.
    Counted {
        /// Which.
        instrument: InstrumentId,
        /// When.
        at: TimeNs,
        /// By how much.
        n: u64,
    },
    /// A gauge was set.
    Gauged {
        /// Which.
        instrument: InstrumentId,
        /// When.
        at: TimeNs,
        /// To what.
        value: f64,
    },
    /// Gives a table its number.
    TableOpened {
        /// The number.
        table: TableId,
        /// Name of the measurement or job.
        source: String,
        /// As declared.
        declaration: crate::TableDeclaration,
    },
    /// Rows of a table.
    Rows {
        /// Of which.
        table: TableId,
        /// One cell a row in each; text columns as texts.
        columns: Vec<crate::Column>,
    },
    /// Bytes of a file kept with the run.
    Artifact {
        /// Name of the measurement or job.
        source: String,
        /// File name, without a path.
        name: String,
        /// Media type.
        media_type: String,
        /// What comes next in it.
        bytes: Vec<u8>,
    },
    /// What a measurement's `finish` returned: JSON.
    MeasurementReport {
        /// Name of the measurement.
        source: String,
        /// As the guest wrote it, known to be JSON.
        json: String,
    },
    /// A plugin's message.
    Log {
        /// Name of the measurement or job; empty for the host's own.
        source: String,
        /// How much it matters.
        level: LogLevel,
        /// When.
        at: TimeNs,
        /// The guest's text.
        message: String,
        /// The guest's fields.
        fields: Vec<Label>,
    },
    /// Messages that were over a plugin's limit.
    LogsDropped {
        /// Name of the measurement or job.
        source: String,
        /// How many.
        n: u64,
    },
    /// Something was not observed.
    Gap(Gap),
    /// A wait of a workload ended.
    Waited {
        /// Of which job.
        job: JobName,
        /// When.
        at: TimeNs,
        /// How.
        outcome: WaitOutcome,
    },
    /// A measurement ended its work early.
    MeasurementFailed {
        /// Name of the measurement.
        source: String,
        /// When.
        at: TimeNs,
        /// Its own words, or the text of its fault.
        message: String,
        /// Set when the plugin broke.
        fault: Option<PluginFault>,
    },
    /// Bounds of the API server's clock against the run's: `server - run`.
    ClockOffset {
        /// When it was measured.
        at: TimeNs,
        /// Lowest offset.
        low: TimeNs,
        /// Highest offset.
        high: TimeNs,
    },
    /// Something that a reader of the report must know.
    Doubt {
        /// For people.
        message: String,
    },
    /// What the cluster and the machine were like after cleaning up, to compare with the header of the record.
    EnvironmentSeen {
        /// Objects by resource, as `pods`; those that may not be listed are absent.
        objects: std::collections::BTreeMap<String, u64>,
        /// Periods in which the control group of the program was held back while the run went on.
        throttled_periods: Option<u64>,
    },
    /// Somebody who watched the run marked this moment.
    Marked {
        /// From 1, in order.
        number: u32,
        /// When.
        at: TimeNs,
    },
    /// The run stops before its plan is done.
    Stopping {
        /// Why.
        reason: StopReason,
        /// When.
        at: TimeNs,
    },
    /// Cleaning up ended.
    CleanedUp {
        /// What it did.
        outcome: CleanupOutcome,
        /// When.
        at: TimeNs,
    },
}
