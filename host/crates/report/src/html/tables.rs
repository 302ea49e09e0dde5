//! Tables of the page: gates, jobs, errors, measurements, values, waits.

use bench_results::{Distribution, JobSummary, Outcome, Summary, ThresholdSummary, Verdict, minimum_samples};
use serde::Serialize;

use super::number::{self, Number};
use crate::{
    format::{self, NONE},
    sanitize::sanitize,
    view::{Tone, metric_name},
};

/// Rows of a table that are shown; the rest is counted.
const MAX_ROWS: usize = 200;

/// Name of a tone in the style sheet.
pub(super) fn tone_name(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Warning => "warning",
        Tone::Plain => "plain",
        Tone::Faint => "faint",
    }
}

/// Head of a column.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Heading {
    name: &'static str,
    numeric: bool,
    /// Long texts.
    wide: bool,
}

/// A column of short texts.
pub(super) fn text(name: &'static str) -> Heading {
    Heading { name, numeric: false, wide: false }
}

/// A column of long texts.
pub(super) fn wide(name: &'static str) -> Heading {
    Heading { name, numeric: false, wide: true }
}

/// A column of numbers.
pub(super) fn numeric(name: &'static str) -> Heading {
    Heading { name, numeric: true, wide: false }
}

/// A bar with the observed interval and the limit; in pixels of 150.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Gauge {
    low: f64,
    width: f64,
    limit: f64,
    tone: &'static str,
}

/// A step of an object as a piece of a bar.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StepBar {
    /// Index of its color.
    pub(super) color: usize,
    pub(super) x: f64,
    pub(super) width: f64,
}

/// A cell; one of its forms is set.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Cell {
    text: String,
    tone: &'static str,
    mark: bool,
    numbers: Vec<Number>,
    suffix: &'static str,
    gauge: Option<Gauge>,
    steps: Vec<StepBar>,
}

impl Cell {
    /// Cleaned text.
    pub(super) fn text(text: &str) -> Self {
        Self { text: sanitize(text), ..Self::default() }
    }

    /// Cleaned text with a tone.
    pub(super) fn toned(text: &str, tone: Tone) -> Self {
        Self { text: sanitize(text), tone: tone_name(tone), ..Self::default() }
    }

    /// A word with the sign of its tone.
    pub(super) fn mark(word: &str, tone: Tone) -> Self {
        Self { mark: true, ..Self::toned(word, tone) }
    }

    /// One number.
    pub(super) fn number(number: Number) -> Self {
        Self::numbers(vec![number], "")
    }

    /// Bounds.
    pub(super) fn numbers(numbers: Vec<Number>, suffix: &'static str) -> Self {
        let never = numbers.iter().any(|number| number.text == format::NEVER);
        let tone = if never { "bad" } else { "plain" };
        Self { numbers, suffix, tone, ..Self::default() }
    }

    /// Pieces of a bar; the text is for those who do not see it.
    pub(super) fn steps(steps: Vec<StepBar>, text: &str) -> Self {
        Self { steps, ..Self::text(text) }
    }
}

/// A row.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    /// Whether it is a part of the row above.
    pub(super) sub: bool,
}

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Self {
        Self { cells, sub: false }
    }
}

/// A table.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Table {
    title: &'static str,
    headings: Vec<Heading>,
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<String>,
}

/// A table with at most so many rows, and what the marks in it mean.
pub(super) fn table(title: &'static str, headings: Vec<Heading>, mut rows: Vec<Row>) -> Table {
    let mut notes = Vec::new();
    if rows.iter().flat_map(|row| &row.cells).any(|cell| cell.suffix == "*") {
        let needs = [0.5, 0.9, 0.95, 0.99, 0.999]
            .map(|q| format!("p{} {}", format::plain(q * 100.0), format::count(minimum_samples(q))));
        notes.push(format!("* fewer samples than the quantile needs: {}", needs.join(", ")));
    }
    let more = rows.len().saturating_sub(MAX_ROWS);
    if more > 0 {
        rows.truncate(MAX_ROWS);
        notes.push(format!("and {} more in the record", format::counted(more as u64, "row")));
    }
    Table { title, headings, rows, notes }
}

