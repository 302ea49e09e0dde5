//! Whether the response of each job settled, and when; see [`crate::statistics::steady`].
//!
//! Nothing is left out of any number because of it: gates judge all that the scenario calls measured, and a
//! finding says what the beginning did to it.

use bench_model::{Phase, TimeNs};

use super::{
    distribution::decimals,
    jobs::{OperationMetric, operation_histogram, selection},
    load::Loaded,
    seconds::{Median, Selection, medians, total_from},
};
use crate::{
    event_line::EventLine,
    statistics::{
        mean_and_deviation,
        steady::{self, BATCH},
    },
    summary::{JobSummary, SteadyState, SteadySummary, WarmupMethod},
};

/// Fewest batches of five seconds that say something.
const MIN_BATCHES: usize = 12;
/// Difference between the beginning and the rest that is worth a finding.
const DIFFERENT: f64 = 0.05;
/// Change over the settled time that is worth a finding, and how unlikely it must be by chance.
const DRIFT: f64 = 0.05;
const DRIFT_P: f64 = 0.01;
/// Most pieces that a trend is looked for in.
const MAX_TREND: usize = 500;

pub(crate) fn steady(loaded: &Loaded, jobs: &[JobSummary]) -> Vec<SteadySummary> {
    jobs.iter().filter(|job| job.operations > 0).map(|job| of_job(loaded, &job.name)).collect()
}

fn of_job(loaded: &Loaded, job: &str) -> SteadySummary {
    let selection = selection(loaded, job, &[], OperationMetric::Response);
    let seconds = medians(loaded, &selection);
    let series: Vec<f64> = seconds.iter().filter_map(|median| median.value).map(|ns| ns as f64).collect();
    let all = operation_histogram(loaded, job, &[], OperationMetric::Response);
    let p50_ns = all.quantile(0.5).and_then(|(low, _)| super::distribution::finite(low));
    let given = given_warmup(loaded);
    let mut summary = SteadySummary {
        source: job.to_owned(),
        metric: "response".to_owned(),
        state: SteadyState::TooShort,
        seconds: u32::try_from(seconds.len()).unwrap_or(u32::MAX),
        method: given.map(|_| WarmupMethod::Given),
        warmup_seconds: given,
        p50_ns,
        p50_settled_ns: None,
        drift: None,
        drift_p: None,
    };
    let batches = steady::batch_means(&series);
    if batches.len() >= MIN_BATCHES {
        judge(loaded, &selection, &seconds, &batches, &mut summary);
    }
    summary
}

fn judge(
    loaded: &Loaded,
    selection: &Selection,
    seconds: &[Median],
    batches: &[f64],
    summary: &mut SteadySummary,
) {
    let cut = steady::truncation(batches);
    let (before, after) = batches.split_at(cut);
    let is_different = differ(before, after);
    let rest = if is_different { after } else { batches };
    let (drift, p) = trend(rest);
    summary.drift = drift.map(|drift| decimals(drift, 6));
    summary.drift_p = Some(decimals(p, 9));
    if summary.method.is_none() || is_different {
        summary.method = Some(WarmupMethod::Mser5);
        let cut = if is_different { cut * BATCH } else { 0 };
        summary.warmup_seconds = u32::try_from(cut).ok();
    }
    if is_different {
        let from = seconds.get(cut * BATCH).map_or(i64::MAX, |second| second.second);
        let settled = total_from(loaded, selection, from).quantile(0.5);
        summary.p50_settled_ns = settled.and_then(|(low, _)| super::distribution::finite(low));
    }
    let drifts = drift.is_some_and(|drift| drift.abs() > DRIFT) && p < DRIFT_P;
    summary.state = match (is_different, cut >= batches.len() / 2, drifts) {
        (true, true, _) => SteadyState::NotSteady,
        (_, _, true) => SteadyState::Drifting,
        (true, false, false) => SteadyState::WarmedUp,
        (false, _, false) => SteadyState::Steady,
    };
}

/// Whether the beginning differs from the rest by more than the rest from itself.
fn differ(before: &[f64], after: &[f64]) -> bool {
    let Some((mean, deviation)) = mean_and_deviation(after) else { return false };
    if before.is_empty() {
        return false;
    }
    let n = before.len() as f64;
    let distance = (before.iter().sum::<f64>() / n - mean).abs();
    distance > DIFFERENT * mean.abs() && distance > 3.0 * deviation / n.sqrt()
}

/// Change over the whole as a share of its median, and the chance of such a trend.
fn trend(batches: &[f64]) -> (Option<f64>, f64) {
    // All pairs are compared: of a long run longer pieces.
    let size = batches.len().div_ceil(MAX_TREND);
    let pieces: Vec<f64> =
        batches.chunks(size.max(1)).map(|piece| piece.iter().sum::<f64>() / piece.len() as f64).collect();
    let batches = pieces.as_slice();
    let median = crate::statistics::median(batches).filter(|median| *median > 0.0);
    let slope = steady::slope(batches);
    let change = slope.zip(median).map(|(slope, median)| slope * batches.len() as f64 / median);
    (change, steady::trend_p(batches))
}

/// Seconds of warm-up of the scenario, rounded down.
fn given_warmup(loaded: &Loaded) -> Option<u32> {
    let start = |wanted: Phase| {
        loaded.events.iter().find_map(|event| match event {
            EventLine::PhaseStarted { phase, at } if *phase == wanted => Some(*at),
            _ => None,
        })
    };
    let length: Option<(TimeNs, TimeNs)> = start(Phase::Warmup).zip(start(Phase::Measure));
    length.and_then(|(warmup, measure)| u32::try_from(measure.since(warmup) / 1_000_000_000).ok())
}
