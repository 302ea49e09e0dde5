//! Load of queues, counters and gauges over time.

use std::collections::{BTreeMap, HashMap};

use bench_model::{InstrumentId, InstrumentKind, Label, QueueId, QueueName};

use super::bins::Bins;
use crate::{event_line::EventLine, number_line::NumberLine};

/// A queue's load; every list has one entry a bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueHistory {
    /// Its job.
    pub job: String,
    /// Its name in the scenario.
    pub name: String,
    /// Whether it makes the load that is judged: all but `setup`.
    pub counts: bool,
    /// Operations that were due.
    pub due: Vec<u64>,
    /// Requests that left.
    pub sent: Vec<u64>,
    /// Answers.
    pub answered: Vec<u64>,
}

/// A counter or a gauge over time.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberHistory {
    /// Name of the measurement or job.
    pub source: String,
    /// As declared.
    pub name: String,
    /// UCUM.
    pub unit: String,
    /// Sorted by name.
    pub labels: Vec<Label>,
    /// Whether it only grows.
    pub is_counter: bool,
    /// Growth of a counter in each bin; last value of a gauge, carried on until the next.
    pub values: Vec<Option<f64>>,
}

pub(super) fn queues(events: &[EventLine], numbers: &[NumberLine], bins: Bins) -> Vec<QueueHistory> {
    let mut queues: BTreeMap<QueueId, QueueHistory> = BTreeMap::new();
    for event in events {
        if let EventLine::QueueOpened { queue, job, name, .. } = event {
            let history = QueueHistory {
                job: job.to_string(),
                name: name.to_string(),
                counts: *name != QueueName::setup(),
                due: bins.zeroes(),
                sent: bins.zeroes(),
                answered: bins.zeroes(),
            };
            queues.insert(*queue, history);
        }
    }
    for line in numbers {
        let NumberLine::Load { second, queue, due, sent, answered } = line else { continue };
        let Some(queue) = queues.get_mut(queue) else { continue };
        let bin = bins.of(*second);
        let lists = [(&mut queue.due, due), (&mut queue.sent, sent), (&mut queue.answered, answered)];
        for (list, n) in lists {
            if let Some(sum) = list.get_mut(bin) {
                *sum = sum.saturating_add(*n);
            }
        }
    }
    let mut queues: Vec<QueueHistory> = queues.into_values().collect();
    queues.sort_by_key(|queue| !queue.counts);
    queues
}

pub(super) fn instruments(events: &[EventLine], numbers: &[NumberLine], bins: Bins) -> Vec<NumberHistory> {
    let mut found: BTreeMap<(String, String, Vec<Label>), NumberHistory> = BTreeMap::new();
    let mut keys: HashMap<InstrumentId, (String, String, Vec<Label>)> = HashMap::new();
    for event in events {
        let EventLine::InstrumentOpened { instrument, source, name, kind, unit, labels } = event else {
            continue;
        };
        let is_counter = match kind {
            InstrumentKind::Histogram => continue,
            InstrumentKind::Counter => true,
            InstrumentKind::Gauge => false,
        };
        let key = (source.clone(), name.to_string(), labels.clone());
        keys.insert(*instrument, key.clone());
        found.entry(key).or_insert_with(|| NumberHistory {
            source: source.clone(),
            name: name.to_string(),
            unit: unit.clone(),
            labels: labels.clone(),
            is_counter,
            values: bins.zeroes(),
        });
    }
    for line in numbers {
        let (instrument, second, value, grows) = match line {
            NumberLine::Counter { instrument, second, added, .. } => {
                (instrument, second, Some(*added as f64), true)
            }
            NumberLine::Gauge { instrument, second, value, .. } => (instrument, second, *value, false),
            NumberLine::Missing { .. } | NumberLine::Load { .. } | NumberLine::Span { .. } => continue,
        };
        let Some(history) = keys.get(instrument).and_then(|key| found.get_mut(key)) else { continue };
        let Some(cell) = history.values.get_mut(bins.of(*second)) else { continue };
        *cell = if grows { Some(cell.unwrap_or(0.0) + value.unwrap_or(0.0)) } else { value };
    }
    let mut histories: Vec<NumberHistory> = found.into_values().collect();
    for history in &mut histories {
        fill(history);
    }
    histories
}

/// A counter that did not grow grew by 0; a gauge that was not set has its last value.
fn fill(history: &mut NumberHistory) {
    let mut last = None;
    for value in &mut history.values {
        if history.is_counter {
            *value = Some(value.unwrap_or(0.0));
        } else {
            last = value.or(last);
            *value = last;
        }
    }
}