/// All tables below the gates.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tables {
    jobs: Table,
    errors: Table,
    measurements: Table,
    values: Table,
    waits: Table,
}

impl Tables {
    pub(super) fn new(summary: &Summary) -> Self {
        Self {
            jobs: jobs(summary),
            errors: errors(summary),
            measurements: measurements(summary),
            values: values(summary),
            waits: waits(summary),
        }
    }
}

/// Gates with what was observed.
pub(super) fn gates(summary: &Summary) -> Table {
    let headings = vec![
        text("verdict"),
        wide("gate"),
        numeric("observed"),
        text("against the limit"),
        numeric("n"),
        numeric("needs"),
        wide("why"),
    ];
    let rows = summary.thresholds.iter().enumerate().map(|(index, gate)| {
        let path = format!("/thresholds/{index}");
        let (word, tone) = verdict(gate.verdict);
        Row::from(vec![
            Cell::mark(word, tone),
            Cell::text(&gate.text),
            observed(gate, &path),
            gauge(gate, tone),
            Cell::number(Number::count(gate.n, format!("{path}/n"))),
            Cell::number(Number::count(gate.needed, format!("{path}/needed"))),
            Cell::text(&gate.reason),
        ])
    });
    table("Gates", headings, rows.collect())
}

fn verdict(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Pass => ("pass", Tone::Good),
        Verdict::Fail => ("fail", Tone::Bad),
        Verdict::NoData => ("no data", Tone::Warning),
        Verdict::Invalid => ("invalid", Tone::Bad),
        Verdict::Skipped => ("skipped", Tone::Warning),
    }
}

/// Whether the value of a gate is a share from 0 to 1.
fn is_share(gate: &ThresholdSummary) -> bool {
    gate.text.starts_with("rate(") || gate.text.contains(".delivered")
}

fn observed(gate: &ThresholdSummary, path: &str) -> Cell {
    if !gate.observed {
        return Cell::text(NONE);
    }
    let of = |value: Option<f64>, side: &str| {
        let path = format!("{path}/{side}");
        match value {
            Some(share) if is_share(gate) => Number::share(share, path),
            _ => Number::value(value, |n| n, &gate.unit, path),
        }
    };
    let (low, high) = (of(gate.low, "low"), of(gate.high, "high"));
    Cell::numbers(if low.text == high.text { vec![low] } else { vec![low, high] }, "")
}

/// From 0 to a third more than the larger of limit and value.
fn gauge(gate: &ThresholdSummary, tone: Tone) -> Cell {
    const WIDTH: f64 = 150.0;
    let (Some(low), true) = (gate.low, gate.observed) else { return Cell::text("") };
    let high = gate.high.unwrap_or(f64::INFINITY);
    let finite = if high.is_finite() { high } else { low };
    let full = gate.limit.max(finite) * 4.0 / 3.0;
    if !full.is_finite() || full <= 0.0 || low < 0.0 {
        return Cell::text("");
    }
    let at = |value: f64| ((value / full).min(1.0) * WIDTH * 10.0).round() / 10.0;
    // A bar from 0, as long as the upper bound.
    let gauge = Gauge { low: 0.0, width: at(high).max(1.0), limit: at(gate.limit), tone: tone_name(tone) };
    let share = if gate.limit > 0.0 {
        format!("{} of the limit", format::percent(finite / gate.limit))
    } else {
        "the limit is 0".to_owned()
    };
    Cell { gauge: Some(gauge), ..Cell::text(&share) }
}

