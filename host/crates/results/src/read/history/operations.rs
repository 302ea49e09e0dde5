//! Operations over time: a response series for each job, totals for each verb, kind and outcome.

use std::collections::BTreeMap;

use bench_model::{Label, QueueName};

use super::{
    bins::Bins,
    series::{InBin, Missing, SeriesBin, TotalQuantiles, by_tag, fold, read_logs, spectrum, stem},
};
use crate::{
    event_line::EventLine,
    read::{
        ReadError, RecordFiles,
        interval_log::{self, IntervalLog},
    },
    tag,
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

fn label<'a>(labels: &'a [Label], name: &str) -> &'a str {
    labels.iter().find(|label| label.name == name).map_or("", |label| label.value.as_str())
}

/// What a tag says.
struct Kind {
    labels: Vec<Label>,
}

impl Kind {
    fn of(tag: &str) -> Self {
        Self { labels: tag::decode(tag).unwrap_or_default() }
    }

    fn code(&self) -> u16 {
        label(&self.labels, "code").parse().unwrap_or(0)
    }

    fn is_success(&self) -> bool {
        label(&self.labels, "reason").is_empty() && (200..300).contains(&self.code())
    }

    fn counts(&self) -> bool {
        label(&self.labels, "phase").is_empty()
    }

    fn is_setup(&self) -> bool {
        label(&self.labels, "queue") == QueueName::setup().as_str()
    }
}

/// All jobs, and all of their totals.
pub(super) fn read(
    files: &mut RecordFiles,
    events: &[EventLine],
    missing: &Missing<'_>,
    bins: Bins,
) -> Result<(Vec<OperationGroup>, Vec<OperationTotals>), ReadError> {
    let mut jobs: Vec<&str> = Vec::new();
    for event in events {
        if let EventLine::QueueOpened { job, .. } = event
            && !jobs.contains(&job.as_str())
        {
            jobs.push(job.as_str());
        }
    }
    let (mut groups, mut totals) = (Vec::new(), Vec::new());
    for job in jobs {
        let [response, _] = read_logs(files, job, "response")?;
        let [service, _] = read_logs(files, job, "service")?;
        groups.push(group(job, &response, &service, missing, bins));
        totals.extend(totals_of(job, &response, &service, missing));
    }
    Ok((groups, totals))
}

fn group(
    job: &str,
    response: &IntervalLog,
    service: &IntervalLog,
    missing: &Missing<'_>,
    bins: Bins,
) -> OperationGroup {
    let (bins_of_response, response_total) = folded(job, "response", response, missing, bins);
    let (_, service_total) = folded(job, "service", service, missing, bins);
    let mut too_many: Vec<u64> = bins.zeroes();
    for (tag, lines) in by_tag(response) {
        let kind = Kind::of(tag);
        if kind.code() != 429 || kind.is_setup() {
            continue;
        }
        for (second, line) in lines {
            if let Some(sum) = too_many.get_mut(bins.of(second)) {
                line.for_each(|_, count| *sum = sum.saturating_add(count));
            }
        }
    }
    OperationGroup {
        job: job.to_owned(),
        failed: bins_of_response.iter().map(|bin| bin.missing).collect(),
        response: bins_of_response,
        too_many,
        response_total,
        service_total,
    }
}

fn folded(
    job: &str,
    metric: &str,
    log: &IntervalLog,
    missing: &Missing<'_>,
    bins: Bins,
) -> (Vec<SeriesBin>, TotalQuantiles) {
    let stem = stem(job, metric);
    let mut lines = Vec::new();
    let mut never: Vec<u64> = bins.zeroes();
    let mut counted = 0_u64;
    for (tag, of_tag) in by_tag(log) {
        let kind = Kind::of(tag);
        if kind.is_setup() {
            continue;
        }
        lines.extend(of_tag.into_iter().map(|(second, line)| InBin {
            bin: bins.of(second),
            line,
            counts: kind.counts(),
            failed: !kind.is_success(),
        }));
    }
    for tag in missing.tags(&stem) {
        let kind = Kind::of(tag);
        if kind.is_setup() {
            continue;
        }
        for (sum, n) in never.iter_mut().zip(missing.by_bin(&stem, tag, bins)) {
            *sum = sum.saturating_add(n);
            counted = counted.saturating_add(if kind.counts() { n } else { 0 });
        }
    }
    fold(lines, &never, counted)
}

/// Everything of one tag, whatever became of it.
fn totals_of(
    job: &str,
    response: &IntervalLog,
    service: &IntervalLog,
    missing: &Missing<'_>,
) -> Vec<OperationTotals> {
    let (mut responses, mut services) =
        (whole(job, "response", response, missing), whole(job, "service", service, missing));
    let tags: Vec<String> = responses.keys().cloned().collect();
    let mut totals: Vec<OperationTotals> = tags
        .into_iter()
        .map(|tag| {
            let kind = Kind::of(&tag);
            let text = |name: &str| label(&kind.labels, name).to_owned();
            let response = responses.remove(&tag).unwrap_or_default();
            OperationTotals {
                job: job.to_owned(),
                queue: text("queue"),
                verb: text("verb"),
                resource: text("resource"),
                code: kind.code(),
                reason: text("reason"),
                phase: text("phase"),
                n: response.n,
                response,
                service: services.remove(&tag).unwrap_or_default(),
            }
        })
        .collect();
    totals.sort_by(|a, b| {
        (&a.phase, &a.resource, &a.verb, a.code).cmp(&(&b.phase, &b.resource, &b.verb, b.code))
    });
    totals
}

fn whole(
    job: &str,
    metric: &str,
    log: &IntervalLog,
    missing: &Missing<'_>,
) -> BTreeMap<String, TotalQuantiles> {
    let once = Bins::new(0, 1);
    let stem = stem(job, metric);
    let mut totals = interval_log::total(log, &IntervalLog::default());
    for tag in missing.tags(&stem) {
        totals.entry(tag.to_owned()).or_insert_with(interval_log::TagTotal::empty);
    }
    let quantiles = totals.into_iter().map(|(tag, total)| {
        let never = missing.by_bin(&stem, &tag, once).iter().sum();
        (tag, spectrum(&total.into_histogram(never, 0)))
    });
    quantiles.collect()
}
