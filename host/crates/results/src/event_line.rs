//! One line of `events.ndjson`: everything that happened but single operations and samples.
//!
//! The form on disk of the cold part of [`RunEvent`], so that the model may change without old records
//! becoming unreadable.

use std::collections::BTreeMap;

use bench_model::{
    CleanupOutcome, Gap, InstrumentId, InstrumentKind, JobName, JobOutcome, Label, LogLevel, MetricName,
    Phase, PluginFault, QueueId, QueueName, QueueSpec, QueueTotals, ReasonId, ResourceId, ResourceRef,
    RunEvent, StopReason, TableDeclaration, TableId, TimeNs, WaitOutcome,
};
use serde::{Deserialize, Serialize};

use crate::layout;

/// One thing that happened; times are nanoseconds of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(
    missing_docs,
    reason = "the variants and fields are those of `bench_model::RunEvent`, documented there"
)]
pub enum EventLine {
    PhaseStarted {
        phase: Phase,
        at: TimeNs,
    },
    JobStarted {
        job: JobName,
        at: TimeNs,
    },
    JobFinished {
        job: JobName,
        at: TimeNs,
        outcome: JobOutcome,
    },
    QueueOpened {
        queue: QueueId,
        job: JobName,
        name: QueueName,
        spec: QueueSpec,
        at: TimeNs,
    },
    QueueClosed {
        queue: QueueId,
        totals: QueueTotals,
        at: TimeNs,
    },
    ResourceSeen {
        resource: ResourceId,
        target: ResourceRef,
    },
    ReasonSeen {
        reason: ReasonId,
        text: String,
        example: String,
    },
    InstrumentOpened {
        instrument: InstrumentId,
        source: String,
        name: MetricName,
        kind: InstrumentKind,
        unit: String,
        labels: Vec<Label>,
    },
    TableOpened {
        table: TableId,
        source: String,
        declaration: TableDeclaration,
        file: String,
    },
    Artifact {
        source: String,
        name: String,
        media_type: String,
        file: String,
    },
    MeasurementReport {
        source: String,
        report: serde_json::Value,
    },
    Log {
        source: String,
        level: LogLevel,
        at: TimeNs,
        message: String,
        fields: Vec<Label>,
    },
    LogsDropped {
        source: String,
        n: u64,
    },
    Gap(Gap),
    Waited {
        job: JobName,
        at: TimeNs,
        outcome: WaitOutcome,
    },
    MeasurementFailed {
        source: String,
        at: TimeNs,
        message: String,
        fault: Option<PluginFault>,
    },
    ClockOffset {
        at: TimeNs,
        low: TimeNs,
        high: TimeNs,
    },
    Doubt {
        message: String,
    },
    EnvironmentSeen {
        objects: BTreeMap<String, u64>,
        throttled_periods: Option<u64>,
    },
    Marked {
        number: u32,
        at: TimeNs,
    },
    Stopping {
        reason: StopReason,
        at: TimeNs,
    },
    CleanedUp {
        outcome: CleanupOutcome,
        at: TimeNs,
    },
    /// The last line of a record that is complete.
    Finished {
        at: TimeNs,
    },
}

/// As it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionedLine<T> {
    pub(crate) schema_version: u32,
    #[serde(flatten)]
    pub(crate) event: T,
}

impl EventLine {
    /// The line for an event; `None` for those that are kept elsewhere (operations, samples, rows) or told
    /// again in the end (counts of open queues), and for artifacts, whose line the recorder writes once a file.
    pub(crate) fn of(event: &RunEvent) -> Option<Self> {
        Some(match event.clone() {
            RunEvent::PhaseStarted { phase, at } => Self::PhaseStarted { phase, at },
            RunEvent::JobStarted { job, at } => Self::JobStarted { job, at },
            RunEvent::JobFinished { job, at, outcome } => Self::JobFinished { job, at, outcome },
            RunEvent::QueueOpened { queue, job, name, spec, at } => {
                Self::QueueOpened { queue, job, name, spec, at }
            }
            RunEvent::QueueClosed { queue, totals, at } => Self::QueueClosed { queue, totals, at },
            RunEvent::ResourceSeen { resource, target } => Self::ResourceSeen { resource, target },
            RunEvent::ReasonSeen { reason, text, example } => Self::ReasonSeen { reason, text, example },
            RunEvent::InstrumentOpened { instrument, source, name, kind, unit, labels } => {
                Self::InstrumentOpened { instrument, source, name, kind, unit, labels }
            }
            RunEvent::TableOpened { table, source, declaration } => {
                let file = layout::table(&source, declaration.name.as_str());
                Self::TableOpened { table, source, declaration, file }
            }
            RunEvent::MeasurementReport { source, json } => {
                // The host checked it; kept as text all the same should it not be JSON.
                let report = serde_json::from_str(&json).unwrap_or(serde_json::Value::String(json));
                Self::MeasurementReport { source, report }
            }
            RunEvent::Log { source, level, at, message, fields } => {
                Self::Log { source, level, at, message, fields }
            }
            RunEvent::LogsDropped { source, n } => Self::LogsDropped { source, n },
            RunEvent::Gap(gap) => Self::Gap(gap),
            RunEvent::Waited { job, at, outcome } => Self::Waited { job, at, outcome },
            RunEvent::MeasurementFailed { source, at, message, fault } => {
                Self::MeasurementFailed { source, at, message, fault }
            }
            RunEvent::ClockOffset { at, low, high } => Self::ClockOffset { at, low, high },
            RunEvent::Doubt { message } => Self::Doubt { message },
            RunEvent::EnvironmentSeen { objects, throttled_periods } => {
                Self::EnvironmentSeen { objects, throttled_periods }
            }
            RunEvent::Marked { number, at } => Self::Marked { number, at },
            RunEvent::Stopping { reason, at } => Self::Stopping { reason, at },
            RunEvent::CleanedUp { outcome, at } => Self::CleanedUp { outcome, at },
            RunEvent::Operations { .. }
            | RunEvent::QueueCounted { .. }
            | RunEvent::Observed { .. }
            | RunEvent::ObservedBetween { .. }
            | RunEvent::Counted { .. }
            | RunEvent::Gauged { .. }
            | RunEvent::Rows { .. }
            | RunEvent::Artifact { .. } => return None,
        })
    }

    /// When it happened, if it says so.
    pub(crate) fn at(&self) -> Option<TimeNs> {
        match self {
            Self::PhaseStarted { at, .. }
            | Self::JobStarted { at, .. }
            | Self::JobFinished { at, .. }
            | Self::QueueOpened { at, .. }
            | Self::QueueClosed { at, .. }
            | Self::Log { at, .. }
            | Self::Waited { at, .. }
            | Self::MeasurementFailed { at, .. }
            | Self::ClockOffset { at, .. }
            | Self::Marked { at, .. }
            | Self::Stopping { at, .. }
            | Self::CleanedUp { at, .. }
            | Self::Finished { at } => Some(*at),
            Self::Gap(gap) => Some(gap.at),
            Self::ResourceSeen { .. }
            | Self::ReasonSeen { .. }
            | Self::InstrumentOpened { .. }
            | Self::TableOpened { .. }
            | Self::Artifact { .. }
            | Self::MeasurementReport { .. }
            | Self::LogsDropped { .. }
            | Self::EnvironmentSeen { .. }
            | Self::Doubt { .. } => None,
        }
    }
}
