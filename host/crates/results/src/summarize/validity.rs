//! Findings: whether the numbers can be trusted, and what else a reader must know.
//!
//! A run is invalid when its record has no end, it was stopped by a failure, a plugin broke, too little of the
//! due load left, it left too late, observations were lost, or the server answered 429 to a queue that does
//! not expect it. How much is too much say the bounds in the record ([`ValidityBounds`]).

use bench_model::{LagBound, OnTooManyRequests, Share, StopReason, ValidityBounds};

use super::{
    jobs::{OperationMetric, operation_histogram},
    load::{Loaded, Queue},
};
use crate::{
    event_line::EventLine,
    statistics::order::{confidence_ranks, minimum_samples},
    summary::{
        EnvironmentSummary, Finding, FindingKind, Outcome, QueueSummary, SteadyState, SteadySummary, Summary,
    },
};

pub(crate) fn findings(loaded: &Loaded, clock_was_set: bool, summary: &Summary) -> Vec<Finding> {
    let mut findings = Vec::new();
    for reason in &summary.partial_reasons {
        findings.push(finding(FindingKind::Partial, true, "", reason.clone()));
    }
    findings.extend(loaded.events.iter().filter_map(of_event));
    for job in &summary.jobs {
        of_outcome(job.outcome, &job.name, job.message.as_deref(), &mut findings);
        for queue in job.queues.iter().filter(|queue| queue.counts) {
            of_queue(loaded, &job.name, queue, &mut findings);
        }
    }
    of_gaps(loaded.header.validity, summary, &mut findings);
    findings.extend(summary.steady.iter().filter_map(of_steady));
    findings.extend(of_environment(&summary.environment));
    if clock_was_set {
        let text = "the API server's clock did not go evenly: it was set, or several servers with clocks of their \
            own answered; times taken from its timestamps may be wrong by more than the bound says";
        findings.push(finding(FindingKind::ClockSet, false, "", text.to_owned()));
    }
    for wait in summary.waits.iter().filter(|wait| wait.unmet > 0) {
        let all = u64::from(wait.met) + u64::from(wait.unmet);
        let mut text = format!("{} of {all} {} never became `{}`", wait.unmet, wait.resource, wait.condition);
        if !wait.causes.is_empty() {
            text.push_str(&format!("; {}", wait.causes.join("; ")));
        }
        findings.push(finding(FindingKind::UnmetWait, false, &wait.job, text));
    }
    if let Some(cleanup) = &summary.cleanup
        && !(cleanup.remaining.is_empty() && cleanup.errors.is_empty())
    {
        let (left, errors) = (cleanup.remaining.len(), cleanup.errors.len());
        let text = format!("{} left on the cluster, {}", count(left, "object"), count(errors, "error"));
        findings.push(finding(FindingKind::CleanupIncomplete, false, "", text));
    }
    // What invalidates first; otherwise in order of discovery.
    findings.sort_by_key(|finding| !finding.invalidates);
    findings
}

fn finding(kind: FindingKind, invalidates: bool, source: &str, message: String) -> Finding {
    Finding { kind, invalidates, source: source.to_owned(), message }
}

