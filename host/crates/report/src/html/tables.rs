//! Tables of the page: gates, jobs, errors, measurements, values, waits.

mod gates;
mod jobs;

use bench_results::{Distribution, Summary, minimum_samples};
use serde::Serialize;

pub(super) use self::gates::gates;
use self::jobs::{errors, jobs};
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
