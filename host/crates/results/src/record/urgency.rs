//! How soon a line of the record must be safe.

use bench_model::Phase;

use crate::event_line::EventLine;

/// How soon a line must be safe.
pub(super) enum Urgency {
    /// With the next regular commit.
    None,
    /// From the death of this process.
    Commit,
    /// From a power failure.
    Sync,
}

pub(super) fn urgency(line: &EventLine) -> Urgency {
    match line {
        // Results must be on the disk before anything is removed from the cluster.
        EventLine::PhaseStarted { phase: Phase::Teardown, .. } => Urgency::Sync,
        EventLine::PhaseStarted { .. }
        | EventLine::JobStarted { .. }
        | EventLine::JobFinished { .. }
        | EventLine::QueueClosed { .. }
        | EventLine::MeasurementFailed { .. }
        | EventLine::Marked { .. }
        | EventLine::Stopping { .. }
        | EventLine::CleanedUp { .. }
        | EventLine::Finished { .. } => Urgency::Commit,
        EventLine::QueueOpened { .. }
        | EventLine::ResourceSeen { .. }
        | EventLine::ReasonSeen { .. }
        | EventLine::InstrumentOpened { .. }
        | EventLine::TableOpened { .. }
        | EventLine::Artifact { .. }
        | EventLine::MeasurementReport { .. }
        | EventLine::Log { .. }
        | EventLine::LogsDropped { .. }
        | EventLine::Gap(_)
        | EventLine::Waited { .. }
        | EventLine::ClockOffset { .. }
        | EventLine::EnvironmentSeen { .. }
        | EventLine::Doubt { .. } => Urgency::None,
    }
}
