//! Jobs and their queues: what was due, what left, what came back, how long it took.

use std::collections::HashMap;

use bench_model::{Histogram, JobOutcome, Label, QueueName, TimeNs};

use super::{
    distribution::{QUANTILES, decimals, distribution},
    evidence::Evidence,
    load::{Loaded, OperationSeries, Queue},
    seconds::Selection,
};
use crate::{
    event_line::EventLine,
    read::interval_log::TagTotal,
    summary::{Distribution, ErrorSummary, JobSummary, Outcome, QueueSummary},
};

/// Which of the three times of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationMetric {
    Response,
    Service,
    Lag,
}

impl OperationMetric {
    /// As in file names and gates.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
            Self::Lag => "lag",
        }
    }
}

/// Jobs of the plan in its order, then any other that the record has.
pub(crate) fn jobs(loaded: &Loaded) -> Vec<JobSummary> {
    job_names(loaded).into_iter().map(|name| job(loaded, &name)).collect()
}

fn job_names(loaded: &Loaded) -> Vec<String> {
    let mut names: Vec<String> = loaded.header.jobs.iter().map(ToString::to_string).collect();
    for event in &loaded.events {
        if let EventLine::JobStarted { job, .. } | EventLine::JobFinished { job, .. } = event
            && !names.iter().any(|name| name == job.as_str())
        {
            names.push(job.to_string());
        }
    }
    names
}

fn job(loaded: &Loaded, name: &str) -> JobSummary {
    let (outcome, message) = outcome(loaded, name);
    let mut queues: Vec<QueueSummary> = loaded
        .queues
        .values()
        .filter(|queue| queue.job.as_str() == name)
        .map(|queue| queue_summary(loaded, queue))
        .collect();
    queues.sort_by_key(|queue| !queue.counts);
    // A job with one queue has that queue's distributions: they need not be made twice.
    let mut counting = queues.iter().filter(|queue| queue.counts);
    let (response, service, lag) = match (counting.next(), counting.next()) {
        (Some(queue), None) => (queue.response.clone(), queue.service.clone(), queue.lag.clone()),
        _ => all_times(loaded, name, &[]),
    };
    let counted = counted(loaded, name, &[]);
    JobSummary {
        name: name.to_owned(),
        outcome,
        message,
        elapsed_ns: elapsed_ns(loaded, name),
        operations: counted.operations,
        failed: counted.failed,
        queues,
        errors: errors(loaded, name),
        response,
        service,
        lag,
    }
}

/// Response, service and lag, side by side: each goes through a log.
fn all_times(loaded: &Loaded, job: &str, labels: &[Label]) -> (Distribution, Distribution, Distribution) {
    let of = |metric| times(loaded, job, labels, metric);
    let (response, (service, lag)) = rayon::join(
        || of(OperationMetric::Response),
        || rayon::join(|| of(OperationMetric::Service), || of(OperationMetric::Lag)),
    );
    (response, service, lag)
}

/// The distribution of one of the times, with its intervals.
fn times(loaded: &Loaded, job: &str, labels: &[Label], metric: OperationMetric) -> Distribution {
    let histogram = operation_histogram(loaded, job, labels, metric);
    let selection = selection(loaded, job, labels, metric);
    let evidence = Evidence::new(loaded, &selection, &histogram, &[], &QUANTILES);
    distribution(&histogram, "ns", &evidence)
}

fn outcome(loaded: &Loaded, name: &str) -> (Outcome, Option<String>) {
    let mut started = false;
    let mut ended = None;
    for event in &loaded.events {
        match event {
            EventLine::JobStarted { job, .. } if job.as_str() == name => started = true,
            EventLine::JobFinished { job, outcome, .. } if job.as_str() == name => ended = Some(outcome),
            _ => {}
        }
    }
    match ended {
        Some(JobOutcome::Completed) => (Outcome::Completed, None),
        Some(JobOutcome::Failed { message }) => (Outcome::Failed, Some(message.clone())),
        Some(JobOutcome::Faulted { fault }) => (Outcome::Faulted, Some(fault.message.clone())),
        Some(JobOutcome::Stopped) => (Outcome::Stopped, None),
        Some(JobOutcome::Skipped) => (Outcome::Skipped, None),
        None if started => (Outcome::Unfinished, None),
        None => (Outcome::Skipped, None),
    }
}

/// First due to last done of the queues that count.
pub(crate) fn elapsed_ns(loaded: &Loaded, job: &str) -> Option<u64> {
    let spans = || loaded.queues.values().filter(|q| q.job.as_str() == job && q.counts()).map(|q| q.span);
    let first = spans().map(|span| span.first_due).min()?;
    let last = spans().map(|span| span.last_done).max()?;
    let known = !first.is_never() && last != TimeNs::ABSENT;
    known.then(|| last.since(first))
}

/// Operations of a job that count and match the labels. Without a label `queue` those of `setup` do not.
pub(crate) fn matching<'a>(
    loaded: &'a Loaded,
    job: &'a str,
    labels: &'a [Label],
) -> impl Iterator<Item = &'a OperationSeries> {
    let any_queue = labels.iter().any(|label| label.name == "queue");
    let setup = QueueName::setup();
    loaded.operations.iter().filter(move |series| {
        series.job == job
            && series.is_measured()
            && (any_queue || series.label("queue") != setup.as_str())
            && labels.iter().all(|label| series.labels.contains(label))
    })
}