/// `1 object`, `2 objects`.
fn count(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

fn of_event(event: &EventLine) -> Option<Finding> {
    Some(match event {
        EventLine::Stopping { reason, .. } => {
            let text = match reason {
                StopReason::Deadline => "stopped at the deadline",
                StopReason::Interrupt => "interrupted",
                StopReason::Terminate => "terminated",
                StopReason::ClusterLost => "the cluster could not be reached any more",
                StopReason::RecordFailed => "the record could not be written any more",
            };
            finding(FindingKind::Stopped, true, "", text.to_owned())
        }
        EventLine::MeasurementFailed { source, message, fault: Some(fault), .. } => {
            let text = format!("plugin `{}` broke in `{}`: {message}", fault.plugin, fault.function);
            finding(FindingKind::PluginFault, true, source, text)
        }
        EventLine::MeasurementFailed { source, message, fault: None, .. } => {
            finding(FindingKind::MeasurementFailed, true, source, format!("ended early: {message}"))
        }
        EventLine::LogsDropped { source, n } => finding(
            FindingKind::LogsDropped,
            false,
            source,
            format!("{n} log messages over the limit were left out"),
        ),
        EventLine::Doubt { message } => finding(FindingKind::Doubt, false, "", message.clone()),
        EventLine::PhaseStarted { .. }
        | EventLine::JobStarted { .. }
        | EventLine::JobFinished { .. }
        | EventLine::QueueOpened { .. }
        | EventLine::QueueClosed { .. }
        | EventLine::ResourceSeen { .. }
        | EventLine::ReasonSeen { .. }
        | EventLine::InstrumentOpened { .. }
        | EventLine::TableOpened { .. }
        | EventLine::Artifact { .. }
        | EventLine::MeasurementReport { .. }
        | EventLine::Log { .. }
        | EventLine::Gap(_)
        | EventLine::Waited { .. }
        | EventLine::ClockOffset { .. }
        | EventLine::EnvironmentSeen { .. }
        | EventLine::Marked { .. }
        | EventLine::CleanedUp { .. }
        | EventLine::Finished { .. } => return None,
    })
}

fn of_outcome(outcome: Outcome, job: &str, message: Option<&str>, findings: &mut Vec<Finding>) {
    let message = message.unwrap_or_default();
    match outcome {
        Outcome::Failed => {
            findings.push(finding(FindingKind::JobFailed, false, job, format!("the job gave up: {message}")));
        }
        Outcome::Faulted => {
            findings.push(finding(
                FindingKind::PluginFault,
                true,
                job,
                format!("the plugin broke: {message}"),
            ));
        }
        Outcome::Unfinished => {
            findings.push(finding(
                FindingKind::Partial,
                true,
                job,
                "the job has no end in the record".to_owned(),
            ));
        }
        Outcome::Completed | Outcome::Stopped | Outcome::Skipped => {}
    }
}

fn of_queue(loaded: &Loaded, job: &str, summary: &QueueSummary, findings: &mut Vec<Finding>) {
    let ValidityBounds { delivered: least, lag, too_many_requests, .. } = loaded.header.validity;
    let name = &summary.name;
    let Some(queue) = loaded.queues.values().find(|q| q.job.as_str() == job && q.name.as_str() == name)
    else {
        return;
    };
    if let Some(delivered) = summary.delivered
        && delivered < least.part()
    {
        let text = format!(
            "queue `{name}` sent {} of {} due operations ({:.1} %, at least {}){}",
            summary.sent,
            summary.due,
            delivered * 100.0,
            percent(least),
            held(summary)
        );
        findings.push(finding(FindingKind::NotDelivered, true, job, text));
    }
    if let Some(text) = late(loaded, job, queue, summary, lag) {
        findings.push(finding(FindingKind::LateLoad, true, job, text));
    }
    let refused = loaded.operations.iter().filter(|series| {
        series.job == job
            && series.label("queue") == name
            && series.is_measured()
            && series.http_status() == 429
    });
    let refused = refused.fold(0_u64, |sum, series| sum.saturating_add(series.response.count()));
    if refused > 0 {
        let expected = queue.spec.on_too_many_requests == OnTooManyRequests::Backoff;
        let mut text = format!("the server refused {refused} operations of queue `{name}` with 429");
        if !expected && too_many_requests > Share::NONE {
            text.push_str(&format!(", at most {} of them may be", percent(too_many_requests)));
        }
        let is_allowed = refused as f64 <= summary.sent as f64 * too_many_requests.part();
        findings.push(finding(FindingKind::TooManyRequests, !(expected || is_allowed), job, text));
    }
    if summary.sent_again > 0 {
        let text = format!(
            "the server answered 429 to {} of queue `{name}`, each sent again after the wait that it asked for: \
             the response includes these waits",
            count(usize::try_from(summary.sent_again).unwrap_or(usize::MAX), "request"),
        );
        findings.push(finding(FindingKind::TooManyRequests, false, job, text));
    }
}

/// What the response did over time, when a reader must know it.
fn of_steady(steady: &SteadySummary) -> Option<Finding> {
    let text = |ns: Option<u64>| {
        ns.map_or("never".to_owned(), |ns| bench_model::format_duration(std::time::Duration::from_nanos(ns)))
    };
    let (all, settled) = (text(steady.p50_ns), text(steady.p50_settled_ns));
    let (seconds, warmup) = (steady.seconds, steady.warmup_seconds.unwrap_or(0));
    let (kind, message) = match steady.state {
        SteadyState::TooShort | SteadyState::Steady => return None,
        SteadyState::NotSteady => (
            FindingKind::NoSteadyState,
            format!(
                "no steady state: the response did not settle within the first half of {seconds} s (MSER-5)"
            ),
        ),
        SteadyState::WarmedUp => (
            FindingKind::WarmupIncluded,
            format!(
                "the first {warmup} s look like warm-up (MSER-5) and are part of every number: \
                 p50 response {all}, {settled} without them; `warmup: {warmup}s` takes them off"
            ),
        ),
        SteadyState::Drifting => (
            FindingKind::Drifting,
            format!(
                "drifting: the response changed by {:+.1} % over {} s",
                steady.drift.unwrap_or(0.0) * 100.0,
                seconds.saturating_sub(warmup)
            ),
        ),
    };
    Some(finding(kind, false, &steady.source, message))
}

/// A machine that held the program back measured itself.
fn of_environment(environment: &EnvironmentSummary) -> Option<Finding> {
    let periods = environment.host_throttled_periods.filter(|periods| *periods > 0)?;
    let text = format!(
        "the processor limit of this program held it back in {} while the run went on",
        count(usize::try_from(periods).unwrap_or(usize::MAX), "period")
    );
    Some(finding(FindingKind::EnvironmentChanged, false, "", text))
}

/// What held the load back, as far as it is known.
fn held(queue: &QueueSummary) -> String {
    let parts = [
        (queue.held_by_limiter, "by the limiter"),
        (queue.held_by_in_flight, "by the in-flight window"),
        (queue.late_plugin, "by the plugin"),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, by)| format!("{n} held back {by}")).collect();
    if parts.is_empty() { String::new() } else { format!("; {}", parts.join(", ")) }
}

