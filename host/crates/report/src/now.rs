//! The run as it is now: a fold of its events.
//!
//! What the lines of [`crate::Progress`], the live view and the stream for machines show, all of it taken from
//! the same events as the record. Takes its time from them and from ticks, never from a clock; the recorder's
//! numbers never depend on it. Summaries are made from the record: see `results`.

mod gates;
mod queues;
mod said;
mod seconds;

use std::{collections::BTreeMap, time::Duration};

use bench_model::{
    InstrumentId, InstrumentKind, NEVER, Operation, Phase, QueueId, RunEvent, StopReason, TimeNs, Verb,
};

pub use self::said::What;
pub(crate) use self::{
    gates::{GateNow, GateSoFar},
    queues::{Offered, Queues},
    said::{Said, seconds, stop_line},
    seconds::{Second, Seconds},
};

/// Nanoseconds in a second.
const SECOND_NS: i64 = 1_000_000_000;

/// What is known of a run before it begins.
#[derive(Debug, Clone, Default)]
pub struct RunTitle {
    /// Name of the scenario.
    pub scenario: String,
    /// Its id, as short as is unique.
    pub run: String,
    /// Where, in a few words.
    pub cluster: String,
    /// When it is stopped at the latest.
    pub deadline: Option<Duration>,
    /// Gates as written.
    pub gates: Vec<String>,
}

/// Objects by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Objects {
    /// Answered creates of queues that count.
    pub(crate) created: u64,
    /// Values of histograms named `ready`.
    pub(crate) ready: u64,
    /// Answered deletes, and what cleaning up removed.
    pub(crate) deleted: u64,
}

/// Numbers so far; see the module's documentation.
#[derive(Default)]
pub struct RunNow {
    pub(crate) title: RunTitle,
    pub(crate) now: TimeNs,
    /// With their starts, in order.
    pub(crate) phases: Vec<(TimeNs, Phase)>,
    pub(crate) queues: Queues,
    pub(crate) seconds: Seconds,
    pub(crate) objects: Objects,
    pub(crate) gates: Vec<GateNow>,
    /// Moments that were marked, by number.
    pub(crate) marks: Vec<(u32, TimeNs)>,
    pub(crate) said: said::Log,
    pub(crate) stopping: Option<StopReason>,
    names: gates::Names,
    /// Histograms named `ready`.
    ready: BTreeMap<InstrumentId, u64>,
}

impl RunNow {
    /// Before anything happened.
    pub fn new(title: RunTitle) -> Self {
        let gates = title.gates.iter().map(|text| GateNow::new(text)).collect();
        Self { gates, title, ..Self::default() }
    }

    /// Says what time it is, while no events come.
    pub fn tick(&mut self, now: TimeNs) {
        if !now.is_never() {
            self.now = self.now.max(now);
        }
    }

    /// Says that the run was told to stop: its own event comes only when the load has ended.
    pub fn stop(&mut self, reason: StopReason) {
        self.stopping.get_or_insert(reason);
    }

    pub(crate) fn phase(&self) -> Option<Phase> {
        self.phases.last().map(|(_, phase)| *phase)
    }

