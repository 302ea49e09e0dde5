//! Why the numbers can be trusted, or that they cannot: what was checked, and what was found.

use bench_model::{HOST_SOURCE, WATCH_LAG};
use bench_results::{Finding, FindingKind, MetricSummary, Summary, ValiditySummary};

use super::{Cell, FindingView, Tone};
use crate::format::{self, counted};

/// Findings that are shown; the rest is counted.
const MAX_FINDINGS: usize = 20;

/// One line: what was checked, with its numbers, and with those bounds that are not the usual ones.
pub(super) fn validity(summary: &Summary) -> Vec<Cell> {
    let queues = || summary.jobs.iter().flat_map(|job| &job.queues).filter(|queue| queue.counts);
    let (due, sent) = queues().fold((0_u64, 0_u64), |(due, sent), queue| {
        (due.saturating_add(queue.due), sent.saturating_add(queue.sent))
    });
    let has = |kind| summary.findings.iter().any(|finding| finding.kind == kind);
    let (bounds, usual) = (summary.validity, ValiditySummary::default());
    let bound = |is_usual, text: String| if is_usual { String::new() } else { format!(" ({text})") };
    let mut parts = Vec::new();
    if due > 0 {
        let tone = if has(FindingKind::NotDelivered) { Tone::Bad } else { Tone::Good };
        let share = format::percent(sent as f64 / due as f64);
        let least = bound(bounds.delivered == usual.delivered, format::least(bounds.delivered));
        parts.push(Cell::toned(&format!("delivered {share}{least}"), tone));
    }
    let paced = queues().filter(|queue| queue.rate.is_some()).filter_map(|queue| queue.lag.quantile(0.99));
    // Never averaged: the worst queue speaks for all.
    let worst = paced.max_by_key(|p99| p99.high.unwrap_or(u64::MAX));
    if let Some(p99) = worst {
        let text = format::range(p99.low.map(|ns| ns as f64), p99.high.map(|ns| ns as f64), "ns");
        let mark = if p99.enough { "" } else { "*" };
        let tone = if has(FindingKind::LateLoad) { Tone::Bad } else { Tone::Good };
        let is_usual = (bounds.lag_ns, bounds.lag_response_share) == (usual.lag_ns, usual.lag_response_share);
        let most = bound(is_usual, format::most_lag(&bounds));
        parts.push(Cell::toned(&format!("p99 lag {text}{mark}{most}"), tone));
    }
    let lost = summary.findings.iter().find(|finding| finding.kind == FindingKind::LostObservations);
    let gaps = format::counted(bounds.lost_observations, "gap");
    let most = bound(bounds.lost_observations == usual.lost_observations, format!("at most {gaps}"));
    parts.push(match lost.map(|finding| finding.invalidates) {
        Some(true) => Cell::toned(&format!("observations lost{most}"), Tone::Bad),
        Some(false) => Cell::toned(&format!("observations lost{most}"), Tone::Warning),
        None => Cell::toned("no observation lost", Tone::Good),
    });
    let (refused, again) = (summary.refused(), summary.sent_again());
    let tone = if refused == 0 { Tone::Good } else { Tone::Warning };
    let most = bound(
        bounds.too_many_requests == usual.too_many_requests,
        format!("at most {}", format::percent(bounds.too_many_requests)),
    );
    let again = if again > 0 { format!(", {} sent again", format::count(again)) } else { String::new() };
    parts.push(Cell::toned(&format!("429s {}{again}{most}", format::count(refused)), tone));
    if let Some(clock) = summary.clock {
        let (low, high) = (format::duration(clock.low_ns as f64), format::duration(clock.high_ns as f64));
        let servers = summary.environment.api_servers.len() as u64;
        let whose = if servers > 1 { format!(" (one of {servers} API servers)") } else { String::new() };
        parts.push(Cell::new(&format!("server clock {low} to {high} off{whose}")));
    }
    parts.extend(watch_lag(summary));
    parts
}

/// How late events were, as the host's own probe saw it.
fn watch_lag(summary: &Summary) -> Option<Cell> {
    let is_probe = |metric: &&MetricSummary| metric.source == HOST_SOURCE && metric.name == WATCH_LAG;
    let lag = summary.metrics.iter().find(is_probe)?.distribution.as_ref().filter(|lag| lag.n > 0)?;
    let most = lag
        .max
        .map_or("some never came".to_owned(), |max| format!("at most {}", format::duration(max as f64)));
    Some(Cell::new(&format!("watch lag p50 {}, {most}", format::quantile(lag, 0.5))))
}

pub(super) fn findings(findings: &[Finding]) -> Vec<FindingView> {
    let mut views: Vec<FindingView> = findings
        .iter()
        .take(MAX_FINDINGS)
        .map(|finding| {
            let (word, tone) =
                if finding.invalidates { ("invalid", Tone::Bad) } else { ("note", Tone::Warning) };
            FindingView {
                weight: Cell::toned(word, tone),
                source: Cell::new(&finding.source),
                text: Cell::new(&finding.message),
            }
        })
        .collect();
    let more = findings.len().saturating_sub(MAX_FINDINGS) as u64;
    if more > 0 {
        views.push(FindingView {
            weight: Cell::toned("note", Tone::Faint),
            source: Cell::new(""),
            text: Cell::new(&format!("and {} more in the record", counted(more, "finding"))),
        });
    }
    views
}
