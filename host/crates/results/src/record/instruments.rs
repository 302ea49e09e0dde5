//! Instruments of plugins: histograms to interval logs, counters and gauges to numbers per second.

use std::collections::{BTreeMap, HashMap};

use bench_model::{InstrumentId, Label, Phase, TimeNs};

use super::{
    RecordError,
    append::FileSet,
    phases::Phases,
    series::{SeriesId, SeriesSet, second_of},
};
use crate::{layout, number_line::NumberLine, tag};

struct Instrument {
    source: String,
    name: String,
    labels: Vec<Label>,
    /// One for each phase that does not count, one for all that do.
    series: HashMap<Option<Phase>, SeriesId>,
    added: BTreeMap<(i64, Option<Phase>), u64>,
    set: BTreeMap<(i64, Option<Phase>), f64>,
}

/// All instruments of a run.
#[derive(Default)]
pub(crate) struct Instruments(HashMap<InstrumentId, Instrument>);

impl Instruments {
    pub(crate) fn open(&mut self, id: InstrumentId, source: String, name: String, labels: Vec<Label>) {
        let (series, added, set) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        self.0.insert(id, Instrument { source, name, labels, series, added, set });
    }

    /// The series for values that came at `at`; `None` when the instrument was not announced.
    pub(crate) fn series(
        &mut self,
        files: &mut FileSet,
        set: &mut SeriesSet,
        phases: &Phases,
        id: InstrumentId,
        at: TimeNs,
    ) -> Option<SeriesId> {
        let instrument = self.0.get_mut(&id)?;
        let phase = phases.uncounted(at);
        let Instrument { source, name, labels, series, .. } = instrument;
        Some(*series.entry(phase).or_insert_with(|| {
            let own = labels.iter().map(|label| (label.name.as_str(), label.value.as_str()));
            let tag = tag::encode(own.chain(phase.map(|phase| ("phase", phase.as_str()))));
            set.open(files, source, name, tag)
        }))
    }

    /// Whether the instrument was announced.
    pub(crate) fn count(&mut self, phases: &Phases, id: InstrumentId, at: TimeNs, n: u64) -> bool {
        let Some(instrument) = self.0.get_mut(&id) else { return false };
        let sum = instrument.added.entry((second_of(at), phases.uncounted(at))).or_default();
        *sum = sum.saturating_add(n);
        true
    }

    /// Whether the instrument was announced.
    pub(crate) fn set(&mut self, phases: &Phases, id: InstrumentId, at: TimeNs, value: f64) -> bool {
        let Some(instrument) = self.0.get_mut(&id) else { return false };
        instrument.set.insert((second_of(at), phases.uncounted(at)), value);
        true
    }

    /// Writes what came since the last commit.
    pub(crate) fn write_numbers(&mut self, files: &mut FileSet) -> Result<(), RecordError> {
        for (&instrument, state) in &mut self.0 {
            for ((second, phase), added) in std::mem::take(&mut state.added) {
                super::append_json(
                    files,
                    layout::NUMBERS,
                    &NumberLine::Counter { second, instrument, added, phase },
                )?;
            }
            for ((second, phase), value) in std::mem::take(&mut state.set) {
                let value = value.is_finite().then_some(value);
                super::append_json(
                    files,
                    layout::NUMBERS,
                    &NumberLine::Gauge { second, instrument, value, phase },
                )?;
            }
        }
        Ok(())
    }
}
