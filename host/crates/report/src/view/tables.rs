//! The tables of a report.

use std::collections::BTreeMap;

use bench_results::{Distribution, JobSummary, MetricSummary, Outcome, Summary};

use super::{Align, Cell, Heading, TableView, Tone, too_few_note};
use crate::format::{self, NEVER, NONE};

/// Rows of a table that are shown; the rest is counted.
const MAX_ROWS: usize = 30;
/// Causes of unmet waits, and objects named for each.
const MAX_CAUSES: usize = 5;
const MAX_NAMES: usize = 3;

/// Columns of any table that are not missed much.
const OPTIONAL: &[&str] = &["elapsed", "p90", "due", "outcome", "reason"];

/// Those that have something to say.
pub(super) fn tables(summary: &Summary) -> Vec<TableView> {
    let mut tables = vec![
        jobs(summary),
        errors(summary),
        distributions(summary),
        values(summary),
        slowest(summary),
        waits(summary),
    ];
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn left(name: &'static str) -> Heading {
    Heading { name, align: Align::Left }
}

fn right(name: &'static str) -> Heading {
    Heading { name, align: Align::Right }
}

fn table(title: &'static str, headings: Vec<Heading>, mut rows: Vec<Vec<Cell>>) -> TableView {
    let mut notes = Vec::new();
    if rows.iter().flatten().any(|cell| cell.text().ends_with('*')) {
        notes.push(too_few_note());
    }
    if rows.iter().flatten().any(|cell| cell.text().contains('≈')) {
        notes
            .push(Cell::toned("≈ most likely value of what is known between bounds (Turnbull)", Tone::Faint));
    }
    let more = rows.len().saturating_sub(MAX_ROWS);
    if more > 0 {
        rows.truncate(MAX_ROWS);
        let text = format!("and {} more in the record", format::counted(more as u64, "row"));
        notes.push(Cell::toned(&text, Tone::Faint));
    }
    TableView { title, headings, rows, optional: OPTIONAL, notes }
}

fn jobs(summary: &Summary) -> TableView {
    let headings = vec![
        left("job"),
        right("operations"),
        right("errors"),
        right("due"),
        right("achieved"),
        right("p50"),
        right("p90"),
        right("p99"),
        right("max"),
        right("elapsed"),
        left("outcome"),
    ];
    table("Jobs (response: done - due)", headings, summary.jobs.iter().flat_map(job).collect())
}

/// A row for the job; when it has several queues one below it for each.
fn job(job: &JobSummary) -> Vec<Vec<Cell>> {
    let queues: Vec<_> = job.queues.iter().filter(|queue| queue.counts).collect();
    let single = if let [queue] = queues.as_slice() { Some(*queue) } else { None };
    let rate = |rate: Option<f64>| Cell::new(&rate.map_or(NONE.to_owned(), format::rate));
    let (outcome, tone) = outcome(job.outcome);
    let errors_tone = if job.failed == 0 { Tone::Plain } else { Tone::Bad };
    let mut row = vec![
        Cell::new(&job.name),
        Cell::new(&format::count(job.operations)),
        Cell::toned(&format::count(job.failed), errors_tone),
        rate(single.and_then(|queue| queue.due_rate)),
        rate(single.and_then(|queue| queue.achieved_rate)),
    ];
    row.extend(quantiles(&job.response));
    row.push(Cell::new(&job.elapsed_ns.map_or(NONE.to_owned(), |ns| format::duration(ns as f64))));
    row.push(Cell::toned(outcome, tone));
    let mut rows = vec![row];
    if single.is_some() {
        return rows;
    }
    for queue in queues {
        let mut row = vec![
            Cell::toned(&format!("  {}", queue.name), Tone::Faint),
            Cell::new(&format::count(queue.answered)),
            Cell::new(NONE),
            rate(queue.due_rate),
            rate(queue.achieved_rate),
        ];
        row.extend(quantiles(&queue.response));
        row.extend([Cell::new(""), Cell::new("")]);
        rows.push(row);
    }
    rows
}

/// How a job ended, in words, and how it looks.
pub(crate) fn outcome(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Completed => ("completed", Tone::Good),
        Outcome::Failed => ("gave up", Tone::Bad),
        Outcome::Faulted => ("plugin broke", Tone::Bad),
        Outcome::Stopped => ("stopped", Tone::Warning),
        Outcome::Skipped => ("skipped", Tone::Warning),
        Outcome::Unfinished => ("unfinished", Tone::Bad),
    }
}

/// p50, p90, p99, max.
fn quantiles(distribution: &Distribution) -> [Cell; 4] {
    let texts = [
        format::quantile(distribution, 0.5),
        format::quantile(distribution, 0.9),
        format::quantile(distribution, 0.99),
        format::max(distribution),
    ];
    texts.map(|text| {
        let tone = if text.starts_with(NEVER) { Tone::Bad } else { Tone::Plain };
        Cell::toned(&text, tone)
    })
}

