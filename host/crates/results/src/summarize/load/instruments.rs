//! The instruments of plugins with everything that they measured, one for each label set.

use std::collections::{BTreeMap, HashMap};

use bench_model::{Histogram, InstrumentId, InstrumentKind, Label, Phase};

use super::logs::{LogKey, Pairs, Totals, pairs};
use crate::{
    event_line::EventLine,
    number_line::NumberLine,
    read::{ReadError, RecordFiles},
    tag,
};

pub(crate) struct Instrument {
    pub(crate) source: String,
    pub(crate) name: String,
    pub(crate) kind: InstrumentKind,
    pub(crate) unit: String,
    pub(crate) labels: Vec<Label>,
    /// In the interval log.
    pub(crate) tag: String,
    pub(crate) histogram: Histogram,
    /// Its values between bounds, as far as they were kept one by one.
    pub(crate) pairs: Pairs,
    pub(crate) counter: u64,
    pub(crate) gauge: Option<f64>,
}

pub(super) fn instruments(
    files: &RecordFiles,
    events: &[EventLine],
    numbers: &[NumberLine],
    mut totals: Totals,
) -> Result<Vec<Instrument>, ReadError> {
    let mut counters: HashMap<InstrumentId, u64> = HashMap::new();
    let mut gauges: HashMap<InstrumentId, (i64, Option<f64>)> = HashMap::new();
    for line in numbers {
        match line {
            NumberLine::Counter { instrument, added, phase: None, .. } => {
                let sum = counters.entry(*instrument).or_default();
                *sum = sum.saturating_add(*added);
            }
            NumberLine::Gauge { second, instrument, value, phase: None } => {
                let latest = gauges.entry(*instrument).or_insert((*second, *value));
                if *second >= latest.0 {
                    *latest = (*second, *value);
                }
            }
            NumberLine::Counter { phase: Some(Phase::Setup | Phase::Warmup | Phase::Teardown), .. }
            | NumberLine::Gauge { phase: Some(Phase::Setup | Phase::Warmup | Phase::Teardown), .. }
            | NumberLine::Counter { phase: Some(Phase::Measure | Phase::Settle), .. }
            | NumberLine::Gauge { phase: Some(Phase::Measure | Phase::Settle), .. }
            | NumberLine::Missing { .. }
            | NumberLine::Load { .. }
            | NumberLine::Span { .. } => {}
        }
    }
    // One for each label set, also when several instances opened it.
    let mut found: BTreeMap<(String, String, Vec<Label>), Instrument> = BTreeMap::new();
    let mut bounds: HashMap<LogKey, HashMap<String, Pairs>> = HashMap::new();
    for event in events {
        let EventLine::InstrumentOpened { instrument, source, name, kind, unit, labels } = event else {
            continue;
        };
        let key = (source.clone(), name.to_string(), labels.clone());
        let entry = found.entry(key).or_insert_with(|| Instrument {
            source: source.clone(),
            name: name.to_string(),
            kind: *kind,
            unit: unit.clone(),
            labels: labels.clone(),
            tag: tag::encode(labels.iter().map(|label| (label.name.as_str(), label.value.as_str()))),
            histogram: Histogram::new(),
            pairs: Vec::new(),
            counter: 0,
            gauge: None,
        });
        entry.counter = entry.counter.saturating_add(counters.get(instrument).copied().unwrap_or(0));
        entry.gauge = gauges.get(instrument).and_then(|(_, value)| *value).or(entry.gauge);
        if *kind != InstrumentKind::Histogram {
            continue;
        }
        let log = (source.clone(), name.to_string());
        if !bounds.contains_key(&log) {
            bounds.insert(log.clone(), pairs(files, source, name.as_str())?);
        }
        // Removed, so that what is left at the end belongs to no label set.
        if let Some(histogram) = totals.get_mut(&log).and_then(|tags| tags.remove(&entry.tag)) {
            entry.histogram = histogram;
            entry.pairs = bounds.get_mut(&log).and_then(|tags| tags.remove(&entry.tag)).unwrap_or_default();
        }
    }
    let mut instruments: Vec<Instrument> = found.into_values().collect();
    totals.retain(|log, _| bounds.contains_key(log));
    add_overflow(&mut instruments, totals);
    Ok(instruments)
}

/// Label sets past the recorder's limit share one distribution: it belongs to the metric all the same.
fn add_overflow(instruments: &mut Vec<Instrument>, totals: Totals) {
    for ((source, name), mut tags) in totals {
        let Some(histogram) = tags.remove("overflow=true") else { continue };
        let unit = instruments.iter().find(|i| i.source == source && i.name == name).map(|i| i.unit.clone());
        instruments.push(Instrument {
            source,
            name,
            kind: InstrumentKind::Histogram,
            unit: unit.unwrap_or_default(),
            labels: vec![Label { name: "overflow".to_owned(), value: "true".to_owned() }],
            tag: "overflow=true".to_owned(),
            histogram,
            pairs: Vec::new(),
            counter: 0,
            gauge: None,
        });
    }
}
