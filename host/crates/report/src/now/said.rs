//! What happened, in words: the lines that stay.

use std::collections::VecDeque;

use bench_model::{CleanupOutcome, JobOutcome, LogLevel, Phase, RunEvent, StopReason, TimeNs};
use schemars::JsonSchema;
use serde::Serialize;

use super::queues::Queues;
use crate::{format, sanitize::sanitize, view::Tone};

/// Lines that are kept; the oldest go first.
const KEPT: usize = 500;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// A phase began.
    Phase,
    /// A job's load begins.
    JobStarted,
    /// A job ended.
    JobEnded,
    /// A wait of a workload ended, and not all came.
    WaitEnded,
    /// A measurement ended its work early.
    MeasurementFailed,
    /// Something was not observed.
    Gap,
    /// A warning or an error of a plugin or of the host.
    Log,
    /// Something that a reader of the report must know.
    Note,
    /// Somebody marked this moment.
    Mark,
    /// The run stops before its plan is done.
    Stopping,
    /// Cleaning up ended.
    CleanedUp,
}

/// A line that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) at: TimeNs,
    pub(crate) what: What,
    pub(crate) tone: Tone,
    /// Harmless, on one line.
    pub(crate) text: String,
}

impl Said {
    /// With its time, as it stands on a screen.
    pub(crate) fn line(&self) -> String {
        format!("[{:>6}] {}", seconds(self.at), self.text)
    }
}

pub(crate) fn seconds(at: TimeNs) -> String {
    format!("{:.1}s", at.as_secs_f64())
}

/// The last lines.
#[derive(Default)]
pub(crate) struct Log {
    kept: VecDeque<Said>,
    /// How many there ever were.
    n: u64,
}

impl Log {
    pub(super) fn push(&mut self, said: Said) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(said);
        self.n += 1;
    }

    /// How many there ever were.
    pub(crate) fn n(&self) -> u64 {
        self.n
    }

    /// Those after the first `n`, as far as they are kept.
    pub(crate) fn after(&self, n: u64) -> impl DoubleEndedIterator<Item = &Said> {
        let new = usize::try_from(self.n.saturating_sub(n)).unwrap_or(usize::MAX);
        self.kept.iter().skip(self.kept.len().saturating_sub(new))
    }
}

/// The line that stays for an event; most have none.
pub(super) fn line(event: &RunEvent, queues: &Queues) -> Option<(What, Tone, String)> {
    Some(match event {
        RunEvent::PhaseStarted { phase, .. } => (What::Phase, Tone::Plain, phase_line(*phase).to_owned()),
        RunEvent::JobStarted { job, .. } => (What::JobStarted, Tone::Plain, format!("job `{job}` started")),
        RunEvent::JobFinished { job, outcome, .. } => {
            let totals = queues.of_job(job.as_str());
            let (tone, text) = match outcome {
                JobOutcome::Completed => (Tone::Good, format!("job `{job}` completed: {totals}")),
                JobOutcome::Failed { message } => {
                    (Tone::Bad, format!("job `{job}` gave up: {}: {totals}", sanitize(message)))
                }
                JobOutcome::Faulted { fault } => {
                    (Tone::Bad, format!("job `{job}`: {}", sanitize(&fault.to_string())))
                }
                JobOutcome::Stopped => (Tone::Warning, format!("job `{job}` stopped: {totals}")),
                JobOutcome::Skipped => (Tone::Warning, format!("job `{job}` skipped")),
            };
            (What::JobEnded, tone, text)
        }
        RunEvent::Waited { job, outcome, .. } if outcome.unmet > 0 => {
            let all = u64::from(outcome.met) + u64::from(outcome.unmet);
            let condition = sanitize(&outcome.condition);
            let text = format!(
                "job `{job}`: {} of {all} {} never became `{condition}`",
                outcome.unmet, outcome.target
            );
            (What::WaitEnded, Tone::Bad, text)
        }
        RunEvent::MeasurementFailed { source, message, .. } => {
            let text = format!("measurement `{}` ended early: {}", sanitize(source), sanitize(message));
            (What::MeasurementFailed, Tone::Bad, text)
        }
        RunEvent::Gap(gap) if !gap.relisted => {
            let (measurement, reason) = (sanitize(&gap.measurement), sanitize(&gap.reason));
            let text = format!("`{measurement}` lost observations of {}: {reason}", gap.target);
            (What::Gap, Tone::Bad, text)
        }
        RunEvent::Log { source, level: LogLevel::Warn | LogLevel::Error, message, .. } => {
            let source = if source.is_empty() { "bench" } else { source };
            (What::Log, Tone::Warning, format!("{}: {}", sanitize(source), sanitize(message)))
        }
        RunEvent::Doubt { message } => (What::Note, Tone::Warning, format!("note: {}", sanitize(message))),
        RunEvent::Marked { number, .. } => (What::Mark, Tone::Plain, format!("mark {number}")),
        RunEvent::Stopping { reason, .. } => (What::Stopping, Tone::Warning, stop_line(*reason).to_owned()),
        RunEvent::CleanedUp { outcome, .. } => {
            let tone = if outcome.is_complete() { Tone::Good } else { Tone::Bad };
            (What::CleanedUp, tone, cleanup_line(outcome))
        }
        RunEvent::QueueOpened { .. }
        | RunEvent::ResourceSeen { .. }
        | RunEvent::ReasonSeen { .. }
        | RunEvent::Operations { .. }
        | RunEvent::QueueCounted { .. }
        | RunEvent::QueueClosed { .. }
        | RunEvent::InstrumentOpened { .. }
        | RunEvent::Observed { .. }
        | RunEvent::ObservedBetween { .. }
        | RunEvent::Counted { .. }
        | RunEvent::Gauged { .. }
        | RunEvent::TableOpened { .. }
        | RunEvent::Rows { .. }
        | RunEvent::Artifact { .. }
        | RunEvent::MeasurementReport { .. }
        | RunEvent::Log { .. }
        | RunEvent::LogsDropped { .. }
        | RunEvent::Gap(_)
        | RunEvent::Waited { .. }
        | RunEvent::EnvironmentSeen { .. }
        | RunEvent::ClockOffset { .. } => return None,
    })
}

