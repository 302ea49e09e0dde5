//! Finds what a gate is judged on: the metric of a job or of a plugin, as its aggregate asks for it.

use bench_model::{Aggregate, Histogram, InstrumentKind, Label, Threshold};

use super::{NoData, Observed, of_histogram, plain_value};
use crate::{
    summarize::{
        evidence::Evidence,
        jobs::{OperationMetric, counted, elapsed_ns, operation_histogram, selection},
        load::{Instrument, Loaded},
        metrics,
        seconds::Selection,
    },
    summary::{Confidence, JobSummary},
};

pub(super) fn observe(
    loaded: &Loaded,
    jobs: &[JobSummary],
    threshold: &Threshold,
) -> Result<(String, Observed), NoData> {
    let metric = &threshold.metric;
    // A measurement may have the name of a job; what it declares wins, as plugins cannot know job names.
    let instruments: Vec<&Instrument> =
        loaded.instruments.iter().filter(|i| i.source == metric.source && i.name == metric.metric).collect();
    if !instruments.is_empty() {
        return of_instruments(loaded, &instruments, threshold);
    }
    if let Some(job) = jobs.iter().find(|job| job.name == metric.source) {
        return of_job(loaded, job, threshold);
    }
    Err(format!("nothing was recorded for `{}.{}`", metric.source, metric.metric))
}

fn of_instruments(
    loaded: &Loaded,
    instruments: &[&Instrument],
    threshold: &Threshold,
) -> Result<(String, Observed), NoData> {
    let wanted =
        |instrument: &&&Instrument| threshold.metric.labels.iter().all(|l| instrument.labels.contains(l));
    let matching: Vec<&Instrument> = instruments.iter().filter(wanted).copied().collect();
    let Some(first) = matching.first() else {
        return Err("no series has these labels".to_owned());
    };
    let observed = match first.kind {
        InstrumentKind::Histogram => {
            let mut sum = Histogram::new();
            for instrument in &matching {
                sum.merge(&instrument.histogram).map_err(|error| error.to_string())?;
            }
            let selection = metrics::selection(&matching);
            let confidence = confidence(loaded, &selection, &sum, threshold.aggregate);
            Observed { confidence, ..of_histogram(&sum, threshold.aggregate)? }
        }
        InstrumentKind::Counter => {
            let sum = matching.iter().fold(0_u64, |sum, instrument| sum.saturating_add(instrument.counter));
            plain_value(threshold.aggregate, sum as f64, 1, "counter")?
        }
        InstrumentKind::Gauge => {
            let values: Vec<f64> = matching.iter().filter_map(|instrument| instrument.gauge).collect();
            match values.as_slice() {
                [] => return Err("the gauge was never set".to_owned()),
                [value] => plain_value(threshold.aggregate, *value, 1, "gauge")?,
                _ => return Err("several gauges match: name labels that pick one".to_owned()),
            }
        }
    };
    let counts = matches!(threshold.aggregate, Aggregate::Count | Aggregate::Missing | Aggregate::Rate);
    let unit = if counts { "1".to_owned() } else { first.unit.clone() };
    Ok((unit, observed))
}

fn of_job(loaded: &Loaded, job: &JobSummary, threshold: &Threshold) -> Result<(String, Observed), NoData> {
    let labels: &[Label] = &threshold.metric.labels;
    let counted = counted(loaded, &job.name, labels);
    let aggregate = threshold.aggregate;
    let times = match threshold.metric.metric.as_str() {
        "response" => OperationMetric::Response,
        "service" => OperationMetric::Service,
        "lag" => OperationMetric::Lag,
        "operations" => {
            return plain_value(aggregate, counted.operations as f64, counted.operations, "operations")
                .map(one);
        }
        "errors" => {
            let value = match aggregate {
                Aggregate::Rate if counted.operations > 0 => {
                    counted.failed as f64 / counted.operations as f64
                }
                _ => counted.failed as f64,
            };
            return plain_value(aggregate, value, counted.operations, "errors").map(one);
        }
        "elapsed" => {
            let elapsed = elapsed_ns(loaded, &job.name).ok_or("there were no operations")?;
            return plain_value(aggregate, elapsed as f64, 1, "elapsed")
                .map(|observed| ("ns".to_owned(), observed));
        }
        "delivered" => {
            let queues = || job.queues.iter().filter(|queue| queue.counts);
            let (due, sent) = queues().fold((0_u64, 0_u64), |(due, sent), queue| {
                (due.saturating_add(queue.due), sent.saturating_add(queue.sent))
            });
            let share = if due == 0 { 0.0 } else { sent as f64 / due as f64 };
            return plain_value(aggregate, share, due, "delivered").map(one);
        }
        other => return Err(format!("nothing was recorded for `{}.{other}`", job.name)),
    };
    let histogram = operation_histogram(loaded, &job.name, labels, times);
    let unit =
        if matches!(aggregate, Aggregate::Count | Aggregate::Missing | Aggregate::Rate) { "1" } else { "ns" };
    let selection = selection(loaded, &job.name, labels, times);
    let confidence = confidence(loaded, &selection, &histogram, aggregate);
    Ok((unit.to_owned(), Observed { confidence, ..of_histogram(&histogram, aggregate)? }))
}

/// The interval of a gate on a quantile.
fn confidence(
    loaded: &Loaded,
    selection: &Selection,
    histogram: &Histogram,
    aggregate: Aggregate,
) -> Option<Confidence> {
    let Aggregate::Quantile(q) = aggregate else { return None };
    Evidence::new(loaded, selection, histogram, &[], &[q]).confidence(q)
}

fn one(observed: Observed) -> (String, Observed) {
    ("1".to_owned(), observed)
}
