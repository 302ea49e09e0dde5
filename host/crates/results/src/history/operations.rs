//! Operations over time: a response series for each job, totals for each verb, kind and outcome.

use bench_model::QueueName;

use super::{
    bins::Bins,
    series::{SeriesBin, TotalQuantiles, fold, spectrum},
};
use crate::summarize::{
    jobs::{OperationMetric, operation_histogram},
    load::{Loaded, OperationSeries},
    seconds::Selection,
};

/// The operations of a job, but for its queue `setup`.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationGroup {
    /// Which job.
    pub job: String,
    /// Response, warm-up included; failed operations are missing values.
    pub response: Vec<SeriesBin>,
    /// Failed operations in each bin: refused, failed, or never answered.
    pub failed: Vec<u64>,
    /// Those that were refused with 429.
    pub too_many: Vec<u64>,
    /// Done - due of what counts.
    pub response_total: TotalQuantiles,
    /// Done - sent of what counts.
    pub service_total: TotalQuantiles,
}

/// Operations that were the same and ended the same.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationTotals {
    /// Of which job.
    pub job: String,
    /// Of which queue.
    pub queue: String,
    /// As `create`.
    pub verb: String,
    /// As `deployments.apps`.
    pub resource: String,
    /// HTTP status; 0 when there was no answer.
    pub code: u16,
    /// `metav1.Status` reason, or the host's own word; empty for a success.
    pub reason: String,
    /// A phase that does not count; empty when it does.
    pub phase: String,
    /// How many.
    pub n: u64,
    /// Done - due of these alone, failures as they are.
    pub response: TotalQuantiles,
    /// Done - sent.
    pub service: TotalQuantiles,
}

impl OperationTotals {
    /// Whether it did what was asked.
    pub fn is_success(&self) -> bool {
        self.reason.is_empty() && (200..300).contains(&self.code)
    }
}

/// All jobs that have queues, in the order in which they opened them.
pub(super) fn groups(loaded: &Loaded, bins: Bins) -> Vec<OperationGroup> {
    let mut jobs: Vec<&str> = Vec::new();
    for queue in loaded.queues.values() {
        if !jobs.contains(&queue.job.as_str()) {
            jobs.push(queue.job.as_str());
        }
    }
    jobs.into_iter().map(|job| group(loaded, job, bins)).collect()
}

/// The operations of a job without its queue `setup`, in all phases.
fn of_job<'a>(loaded: &'a Loaded, job: &str) -> impl Iterator<Item = &'a OperationSeries> {
    let setup = QueueName::setup();
    let all = loaded.operations.iter().filter(move |series| series.label("queue") != setup.as_str());
    all.filter(move |series| series.job == job)
}

fn group(loaded: &Loaded, job: &str, bins: Bins) -> OperationGroup {
    let folded = |is_shown: fn(&OperationSeries) -> bool| {
        let series = of_job(loaded, job).filter(|series| is_shown(series));
        let selection = Selection {
            source: job.to_owned(),
            metric: OperationMetric::Response.as_str().to_owned(),
            tags: series.map(|series| (series.tag.clone(), !series.is_success())).collect(),
        };
        fold(loaded, &selection, bins)
    };
    let response = folded(|_| true);
    let refused = folded(|series| series.http_status() == 429);
    let total = |metric| spectrum(&operation_histogram(loaded, job, &[], metric));
    OperationGroup {
        job: job.to_owned(),
        failed: response.iter().map(|bin| bin.missing).collect(),
        response,
        too_many: refused.iter().map(|bin| bin.n).collect(),
        response_total: total(OperationMetric::Response),
        service_total: total(OperationMetric::Service),
    }
}

/// All operations of all jobs, whatever became of them.
pub(super) fn totals(loaded: &Loaded) -> Vec<OperationTotals> {
    let mut totals: Vec<OperationTotals> = loaded.operations.iter().map(totals_of).collect();
    totals.sort_by(|a, b| {
        (&a.phase, &a.resource, &a.verb, a.code).cmp(&(&b.phase, &b.resource, &b.verb, b.code))
    });
    totals
}

fn totals_of(series: &OperationSeries) -> OperationTotals {
    let text = |name: &str| series.label(name).to_owned();
    OperationTotals {
        job: series.job.clone(),
        queue: text("queue"),
        verb: text("verb"),
        resource: text("resource"),
        code: series.http_status(),
        reason: text("reason"),
        phase: text("phase"),
        n: series.response.count(),
        response: spectrum(&series.response),
        service: spectrum(&series.service),
    }
}
