//! Metrics of plugins, one for each label set.

use std::collections::BTreeMap;

use bench_model::InstrumentKind;

use super::{distribution::distribution, load::Loaded};
use crate::summary::MetricSummary;

pub(crate) fn metrics(loaded: &Loaded) -> Vec<MetricSummary> {
    loaded
        .instruments
        .iter()
        .map(|instrument| {
            let labels: BTreeMap<String, String> =
                instrument.labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect();
            let (distribution, value) = match instrument.kind {
                InstrumentKind::Histogram => {
                    (Some(distribution(&instrument.histogram, &instrument.unit)), None)
                }
                InstrumentKind::Counter => (None, Some(instrument.counter as f64)),
                InstrumentKind::Gauge => (None, instrument.gauge),
            };
            MetricSummary {
                source: instrument.source.clone(),
                name: instrument.name.clone(),
                labels,
                unit: instrument.unit.clone(),
                distribution,
                value,
            }
        })
        .collect()
}
