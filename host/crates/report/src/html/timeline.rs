//! What happened when, in words; and the lead of the charts.

use bench_model::{JobOutcome, TimeNs};
use bench_results::{EventLine, RunHistory};
use serde::Serialize;

use super::tables::{Cell, Row, Table, numeric, table, text, wide};
use crate::{format, view::Tone};

/// Something at a moment of the run.
pub(super) struct Mark {
    pub(super) at_ns: i64,
    pub(super) tone: Tone,
    pub(super) what: &'static str,
    pub(super) text: String,
}

/// Moments that are kept; those that somebody marked before those that happened by themselves.
const MAX_MARKS: usize = 200;

/// What a moment is called that somebody marked; the charts write its number on it.
const USER_MARK: &str = "mark";

/// Moments that somebody marked, at most as many as are kept.
pub(super) fn user_marks(history: &RunHistory) -> impl Iterator<Item = (u32, TimeNs)> {
    let marks = history.events.iter().filter_map(|event| match event {
        EventLine::Marked { number, at } if !at.is_never() => Some((*number, *at)),
        _ => None,
    });
    marks.take(MAX_MARKS)
}

/// What is worth a line in the charts.
pub(super) fn marks(history: &RunHistory) -> Vec<Mark> {
    let mut marks: Vec<Mark> = history.events.iter().filter_map(mark).collect();
    marks.sort_by_key(|mark| (mark.what != USER_MARK, mark.at_ns));
    marks.truncate(MAX_MARKS);
    marks.sort_by_key(|mark| mark.at_ns);
    marks
}

fn mark(event: &EventLine) -> Option<Mark> {
    let (at, tone, what, text) = match event {
        EventLine::JobStarted { job, at } => (at, Tone::Plain, "job started", job.to_string()),
        EventLine::JobFinished { job, at, outcome } => {
            let (tone, text) = match outcome {
                JobOutcome::Completed => (Tone::Plain, job.to_string()),
                JobOutcome::Failed { message } => (Tone::Bad, format!("{job} gave up: {message}")),
                JobOutcome::Faulted { fault } => {
                    (Tone::Bad, format!("{job}: plugin broke: {}", fault.message))
                }
                JobOutcome::Stopped => (Tone::Warning, format!("{job} was stopped")),
                JobOutcome::Skipped => (Tone::Warning, format!("{job} was skipped")),
            };
            (at, tone, "job ended", text)
        }
        EventLine::Gap(gap) => {
            let tone = if gap.relisted { Tone::Warning } else { Tone::Bad };
            (&gap.at, tone, "gap", format!("{}: {} of {}", gap.measurement, gap.reason, gap.target))
        }
        EventLine::Waited { job, at, outcome } => {
            let tone = if outcome.unmet == 0 { Tone::Plain } else { Tone::Bad };
            let text =
                format!("{job}: {} of {} {}", outcome.met, outcome.met + outcome.unmet, outcome.condition);
            (at, tone, "wait ended", text)
        }
        EventLine::MeasurementFailed { source, at, message, .. } => {
            (at, Tone::Bad, "measurement failed", format!("{source}: {message}"))
        }
        EventLine::Marked { number, at } => (at, Tone::Plain, USER_MARK, number.to_string()),
        EventLine::Stopping { reason, at } => (at, Tone::Bad, "stopping", format!("{reason:?}")),
        EventLine::Log { source, level, at, message, .. } if *level >= bench_model::LogLevel::Warn => {
            (at, Tone::Warning, "log", format!("{source}: {message}"))
        }
        EventLine::PhaseStarted { .. }
        | EventLine::QueueOpened { .. }
        | EventLine::QueueClosed { .. }
        | EventLine::ResourceSeen { .. }
        | EventLine::ReasonSeen { .. }
        | EventLine::InstrumentOpened { .. }
        | EventLine::TableOpened { .. }
        | EventLine::Artifact { .. }
        | EventLine::MeasurementReport { .. }
        | EventLine::Log { .. }
        | EventLine::LogsDropped { .. }
        | EventLine::ClockOffset { .. }
        | EventLine::Doubt { .. }
        | EventLine::EnvironmentSeen { .. }
        | EventLine::CleanedUp { .. }
        | EventLine::Finished { .. } => return None,
    };
    (!at.is_never()).then_some(Mark { at_ns: at.0, tone, what, text })
}

/// Phases with their start in nanoseconds.
pub(super) fn phases(history: &RunHistory) -> Vec<(&'static str, i64)> {
    let phases = history.events.iter().filter_map(|event| match event {
        EventLine::PhaseStarted { phase, at } => Some((phase.as_str(), at.0)),
        _ => None,
    });
    phases.collect()
}

/// The section.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Timeline {
    lead: String,
    latency_of: String,
    events: Table,
}

impl Timeline {
    pub(super) fn new(history: &RunHistory, latency_of: String) -> Self {
        let each = match history.bin_seconds {
            1 => "One value a second".to_owned(),
            n => format!("One value for each {n} seconds, merged exactly from those of each second"),
        };
        let lead = format!(
            "{each}; all charts share their cursor. Shaded phases are in no number. Dotted lines mark what happened, whole ones what somebody marked in the live view."
        );
        let mut rows: Vec<(i64, Row)> = marks(history)
            .into_iter()
            .map(|mark| {
                let cells = vec![
                    Cell::text(&format::duration(mark.at_ns as f64)),
                    Cell::toned(mark.what, mark.tone),
                    Cell::text(&mark.text),
                ];
                (mark.at_ns, Row::from(cells))
            })
            .collect();
        rows.extend(phases(history).into_iter().map(|(name, at)| {
            (
                at,
                Row::from(vec![
                    Cell::text(&format::duration(at as f64)),
                    Cell::text("phase"),
                    Cell::text(name),
                ]),
            )
        }));
        rows.sort_by_key(|(at, _)| *at);
        let headings = vec![numeric("at"), text("what"), wide("which")];
        let events = table("What happened when", headings, rows.into_iter().map(|(_, row)| row).collect());
        Self { lead, latency_of, events }
    }
}