/// When an event happened; operations say it one by one.
pub(super) fn time_of(event: &RunEvent) -> Option<TimeNs> {
    match event {
        RunEvent::PhaseStarted { at, .. }
        | RunEvent::JobStarted { at, .. }
        | RunEvent::JobFinished { at, .. }
        | RunEvent::QueueOpened { at, .. }
        | RunEvent::QueueCounted { at, .. }
        | RunEvent::QueueClosed { at, .. }
        | RunEvent::Observed { at, .. }
        | RunEvent::ObservedBetween { at, .. }
        | RunEvent::Counted { at, .. }
        | RunEvent::Gauged { at, .. }
        | RunEvent::Log { at, .. }
        | RunEvent::Waited { at, .. }
        | RunEvent::MeasurementFailed { at, .. }
        | RunEvent::ClockOffset { at, .. }
        | RunEvent::Marked { at, .. }
        | RunEvent::Stopping { at, .. }
        | RunEvent::CleanedUp { at, .. } => Some(*at),
        RunEvent::Gap(gap) => Some(gap.at),
        RunEvent::Operations { .. }
        | RunEvent::ResourceSeen { .. }
        | RunEvent::ReasonSeen { .. }
        | RunEvent::InstrumentOpened { .. }
        | RunEvent::TableOpened { .. }
        | RunEvent::Rows { .. }
        | RunEvent::Artifact { .. }
        | RunEvent::MeasurementReport { .. }
        | RunEvent::LogsDropped { .. }
        | RunEvent::EnvironmentSeen { .. }
        | RunEvent::Doubt { .. } => None,
    }
}

fn phase_line(phase: Phase) -> &'static str {
    match phase {
        Phase::Setup => "setting up",
        Phase::Warmup => "warming up (does not count)",
        Phase::Measure => "measuring",
        Phase::Settle => "waiting for late observations",
        Phase::Teardown => "removing what the run made",
    }
}

pub(crate) fn stop_line(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Deadline => "stopping: the deadline has passed",
        StopReason::Interrupt => "stopping: interrupted; once more leaves at once",
        StopReason::Terminate => "stopping: terminated",
        StopReason::ClusterLost => "stopping: the cluster cannot be reached any more",
        StopReason::RecordFailed => "stopping: the record cannot be written any more",
    }
}

fn cleanup_line(outcome: &CleanupOutcome) -> String {
    let gone = outcome.gone();
    if outcome.is_complete() {
        return format!("cleaned up: {gone} deleted, nothing left");
    }
    let left = format::counted(outcome.remaining.len() as u64, "object");
    let errors: Vec<String> = outcome.errors.iter().map(|error| sanitize(error)).collect();
    format!("cleanup is incomplete: {gone} deleted, {left} left. {}", errors.join("; "))
}
