//! The validity card: what was checked before a number may be believed.

use bench_results::{DriftSummary, FindingKind, QueueSummary, Summary};
use serde::Serialize;

use super::{number::Number, tables::tone_name};
use crate::{
    format::{self, counted},
    sanitize::sanitize,
    view::Tone,
};

/// A check with its numbers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tile {
    name: &'static str,
    tone: &'static str,
    prefix: &'static str,
    numbers: Vec<Number>,
    joiner: &'static str,
    suffix: &'static str,
    note: String,
}

/// Something that the reader must know.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FindingLine {
    tone: &'static str,
    weight: &'static str,
    source: String,
    text: String,
}

/// The card.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Validity {
    lead: String,
    tiles: Vec<Tile>,
    findings: Vec<FindingLine>,
}

/// Findings that are shown; the rest is counted.
const MAX_FINDINGS: usize = 50;

impl Validity {
    pub(super) fn new(summary: &Summary) -> Self {
        let broken = summary.findings.iter().filter(|finding| finding.invalidates).count();
        let lead = match (broken, summary.findings.len()) {
            (0, 0) => "Everything that was checked held.".to_owned(),
            (0, n) => format!("Yes, with {}.", counted(n as u64, "remark")),
            (n, _) => format!("No: {} make this run invalid.", counted(n as u64, "finding")),
        };
        Self { lead, tiles: tiles(summary), findings: findings(summary) }
    }
}

fn tile(name: &'static str, tone: Tone, numbers: Vec<Number>, note: impl Into<String>) -> Tile {
    let (prefix, joiner, suffix) = ("", "", "");
    Tile { name, tone: tone_name(tone), prefix, numbers, joiner, suffix, note: note.into() }
}

/// Queues that count, with their place.
fn queues(summary: &Summary) -> Vec<(String, &QueueSummary)> {
    let jobs = summary.jobs.iter().enumerate();
    jobs.flat_map(|(job_index, job)| {
        let queues = job.queues.iter().enumerate().filter(|(_, queue)| queue.counts);
        queues.map(move |(index, queue)| (format!("/jobs/{job_index}/queues/{index}"), queue))
    })
    .collect()
}

fn tiles(summary: &Summary) -> Vec<Tile> {
    let has = |kind| summary.findings.iter().any(|finding| finding.kind == kind);
    let queues = queues(summary);
    let mut tiles = Vec::new();
    tiles.extend(delivered(&queues, summary, has(FindingKind::NotDelivered)));
    tiles.extend(lag(&queues, summary, has(FindingKind::LateLoad)));
    tiles.push(never_answered(summary));
    tiles.push(lost(summary));
    tiles.push(too_many(summary));
    tiles.push(held(&queues));
    tiles.extend(clock(summary));
    tiles.extend(cleanup(summary));
    tiles
}

/// The worst queue speaks for all.
fn delivered(queues: &[(String, &QueueSummary)], summary: &Summary, broken: bool) -> Option<Tile> {
    let shares = queues.iter().filter_map(|(path, queue)| Some((path, queue, queue.delivered?)));
    let (path, queue, share) = shares.min_by(|a, b| a.2.total_cmp(&b.2))?;
    let tone = if broken { Tone::Bad } else { Tone::Good };
    let note = format!(
        "{} of {} due requests left; {}",
        format::count(queue.sent),
        format::count(queue.due),
        format::least(summary.validity.delivered)
    );
    Some(tile("Load delivered", tone, vec![Number::share(share, format!("{path}/delivered"))], note))
}

fn lag(queues: &[(String, &QueueSummary)], summary: &Summary, broken: bool) -> Option<Tile> {
    let paced = queues.iter().filter(|(_, queue)| queue.rate.is_some());
    let worst = paced.filter_map(|(path, queue)| {
        let index = queue.lag.quantiles.iter().position(|quantile| quantile.q == 0.99)?;
        Some((path, index, queue.lag.quantiles.get(index)?))
    });
    let (path, index, p99) = worst.max_by_key(|(_, _, p99)| p99.high.unwrap_or(u64::MAX))?;
    let tone = if broken { Tone::Bad } else { Tone::Good };
    let number = Number::duration(p99.high, format!("{path}/lag/quantiles/{index}/high"));
    let few = if p99.enough { "" } else { "; few samples" };
    let note = format!("sent − due, worst queue{few}; {}", format::most_lag(&summary.validity));
    Some(tile("p99 lag", tone, vec![number], note))
}

fn never_answered(summary: &Summary) -> Tile {
    let failed: u64 = summary.jobs.iter().map(|job| job.failed).sum();
    let operations: u64 = summary.jobs.iter().map(|job| job.operations).sum();
    let tone = if failed == 0 { Tone::Good } else { Tone::Warning };
    let path = if summary.jobs.len() == 1 { "/jobs/0/failed" } else { "" };
    let note = format!("of {}; they rank above every number", counted(operations, "operation"));
    tile("Failed or unanswered", tone, vec![Number::count(failed, path)], note)
}