fn errors(summary: &Summary) -> TableView {
    let headings = vec![
        right("count"),
        left("job"),
        left("request"),
        right("status"),
        left("reason"),
        left("one of them"),
    ];
    let rows = summary
        .jobs
        .iter()
        .flat_map(|job| job.errors.iter().map(move |error| (job, error)))
        .map(|(job, error)| {
            let status = if error.http_status == 0 { NONE.to_owned() } else { error.http_status.to_string() };
            vec![
                Cell::toned(&format::count(error.count), Tone::Bad),
                Cell::new(&job.name),
                Cell::new(&format!("{} {}", error.verb, error.resource)),
                Cell::new(&status),
                Cell::new(&error.reason),
                Cell::new(&error.example),
            ]
        })
        .collect();
    table("Errors", headings, rows)
}

fn distributions(summary: &Summary) -> TableView {
    let headings = vec![
        left("metric"),
        right("n"),
        right("missing"),
        right("p50"),
        right("p90"),
        right("p99"),
        right("max"),
    ];
    let rows = summary.metrics.iter().filter_map(|metric| {
        let distribution = metric.distribution.as_ref()?;
        let tone = if distribution.missing == 0 { Tone::Plain } else { Tone::Bad };
        let mut row = vec![
            Cell::new(&metric_name(metric)),
            Cell::new(&format::count(distribution.n)),
            Cell::toned(&format::count(distribution.missing), tone),
        ];
        row.extend(quantiles(distribution));
        Some(row)
    });
    table("Measurements", headings, rows.collect())
}

/// Counters and gauges.
fn values(summary: &Summary) -> TableView {
    let rows = summary.metrics.iter().filter(|metric| metric.distribution.is_none()).map(|metric| {
        let value = metric.value.map_or(NONE.to_owned(), |value| format::value(value, &metric.unit));
        vec![Cell::new(&metric_name(metric)), Cell::new(&value)]
    });
    table("Counters and gauges", vec![left("metric"), right("value")], rows.collect())
}

/// As a threshold names it: `pod-latency.ready{job="create-pods"}`.
pub(crate) fn metric_name(metric: &MetricSummary) -> String {
    let labels: Vec<String> =
        metric.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(", ")) };
    format!("{}.{}{labels}", metric.source, metric.name)
}

fn slowest(summary: &Summary) -> TableView {
    let headings = vec![left("object"), right("time"), left("to"), left("node"), left("why")];
    let rows = summary
        .slowest
        .iter()
        .map(|object| {
            let time = object.value_ns.map_or(NEVER.to_owned(), |ns| format::duration(ns as f64));
            let tone = if object.value_ns.is_none() { Tone::Bad } else { Tone::Plain };
            let step = object.longest.as_ref().map(|step| match step.took_ns {
                Some(took) => format!("{} took {}", step.name, format::duration(took as f64)),
                None => format!("{} never came", step.name),
            });
            let why: Vec<String> = object.reason.iter().cloned().chain(step).collect();
            vec![
                Cell::new(&object.object),
                Cell::toned(&time, tone),
                Cell::new(&object.metric),
                Cell::new(object.node.as_deref().unwrap_or(NONE)),
                Cell::new(&why.join("; ")),
            ]
        })
        .collect();
    table("Slowest objects", headings, rows)
}

/// A row for each wait that was not met, and one below it for each cause.
fn waits(summary: &Summary) -> TableView {
    let headings = vec![left("job"), left("waited for"), right("met"), right("unmet"), left("which")];
    let mut rows = Vec::new();
    for wait in summary.waits.iter().filter(|wait| wait.unmet > 0) {
        let what = format!("{} {}", wait.resource, wait.condition);
        rows.push(vec![
            Cell::new(&wait.job),
            Cell::new(&what),
            Cell::new(&format::count(u64::from(wait.met))),
            Cell::toned(&format::count(u64::from(wait.unmet)), Tone::Bad),
            Cell::new(""),
        ]);
        rows.extend(causes(&wait.examples).into_iter().take(MAX_CAUSES).map(|(cause, names)| {
            let shown: Vec<&str> = names.iter().take(MAX_NAMES).copied().collect();
            let more = if names.len() > MAX_NAMES { ", …" } else { "" };
            let blank = || Cell::new("");
            let text = format!("{cause}: {}{more}", shown.join(", "));
            vec![blank(), blank(), blank(), Cell::new(&format!("{}×", names.len())), Cell::new(&text)]
        }));
    }
    table("Waits that were not met", headings, rows)
}

/// Examples are `object: cause`; most frequent causes first.
fn causes(examples: &[String]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for example in examples {
        let (name, cause) = example.split_once(": ").unwrap_or((example, "unknown cause"));
        groups.entry(cause).or_default().push(name);
    }
    let mut groups: Vec<(&str, Vec<&str>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    groups
}
