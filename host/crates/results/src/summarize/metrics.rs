//! Metrics of plugins, one for each label set.

use std::collections::BTreeMap;

use bench_model::InstrumentKind;

use super::{
    distribution::{QUANTILES, distribution},
    evidence::Evidence,
    load::{Instrument, Loaded},
    seconds::Selection,
};
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
                    let Instrument { histogram, pairs, unit, .. } = instrument;
                    let evidence =
                        Evidence::new(loaded, &selection(&[instrument]), histogram, pairs, &QUANTILES);
                    (Some(distribution(histogram, unit, &evidence)), None)
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

/// The series of instruments of one metric.
pub(crate) fn selection(instruments: &[&Instrument]) -> Selection {
    let of =
        |part: fn(&Instrument) -> &String| instruments.first().map(|i| part(i).clone()).unwrap_or_default();
    Selection {
        source: of(|instrument| &instrument.source),
        metric: of(|instrument| &instrument.name),
        tags: instruments.iter().map(|instrument| (instrument.tag.clone(), false)).collect(),
    }
}
