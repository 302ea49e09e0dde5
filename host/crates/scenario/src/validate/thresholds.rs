//! `thresholds:` and `slos:`.

use bench_model::{HOST_SOURCE, Threshold, WATCH_LAG};
use bench_template::yaml::Node;

use super::{jobs::Jobs, plugins::Measurements};
use crate::{Mistake, fields::Report, value, variables::part};

/// What the host measures of every job, by the names that thresholds use.
const JOB_METRICS: &[&str] = &["response", "service", "lag", "errors", "operations", "elapsed", "delivered"];
/// What the host measures of the cluster.
const HOST_METRICS: &[&str] = &[WATCH_LAG];
const SLOS: &[&str] = &["kubernetes/pod-startup", "kubernetes/api-latency"];

pub(super) fn thresholds(
    node: Option<&Node>,
    jobs: &Jobs,
    measurements: &Measurements,
    report: &mut Report,
) -> Vec<Threshold> {
    let items = node.and_then(|node| value::list(node, "thresholds", report)).unwrap_or_default();
    items.iter().filter_map(|item| threshold(item, jobs, measurements, report)).collect()
}

fn threshold(
    item: &Node,
    jobs: &Jobs,
    measurements: &Measurements,
    report: &mut Report,
) -> Option<Threshold> {
    let text = value::text(item, "thresholds", report)?;
    let threshold: Threshold =
        text.parse().map_err(|error| report.add(&item.span, Mistake::Threshold(error))).ok()?;
    let source = &threshold.metric.source;
    let is_job = jobs.names.contains(source);
    let metrics = match source.as_str() {
        HOST_SOURCE => Some(HOST_METRICS),
        _ if is_job => Some(JOB_METRICS),
        // A plugin's manifest tells them.
        _ => None,
    };
    if metrics.is_none() && !measurements.names.iter().any(|(name, _)| name == source) {
        let known =
            jobs.names.iter().chain(measurements.names.iter().map(|(name, _)| name)).cloned().collect();
        let span = part(report, &item.span, source);
        report.add(&span, Mistake::UnknownSource { name: source.clone(), known });
        return None;
    }
    let metric = &threshold.metric.metric;
    if let Some(known) = metrics.filter(|known| !known.contains(&metric.as_str())) {
        let known = known.iter().map(|metric| (*metric).to_owned()).collect();
        let dotted = part(report, &item.span, &format!(".{metric}"));
        let span = if dotted == item.span { dotted } else { dotted.start + 1..dotted.end };
        report.add(
            &span,
            Mistake::UnknownMetric { source_name: source.clone(), metric: metric.clone(), known },
        );
        return None;
    }
    Some(threshold)
}

/// Named SLOs are recognized and refused: this version does not judge them.
pub(super) fn slos(node: Option<&Node>, report: &mut Report) {
    for item in node.and_then(|node| value::list(node, "slos", report)).unwrap_or_default() {
        let words: Vec<(&str, &str)> = SLOS.iter().map(|slo| (*slo, *slo)).collect();
        if let Some(slo) = value::word(item, "slos", "a known SLO", &words, report) {
            let help =
                "write what it asks for as thresholds, for example `p99(pod-latency.ready) < 5s`".to_owned();
            report.add(&item.span, Mistake::NotSupported { what: format!("SLO `{slo}`"), help });
        }
    }
}