/// How many operations there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) operations: u64,
    pub(crate) failed: u64,
}

pub(crate) fn counted(loaded: &Loaded, job: &str, labels: &[Label]) -> Counted {
    let mut counted = Counted::default();
    for series in matching(loaded, job, labels) {
        let n = series.response.count();
        let failed = if series.is_success() { series.response.missing() } else { n };
        counted.operations = counted.operations.saturating_add(n);
        counted.failed = counted.failed.saturating_add(failed);
    }
    counted
}

/// The distribution of one of the times. A failed operation never did what was asked: it ranks above
/// every number in response and service, so that refusing quickly does not look fast.
pub(crate) fn operation_histogram(
    loaded: &Loaded,
    job: &str,
    labels: &[Label],
    metric: OperationMetric,
) -> Histogram {
    let mut sum = Histogram::new();
    for series in matching(loaded, job, labels) {
        let of = match metric {
            OperationMetric::Response => &series.response,
            OperationMetric::Service => &series.service,
            OperationMetric::Lag => &series.lag,
        };
        let failed = metric != OperationMetric::Lag && !series.is_success();
        let lost = failed.then(|| TagTotal::empty().into_histogram(of.count(), 0));
        // Histograms of three digits always merge.
        let _ = sum.merge(lost.as_ref().unwrap_or(of));
    }
    sum
}

/// The series that [`operation_histogram`] adds up.
pub(crate) fn selection(loaded: &Loaded, job: &str, labels: &[Label], metric: OperationMetric) -> Selection {
    let lost = |series: &OperationSeries| metric != OperationMetric::Lag && !series.is_success();
    Selection {
        source: job.to_owned(),
        metric: metric.as_str().to_owned(),
        tags: matching(loaded, job, labels).map(|series| (series.tag.clone(), lost(series))).collect(),
    }
}

fn queue_summary(loaded: &Loaded, queue: &Queue) -> QueueSummary {
    let labels = [Label { name: "queue".to_owned(), value: queue.name.to_string() }];
    let (response, service, lag) = all_times(loaded, queue.job.as_str(), &labels);
    let (totals, span) = (queue.totals, queue.span);
    let Load { due, sent, answered } = load(loaded, queue, &labels);
    QueueSummary {
        name: queue.name.to_string(),
        counts: queue.counts(),
        rate: queue.spec.rate.map(|rate| rate.to_string()),
        burst: queue.spec.burst.get(),
        in_flight: queue.spec.in_flight.get(),
        asked: totals.asked,
        due,
        sent,
        answered,
        delivered: (due > 0).then(|| decimals(sent as f64 / due as f64, 9)),
        due_rate: rate(due, span.first_due, span.last_due),
        achieved_rate: rate(sent, span.first_sent, span.last_sent),
        held_by_in_flight: totals.held_by_in_flight,
        held_by_limiter: totals.held_by_limiter,
        sent_again: totals.sent_again,
        late_plugin: totals.late_plugin,
        response,
        service,
        lag,
    }
}

/// What became of the operations of a queue.
struct Load {
    due: u64,
    sent: u64,
    answered: u64,
}

/// Those of the phases that count; all of a queue that makes no load to be judged.
fn load(loaded: &Loaded, queue: &Queue, labels: &[Label]) -> Load {
    if !queue.counts() {
        let totals = queue.totals;
        return Load { due: totals.due, sent: totals.sent, answered: totals.answered };
    }
    let mut load = Load { due: 0, sent: 0, answered: 0 };
    for series in matching(loaded, queue.job.as_str(), labels) {
        let came = |times: &Histogram| times.count().saturating_sub(times.missing());
        load.due = load.due.saturating_add(series.lag.count());
        load.sent = load.sent.saturating_add(came(&series.lag));
        load.answered = load.answered.saturating_add(came(&series.service));
    }
    load
}

/// Gaps between `n` moments, a second; `None` for fewer than two, or when all are at once.
fn rate(n: u64, first: TimeNs, last: TimeNs) -> Option<f64> {
    if n < 2 || first.is_never() || last == TimeNs::ABSENT {
        return None;
    }
    let seconds = last.since(first) as f64 / 1e9;
    (seconds > 0.0).then(|| decimals((n - 1) as f64 / seconds, 6))
}

/// Grouped by verb, resource, status and reason; messages are not compared.
fn errors(loaded: &Loaded, job: &str) -> Vec<ErrorSummary> {
    let examples: HashMap<&str, &str> = loaded
        .events
        .iter()
        .filter_map(|event| match event {
            EventLine::ReasonSeen { text, example, .. } => Some((text.as_str(), example.as_str())),
            _ => None,
        })
        .collect();
    let mut errors: Vec<ErrorSummary> = loaded
        .operations
        .iter()
        .filter(|series| series.job == job && series.is_measured() && !series.is_success())
        .map(|series| ErrorSummary {
            queue: series.label("queue").to_owned(),
            verb: series.label("verb").to_owned(),
            resource: series.label("resource").to_owned(),
            http_status: series.http_status(),
            reason: series.label("reason").to_owned(),
            count: series.response.count(),
            example: examples.get(series.label("reason")).map(|text| (*text).to_owned()).unwrap_or_default(),
        })
        .collect();
    errors.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
    errors
}