/// Whether the load of a paced queue left too late, in words. With fewer samples than a p99 needs the lower
/// end of its 95 % confidence interval is compared, so that one late operation of fifty proves nothing.
fn late(
    loaded: &Loaded,
    job: &str,
    queue: &Queue,
    summary: &QueueSummary,
    bound: LagBound,
) -> Option<String> {
    queue.spec.rate?;
    let labels = [bench_model::Label { name: "queue".to_owned(), value: summary.name.clone() }];
    let lag = operation_histogram(loaded, job, &labels, OperationMetric::Lag);
    let n = lag.count();
    let q = if n >= minimum_samples(0.99) { 0.99 } else { confidence_ranks(n, 0.99).0? as f64 / n as f64 };
    let (lag, _) = lag.quantile(q)?;
    let response = summary.response.quantile(0.5).and_then(|p50| p50.low).unwrap_or(0);
    let limit = bound.time_ns.max((response as f64 * bound.response_share.part()) as u64);
    let text = |ns: u64| bench_model::format_duration(std::time::Duration::from_nanos(ns));
    (lag > limit).then(|| {
        let lag = if lag == bench_model::NEVER { "never".to_owned() } else { text(lag) };
        format!("queue `{}` sent late: p99 lag {lag}, limit {}{}", summary.name, text(limit), held(summary))
    })
}

/// `99 %`
fn percent(share: Share) -> String {
    share.to_string().replace('%', " %")
}

fn of_gaps(bounds: ValidityBounds, summary: &Summary, findings: &mut Vec<Finding>) {
    let lost = summary.gaps.iter().filter(|gap| !gap.relisted);
    let lost = lost.fold(0_u64, |sum, gap| sum.saturating_add(gap.count));
    let is_allowed = lost <= bounds.lost_observations;
    for gap in &summary.gaps {
        let rows = match gap.rows {
            Some(0) | None => String::new(),
            Some(rows) => format!(", {rows} rows"),
        };
        let times = count(usize::try_from(gap.count).unwrap_or(usize::MAX), "time");
        let (kind, what) = if gap.relisted {
            (FindingKind::Relisted, "listed again")
        } else {
            (FindingKind::LostObservations, "observations lost")
        };
        let text = format!("watch of {}: {} ({times}{rows}), {what}", gap.resource, gap.reason);
        findings.push(finding(kind, !(gap.relisted || is_allowed), &gap.measurement, text));
    }
}
