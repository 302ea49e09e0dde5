//! Which phase a time lies in, and whether it counts.

use bench_model::{Phase, TimeNs};

/// The phases so far, in order.
#[derive(Debug, Default)]
pub(crate) struct Phases(Vec<(TimeNs, Phase)>);

impl Phases {
    pub(crate) fn start(&mut self, phase: Phase, at: TimeNs) {
        self.0.push((at, phase));
    }

    /// The phase at `at`, when it is one that does not count towards thresholds. Late observations of
    /// `Settle` count; before the first phase everything is preparation.
    pub(crate) fn uncounted(&self, at: TimeNs) -> Option<Phase> {
        let phase =
            self.0.iter().rev().find(|(start, _)| *start <= at).map_or(Phase::Setup, |(_, phase)| *phase);
        match phase {
            Phase::Measure | Phase::Settle => None,
            Phase::Setup | Phase::Warmup | Phase::Teardown => Some(phase),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_measure_and_settle_count() {
        let mut phases = Phases::default();
        assert_eq!(phases.uncounted(TimeNs(5)), Some(Phase::Setup));
        phases.start(Phase::Warmup, TimeNs(10));
        phases.start(Phase::Measure, TimeNs(20));
        phases.start(Phase::Settle, TimeNs(30));
        phases.start(Phase::Teardown, TimeNs(40));
        let of = |at| phases.uncounted(TimeNs(at));
        assert_eq!([of(9), of(10), of(19)], [Some(Phase::Setup), Some(Phase::Warmup), Some(Phase::Warmup)]);
        assert_eq!([of(20), of(39), of(40)], [None, None, Some(Phase::Teardown)]);
    }
}