fn quantiles(distribution: &Distribution, base: &str) -> Vec<Cell> {
    let mut cells: Vec<Cell> = [0.5, 0.9, 0.95, 0.99, 0.999]
        .into_iter()
        .map(|q| {
            let (numbers, mark) = number::quantile(distribution, q, base);
            Cell::numbers(numbers, mark)
        })
        .collect();
    cells.push(if distribution.n == 0 {
        Cell::text(NONE)
    } else {
        Cell::number(Number::value(distribution.max, |n| n as f64, &distribution.unit, format!("{base}/max")))
    });
    cells
}

fn jobs(summary: &Summary) -> Table {
    let headings = vec![
        text("job"),
        text("outcome"),
        numeric("operations"),
        numeric("failed"),
        numeric("due"),
        numeric("achieved"),
        numeric("p50"),
        numeric("p90"),
        numeric("p95"),
        numeric("p99"),
        numeric("p99.9"),
        numeric("max"),
        numeric("elapsed"),
    ];
    let rows =
        summary.jobs.iter().enumerate().flat_map(|(index, job)| job_rows(job, &format!("/jobs/{index}")));
    let mut table = table("Jobs", headings, rows.collect());
    table.notes.insert(0, "Times of a job are response times: from when an operation was due until its answer; a failed one never comes.".to_owned());
    table
}

fn job_rows(job: &JobSummary, path: &str) -> Vec<Row> {
    let queues: Vec<_> = job.queues.iter().enumerate().filter(|(_, queue)| queue.counts).collect();
    let rate = |rate: Option<f64>, path: String| match rate {
        Some(rate) => Cell::number(Number::rate(rate, path)),
        None => Cell::text(NONE),
    };
    let single = if let [(index, queue)] = queues.as_slice() { Some((*index, *queue)) } else { None };
    let of_single = |of: fn(&bench_results::QueueSummary) -> Option<f64>, name: &str| match single {
        Some((index, queue)) => rate(of(queue), format!("{path}/queues/{index}/{name}")),
        None => Cell::text(NONE),
    };
    let (word, tone) = outcome(job.outcome);
    let mut failed = Cell::number(Number::count(job.failed, format!("{path}/failed")));
    if job.failed > 0 {
        failed.tone = "bad";
    }
    let mut cells = vec![
        Cell::text(&job.name),
        Cell::mark(word, tone),
        Cell::number(Number::count(job.operations, format!("{path}/operations"))),
        failed,
        of_single(|queue| queue.due_rate, "dueRate"),
        of_single(|queue| queue.achieved_rate, "achievedRate"),
    ];
    cells.extend(quantiles(&job.response, &format!("{path}/response")));
    cells.push(match job.elapsed_ns {
        Some(ns) => Cell::number(Number::duration(Some(ns), format!("{path}/elapsedNs"))),
        None => Cell::text(NONE),
    });
    let mut rows = vec![Row::from(cells)];
    for part in [("service (done − sent)", &job.service, "service"), ("lag (sent − due)", &job.lag, "lag")]
    {
        let (name, distribution, key) = part;
        let mut cells = vec![Cell::text(name)];
        cells.extend(std::iter::repeat_n(Cell::default(), 5));
        cells.extend(quantiles(distribution, &format!("{path}/{key}")));
        cells.push(Cell::default());
        rows.push(Row { cells, sub: true });
    }
    if single.is_none() {
        for (index, queue) in queues {
            let path = format!("{path}/queues/{index}");
            let mut cells = vec![
                Cell::text(&format!("queue {}", queue.name)),
                Cell::default(),
                Cell::number(Number::count(queue.answered, format!("{path}/answered"))),
                Cell::default(),
                rate(queue.due_rate, format!("{path}/dueRate")),
                rate(queue.achieved_rate, format!("{path}/achievedRate")),
            ];
            cells.extend(quantiles(&queue.response, &format!("{path}/response")));
            cells.push(Cell::default());
            rows.push(Row { cells, sub: true });
        }
    }
    rows
}

