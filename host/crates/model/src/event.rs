//! The closed list of things that can happen in a run.
//!
//! Made by the engine and by host functions, in order; recorders and progress displays read them. On the
//! hot path events are batches: one for up to 256 operations, one for each call of an instrument.

mod outcome;
mod part;

pub use self::{
    outcome::{
        CleanupOutcome, FaultKind, Gap, JobOutcome, PluginFault, QueueTotals, StopReason, StuckCause,
        WaitOutcome,
    },
    part::{
        HOST_SOURCE, InstrumentId, InstrumentKind, Label, LogLevel, Phase, QueueId, ReasonId, ResourceId,
        TableId, WATCH_LAG,
    },
};
use crate::{JobName, MetricName, Operation, QueueName, QueueSpec, ResourceRef, TimeNs};

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