fn lost(summary: &Summary) -> Tile {
    let lost: u64 = summary.gaps.iter().filter(|gap| !gap.relisted).map(|gap| gap.count).sum();
    let relisted: u64 = summary.gaps.iter().filter(|gap| gap.relisted).map(|gap| gap.count).sum();
    let most = summary.validity.lost_observations;
    let tone = match lost {
        0 => Tone::Good,
        lost if lost <= most => Tone::Warning,
        _ => Tone::Bad,
    };
    let mut note = match relisted {
        0 => "no watch had to start again".to_owned(),
        n => format!("{} started again, nothing lost", counted(n, "watch")),
    };
    if most > 0 {
        note.push_str(&format!("; at most {} may be", format::count(most)));
    }
    tile("Gaps in observation", tone, vec![Number::count(lost, "")], note)
}

fn too_many(summary: &Summary) -> Tile {
    let (refused, again) = (summary.refused(), summary.sent_again());
    let tone = if refused == 0 { Tone::Good } else { Tone::Warning };
    let most = summary.validity.too_many_requests;
    let mut note = "too many requests".to_owned();
    if again > 0 {
        note.push_str(&format!("; {} sent again", format::counted(again, "request")));
    }
    if most > 0.0 {
        note.push_str(&format!("; at most {} of a queue may be", format::percent(most)));
    }
    tile("Refused with 429", tone, vec![Number::count(refused, "")], note)
}

fn held(queues: &[(String, &QueueSummary)]) -> Tile {
    let sum = |of: fn(&QueueSummary) -> u64| queues.iter().map(|(_, queue)| of(queue)).sum::<u64>();
    let (in_flight, limiter) = (sum(|queue| queue.held_by_in_flight), sum(|queue| queue.held_by_limiter));
    let late = sum(|queue| queue.late_plugin);
    let total = in_flight.saturating_add(limiter).saturating_add(late);
    let tone = if total == 0 { Tone::Good } else { Tone::Warning };
    let note = format!(
        "{} by the in-flight limit, {} by the rate limit, {} by the plugin",
        format::count(in_flight),
        format::count(limiter),
        format::count(late)
    );
    tile("Held back", tone, vec![Number::count(total, "")], note)
}

fn clock(summary: &Summary) -> Option<Tile> {
    let clock = summary.clock?;
    let numbers =
        vec![Number::offset(clock.low_ns, "/clock/lowNs"), Number::offset(clock.high_ns, "/clock/highNs")];
    let mut note = match clock.drift {
        Some(drift) => {
            format!("its offset to this clock lies between; it gains {} a second", drift_words(drift))
        }
        None => "its offset to this clock lies between".to_owned(),
    };
    let servers = summary.environment.api_servers.len() as u64;
    if servers > 1 {
        note.push_str(&format!(
            "; of the one of {} that the load went to",
            format::counted(servers, "API server")
        ));
    }
    let mut tile = tile("Server clock", Tone::Plain, numbers, note);
    tile.joiner = "to";
    Some(tile)
}

fn drift_words(drift: DriftSummary) -> String {
    let (low, high) = (drift.low_ns_per_second, drift.high_ns_per_second);
    format!("{} to {}", format::duration(low as f64), format::duration(high as f64))
}

fn cleanup(summary: &Summary) -> Option<Tile> {
    let cleanup = summary.cleanup.as_ref()?;
    let left = cleanup.remaining.len() as u64;
    let clean = left == 0 && cleanup.errors.is_empty();
    let tone = if clean { Tone::Good } else { Tone::Bad };
    let note = if clean {
        "namespaces and other objects removed, nothing left".to_owned()
    } else {
        format!("namespaces and other objects removed; left: {}", counted(left, "object"))
    };
    Some(tile("Cleaned up", tone, vec![Number::count(cleanup.deleted, "/cleanup/deleted")], note))
}

fn findings(summary: &Summary) -> Vec<FindingLine> {
    let mut lines: Vec<FindingLine> = summary
        .findings
        .iter()
        .take(MAX_FINDINGS)
        .map(|finding| {
            let (weight, tone) = if finding.invalidates { ("Invalid", "bad") } else { ("Note", "warning") };
            FindingLine { tone, weight, source: sanitize(&finding.source), text: sanitize(&finding.message) }
        })
        .collect();
    let more = summary.findings.len().saturating_sub(MAX_FINDINGS) as u64;
    if more > 0 {
        let text = format!("and {} more in the record", counted(more, "finding"));
        lines.push(FindingLine { tone: "warning", weight: "Note", source: String::new(), text });
    }
    lines
}