fn outcome(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Completed => ("completed", Tone::Good),
        Outcome::Failed => ("gave up", Tone::Bad),
        Outcome::Faulted => ("plugin broke", Tone::Bad),
        Outcome::Stopped => ("stopped", Tone::Warning),
        Outcome::Skipped => ("skipped", Tone::Warning),
        Outcome::Unfinished => ("unfinished", Tone::Bad),
    }
}

fn errors(summary: &Summary) -> Table {
    let headings = vec![
        text("job"),
        numeric("count"),
        text("request"),
        numeric("status"),
        text("reason"),
        wide("one of them"),
    ];
    let mut rows = Vec::new();
    for (job_index, job) in summary.jobs.iter().enumerate() {
        for (index, error) in job.errors.iter().enumerate() {
            let path = format!("/jobs/{job_index}/errors/{index}");
            let status = if error.http_status == 0 {
                Cell::text("none")
            } else {
                let mut status = Number::count(u64::from(error.http_status), format!("{path}/httpStatus"));
                status.text = error.http_status.to_string();
                Cell::number(status)
            };
            rows.push(Row::from(vec![
                Cell::text(&job.name),
                Cell::number(Number::count(error.count, format!("{path}/count"))),
                Cell::text(&format!("{} {}", error.verb, error.resource)),
                status,
                Cell::text(&error.reason),
                Cell::text(&error.example),
            ]));
        }
    }
    table("Errors", headings, rows)
}

fn measurements(summary: &Summary) -> Table {
    let headings = vec![
        text("metric"),
        numeric("n"),
        numeric("missing"),
        numeric("p50"),
        numeric("p90"),
        numeric("p95"),
        numeric("p99"),
        numeric("p99.9"),
        numeric("max"),
    ];
    let rows = summary.metrics.iter().enumerate().filter_map(|(index, metric)| {
        let distribution = metric.distribution.as_ref()?;
        let path = format!("/metrics/{index}/distribution");
        let mut missing = Cell::number(Number::count(distribution.missing, format!("{path}/missing")));
        if distribution.missing > 0 {
            missing.tone = "bad";
        }
        let mut cells = vec![
            Cell::text(&metric_name(metric)),
            Cell::number(Number::count(distribution.n, format!("{path}/n"))),
            missing,
        ];
        cells.extend(quantiles(distribution, &path));
        Some(Row::from(cells))
    });
    table("Measurements", headings, rows.collect())
}

fn values(summary: &Summary) -> Table {
    let rows = summary.metrics.iter().enumerate().filter(|(_, metric)| metric.distribution.is_none()).map(
        |(index, metric)| {
            let value = match metric.value {
                Some(_) => Cell::number(Number::value(
                    metric.value,
                    |n| n,
                    &metric.unit,
                    format!("/metrics/{index}/value"),
                )),
                None => Cell::text(NONE),
            };
            Row::from(vec![Cell::text(&metric_name(metric)), value])
        },
    );
    table("Counters and gauges", vec![text("metric"), numeric("value")], rows.collect())
}

fn waits(summary: &Summary) -> Table {
    let headings = vec![text("job"), text("waited for"), numeric("met"), numeric("unmet"), wide("which")];
    let rows = summary.waits.iter().enumerate().filter(|(_, wait)| wait.unmet > 0).map(|(index, wait)| {
        let path = format!("/waits/{index}");
        let shown: Vec<&str> = wait.examples.iter().take(5).map(String::as_str).collect();
        Row::from(vec![
            Cell::text(&wait.job),
            Cell::text(&format!("{} {}", wait.resource, wait.condition)),
            Cell::number(Number::count(u64::from(wait.met), format!("{path}/met"))),
            Cell::number(Number::count(u64::from(wait.unmet), format!("{path}/unmet"))),
            Cell::text(&shown.join("; ")),
        ])
    });
    table("Waits that were not met", headings, rows.collect())
}
