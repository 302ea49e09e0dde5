//! Shows a run while it goes on: a few lines that change on a terminal, plain lines elsewhere.
//!
//! Reads the same events as the recorder and writes to what it is given (stderr, in `bench`). Takes its time
//! from the events, so that tests need no clock; the recorder's numbers never depend on it.

mod counts;
mod screen;

use std::io::Write;

use bench_model::{CleanupOutcome, JobOutcome, LogLevel, Phase, RunEvent, StopReason, TimeNs};

use self::{
    counts::Counts,
    screen::{Screen, Terminal},
};
use crate::{format, sanitize::sanitize};

/// Run time between two plain status lines.
const STATUS_EVERY_NS: i64 = 5_000_000_000;
/// Run time between two redraws.
const REDRAW_EVERY_NS: i64 = 100_000_000;

/// Where and how progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressKind {
    /// On a terminal of so many columns.
    Terminal {
        /// Its width.
        width: u16,
    },
    /// Lines that stay.
    Plain,
    /// Not at all.
    Off,
}

/// See the module's documentation.
pub struct Progress {
    output: Output,
    counts: Counts,
    shown_at: TimeNs,
}

enum Output {
    Screen(Screen),
    Plain(Box<dyn Write + Send>),
    Off,
}

impl Progress {
    /// Shows on `out`, to which nobody else may write until [`Progress::finish`].
    pub fn new(kind: ProgressKind, out: Box<dyn Write + Send>) -> Self {
        let output = match kind {
            ProgressKind::Terminal { width } => Output::Screen(Screen::new(Terminal::new(out, width))),
            ProgressKind::Plain => Output::Plain(out),
            ProgressKind::Off => Output::Off,
        };
        Self { output, counts: Counts::default(), shown_at: TimeNs::ZERO }
    }

    /// Takes note of an event and shows what changed. What cannot be written is not shown: a run does not
    /// fail because nobody can see it.
    pub fn event(&mut self, event: &RunEvent) {
        if matches!(self.output, Output::Off) {
            return;
        }
        self.counts.add(event);
        if let Some(line) = line(event, &self.counts) {
            self.say(&line);
        }
        self.show();
    }

    /// Says what time it is, while no events come.
    pub fn tick(&mut self, now: TimeNs) {
        self.counts.now = self.counts.now.max(now);
        self.show();
    }

    /// Takes away what changes; lines that stay do.
    pub fn finish(self) {
        match self.output {
            Output::Screen(screen) => screen.clear(),
            Output::Plain(mut out) => {
                let _ = out.flush();
            }
            Output::Off => {}
        }
    }

    fn say(&mut self, text: &str) {
        let text = format!("[{:>6}] {text}", seconds(self.counts.now));
        match &mut self.output {
            Output::Screen(screen) => screen.say(&text),
            Output::Plain(out) => {
                let _ = writeln!(out, "{text}").and_then(|()| out.flush());
            }
            Output::Off => {}
        }
    }

    fn show(&mut self) {
        let since = self.counts.now.0.saturating_sub(self.shown_at.0);
        match &mut self.output {
            Output::Screen(screen) if since >= REDRAW_EVERY_NS => {
                self.shown_at = self.counts.now;
                screen.draw(&self.counts.lines());
            }
            Output::Plain(_) if since >= STATUS_EVERY_NS => {
                self.shown_at = self.counts.now;
                for line in self.counts.job_lines() {
                    self.say(&line);
                }
            }
            Output::Screen(_) | Output::Plain(_) | Output::Off => {}
        }
    }
}

fn seconds(at: TimeNs) -> String {
    format!("{:.1}s", at.as_secs_f64())
}

/// The line that stays for an event; most have none.
fn line(event: &RunEvent, counts: &Counts) -> Option<String> {
    Some(match event {
        RunEvent::PhaseStarted { phase, .. } => phase_line(*phase).to_owned(),
        RunEvent::JobStarted { job, .. } => format!("job `{job}` started"),
        RunEvent::JobFinished { job, outcome, .. } => {
            let totals = counts.totals(job.as_str());
            match outcome {
                JobOutcome::Completed => format!("job `{job}` completed: {totals}"),
                JobOutcome::Failed { message } => {
                    format!("job `{job}` gave up: {}: {totals}", sanitize(message))
                }
                JobOutcome::Faulted { fault } => format!("job `{job}`: {}", sanitize(&fault.to_string())),
                JobOutcome::Stopped => format!("job `{job}` stopped: {totals}"),
                JobOutcome::Skipped => format!("job `{job}` skipped"),
            }
        }
        RunEvent::Waited { job, outcome, .. } if outcome.unmet > 0 => {
            let all = u64::from(outcome.met) + u64::from(outcome.unmet);
            let condition = sanitize(&outcome.condition);
            format!("job `{job}`: {} of {all} {} never became `{condition}`", outcome.unmet, outcome.target)
        }
        RunEvent::MeasurementFailed { source, message, .. } => {
            format!("measurement `{}` ended early: {}", sanitize(source), sanitize(message))
        }
        RunEvent::Gap(gap) if !gap.relisted => {
            format!(
                "`{}` lost observations of {}: {}",
                sanitize(&gap.measurement),
                gap.target,
                sanitize(&gap.reason)
            )
        }
        RunEvent::Log { source, level: LogLevel::Warn | LogLevel::Error, message, .. } => {
            let source = if source.is_empty() { "bench" } else { source };
            format!("{}: {}", sanitize(source), sanitize(message))
        }
        RunEvent::Doubt { message } => format!("note: {}", sanitize(message)),
        RunEvent::Stopping { reason, .. } => stop_line(*reason).to_owned(),
        RunEvent::CleanedUp { outcome, .. } => cleanup_line(outcome),
        RunEvent::QueueOpened { .. }
        | RunEvent::ResourceSeen { .. }
        | RunEvent::ReasonSeen { .. }
        | RunEvent::Operations { .. }
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

fn phase_line(phase: Phase) -> &'static str {
    match phase {
        Phase::Setup => "setting up",
        Phase::Warmup => "warming up (does not count)",
        Phase::Measure => "measuring",
        Phase::Settle => "waiting for late observations",
        Phase::Teardown => "removing what the run made",
    }
}

fn stop_line(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Deadline => "stopping: the deadline has passed",
        StopReason::Interrupt => "stopping: interrupted; once more leaves at once",
        StopReason::Terminate => "stopping: terminated",
        StopReason::ClusterLost => "stopping: the cluster cannot be reached any more",
        StopReason::RecordFailed => "stopping: the record cannot be written any more",
    }
}

fn cleanup_line(outcome: &CleanupOutcome) -> String {
    let deleted = format::counted(outcome.deleted, "object");
    if outcome.is_complete() {
        return format!("cleaned up: {deleted} deleted, none left");
    }
    let left = format::counted(outcome.remaining.len() as u64, "object");
    let errors: Vec<String> = outcome.errors.iter().map(|error| sanitize(error)).collect();
    format!("cleanup is incomplete: {deleted} deleted, {left} left. {}", errors.join("; "))
}

#[cfg(test)]
mod tests;