    /// Takes note of an event.
    pub fn add(&mut self, event: &RunEvent) {
        if let Some(at) = said::time_of(event) {
            self.tick(at);
        }
        match event {
            RunEvent::PhaseStarted { phase, at } => self.phases.push((*at, *phase)),
            RunEvent::QueueOpened { queue, job, name, spec, at } => {
                self.queues.open(*queue, job, name, *spec, *at);
            }
            RunEvent::Operations { queue, operations } => self.operations(*queue, operations),
            RunEvent::QueueCounted { queue, totals, at } => {
                let offered = self.queues.count(*queue, totals, *at);
                self.seconds.offer(second_of(*at), offered);
            }
            RunEvent::QueueClosed { queue, totals, .. } => self.queues.close(*queue, totals),
            RunEvent::ResourceSeen { resource, target } => self.names.resource(*resource, target.to_string()),
            RunEvent::ReasonSeen { reason, text, .. } => self.names.reason(*reason, text.clone()),
            RunEvent::InstrumentOpened { instrument, source, name, kind, unit, labels } => {
                if *kind == InstrumentKind::Histogram && name.as_str() == "ready" {
                    self.ready.insert(*instrument, 0);
                }
                for gate in &mut self.gates {
                    gate.instrument(*instrument, source, name.as_str(), *kind, unit, labels);
                }
            }
            RunEvent::Observed { instrument, at, values } => {
                self.see_ready(*instrument, values.iter().filter(|value| **value != NEVER).count());
                for gate in self.counting(*at) {
                    gate.observed(*instrument, values);
                }
            }
            RunEvent::ObservedBetween { instrument, at, low, high } => {
                self.see_ready(*instrument, low.len());
                for gate in self.counting(*at) {
                    gate.observed_between(*instrument, low, high);
                }
            }
            RunEvent::Counted { instrument, at, n } => {
                for gate in self.counting(*at) {
                    gate.counted(*instrument, *n);
                }
            }
            RunEvent::Gauged { instrument, at, value } => {
                for gate in self.counting(*at) {
                    gate.gauged(*instrument, *value);
                }
            }
            RunEvent::Marked { number, at } => self.marks.push((*number, *at)),
            RunEvent::Stopping { reason, .. } => self.stop(*reason),
            RunEvent::CleanedUp { outcome, .. } => {
                self.objects.deleted = self.objects.deleted.saturating_add(outcome.deleted);
            }
            RunEvent::JobStarted { .. }
            | RunEvent::JobFinished { .. }
            | RunEvent::TableOpened { .. }
            | RunEvent::Rows { .. }
            | RunEvent::Artifact { .. }
            | RunEvent::MeasurementReport { .. }
            | RunEvent::Log { .. }
            | RunEvent::LogsDropped { .. }
            | RunEvent::Gap(_)
            | RunEvent::Waited { .. }
            | RunEvent::MeasurementFailed { .. }
            | RunEvent::ClockOffset { .. }
            | RunEvent::Doubt { .. }
            | RunEvent::EnvironmentSeen { .. } => {}
        }
        if let Some((what, tone, text)) = said::line(event, &self.queues) {
            self.said.push(Said { at: self.now, what, tone, text });
        }
    }

    fn operations(&mut self, id: QueueId, operations: &[Operation]) {
        let latest = operations.iter().map(|operation| operation.done).filter(|done| !done.is_never()).max();
        self.tick(latest.unwrap_or(self.now));
        let now = self.now;
        let Some(queue) = self.queues.answer(id, operations, now) else { return };
        if !queue.counts() {
            return;
        }
        for operation in operations {
            let at = if operation.done.is_never() { now } else { operation.done };
            // A failed operation ranks above every number, as in the summary: refusing quickly is not fast.
            let response = if operation.is_success() { operation.response_ns() } else { NEVER };
            let counts = counts(&self.phases, operation.due);
            self.seconds.answer(second_of(at), operation, response, counts);
            match (operation.verb, operation.is_success()) {
                (Verb::Create, true) => self.objects.created += 1,
                (Verb::Delete, true) => self.objects.deleted += 1,
                _ => {}
            }
            if counts {
                for gate in &mut self.gates {
                    gate.operation(queue, operation, &self.names);
                }
            }
        }
    }

    fn see_ready(&mut self, instrument: InstrumentId, n: usize) {
        if let Some(ready) = self.ready.get_mut(&instrument) {
            *ready += n as u64;
            self.objects.ready += n as u64;
        }
    }

    /// The gates, if what comes at `at` counts.
    fn counting(&mut self, at: TimeNs) -> &mut [GateNow] {
        if counts(&self.phases, at) { &mut self.gates } else { &mut [] }
    }
}

/// Whether what belongs to `at` counts towards gates: as the record decides.
fn counts(phases: &[(TimeNs, Phase)], at: TimeNs) -> bool {
    let phase = phases.iter().rev().find(|(start, _)| *start <= at).map_or(Phase::Setup, |(_, phase)| *phase);
    match phase {
        Phase::Measure | Phase::Settle => true,
        Phase::Setup | Phase::Warmup | Phase::Teardown => false,
    }
}

/// The second of the run in which a time lies.
pub(crate) fn second_of(at: TimeNs) -> i64 {
    at.0.div_euclid(SECOND_NS)
}

#[cfg(test)]
mod tests;
