//! A summary in words: formatted, ordered, cleaned, ready to be laid out.
//!
//! Every text goes through [`Cell::new`], which makes it harmless; renderers can use it as it is. What
//! matters most comes first: verdict, gates, validity, then the numbers, then what to do next.

mod tables;
mod validity;

pub(crate) use tables::{metric_name, outcome};

use bench_results::{Summary, ThresholdSummary, Verdict, minimum_samples};

use self::validity::{findings, validity};
use crate::{format, sanitize::sanitize};

/// What a text says about the run; shown as colour where there is colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// Worth a look.
    Warning,
    /// Neither.
    Plain,
    /// Of little weight.
    Faint,
}

/// Harmless text on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    /// How it is meant.
    pub tone: Tone,
}

impl Cell {
    /// Cleans the text.
    pub fn new(text: &str) -> Self {
        Self { text: sanitize(text), tone: Tone::Plain }
    }

    /// With a tone.
    pub fn toned(text: &str, tone: Tone) -> Self {
        Self { text: sanitize(text), tone }
    }

    /// The clean text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// On which side the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Texts; may be cut when the screen is narrow.
    Left,
    /// Numbers; never cut.
    Right,
}

/// Head of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// What it shows.
    pub name: &'static str,
    /// Where.
    pub align: Align,
}

/// A table; left out when it has no rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableView {
    /// What it is about.
    pub title: &'static str,
    /// Its columns.
    pub headings: Vec<Heading>,
    /// One cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// Columns that a narrow screen leaves out, least important first.
    pub optional: &'static [&'static str],
    /// Below it.
    pub notes: Vec<Cell>,
}

/// A gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateView {
    /// `pass`, `FAIL`, …
    pub verdict: Cell,
    /// As written.
    pub text: Cell,
    /// The value with its bounds and, in brackets, its 95 % interval; `-` when there is none.
    pub observed: Cell,
    /// `n=500`
    pub samples: Cell,
    /// Why it is not a pass.
    pub reason: Cell,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingView {
    /// `invalid` or `note`.
    pub weight: Cell,
    /// Job or measurement; empty for the run.
    pub source: Cell,
    /// What.
    pub text: Cell,
}

/// What a summary does not know about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewContext {
    /// The run directory as the user would type it.
    pub record: String,
    /// Shortest unique beginning of the run id.
    pub run: String,
}

/// A report; see the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportView {
    /// PASS, FAIL, NO DATA, INVALID or SKIPPED.
    pub verdict: Cell,
    /// Which run of what, where, how long.
    pub headline: Cell,
    /// Why, in one line.
    pub reason: Cell,
    /// Set when the record has no end.
    pub partial: Option<Cell>,
    /// In the order of the scenario.
    pub gates: Vec<GateView>,
    /// Why the numbers can be trusted, or that they cannot.
    pub validity: Vec<Cell>,
    /// Those that invalidate first.
    pub findings: Vec<FindingView>,
    /// Jobs, errors, measurements, slowest objects, waits: those that have rows.
    pub tables: Vec<TableView>,
    /// Where the record is.
    pub record: Cell,
    /// Commands to type next, with what they do.
    pub next: Vec<(Cell, Cell)>,
}

impl ReportView {
    /// Puts a summary into words.
    pub fn new(summary: &Summary, context: &ViewContext) -> Self {
        let (word, tone) = verdict(summary.conclusion.verdict);
        Self {
            verdict: Cell::toned(word, tone),
            headline: Cell::new(&headline(summary, context)),
            reason: Cell::new(&summary.conclusion.reason),
            partial: partial(summary),
            gates: summary.thresholds.iter().map(gate).collect(),
            validity: validity(summary),
            findings: findings(&summary.findings),
            tables: tables::tables(summary),
            record: Cell::new(&context.record),
            next: next(summary, context),
        }
    }
}

/// The word on top of a report.
pub(crate) fn verdict(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Pass => ("PASS", Tone::Good),
        Verdict::Fail => ("FAIL", Tone::Bad),
        Verdict::NoData => ("NO DATA", Tone::Warning),
        Verdict::Invalid => ("INVALID", Tone::Bad),
        Verdict::Skipped => ("SKIPPED", Tone::Warning),
    }
}

fn headline(summary: &Summary, context: &ViewContext) -> String {
    let run = &summary.run;
    let id = if context.run.is_empty() { &run.id } else { &context.run };
    let length = format::duration(summary.length_ns as f64);
    let scenario = if run.scenario.is_empty() { "unnamed scenario" } else { &run.scenario };
    let kind = if run.simulated { "simulated cluster" } else { run.server.as_str() };
    let version =
        if run.server_version.is_empty() { String::new() } else { format!(" {}", run.server_version) };
    format!("{scenario} · run {id} · {length} · {kind}{version}")
}

fn partial(summary: &Summary) -> Option<Cell> {
    let text = format!("PARTIAL: {}", summary.partial_reasons.join("; "));
    summary.partial.then(|| Cell::toned(&text, Tone::Bad))
}

fn gate(threshold: &ThresholdSummary) -> GateView {
    let (word, tone) = match threshold.verdict {
        Verdict::Pass => ("pass", Tone::Good),
        Verdict::Fail => ("FAIL", Tone::Bad),
        Verdict::NoData => ("no data", Tone::Warning),
        Verdict::Invalid => ("invalid", Tone::Bad),
        Verdict::Skipped => ("skipped", Tone::Warning),
    };
    let is_share = threshold.text.starts_with("rate(") || threshold.text.contains(".delivered");
    let observed = match (threshold.observed, threshold.low) {
        (false, _) => format::NONE.to_owned(),
        (true, Some(share)) if is_share => format::percent(share),
        (true, _) => {
            let value = format::range(threshold.low, threshold.high, &threshold.unit);
            match threshold.confidence.filter(|sure| sure.low.is_some()) {
                Some(sure) => format!("{value} [{}]", format::interval(sure.low, sure.high, &threshold.unit)),
                None => value,
            }
        }
    };
    GateView {
        verdict: Cell::toned(word, tone),
        text: Cell::new(&threshold.text),
        observed: Cell::new(&observed),
        samples: Cell::toned(&format!("n={}", format::count(threshold.n)), Tone::Faint),
        reason: Cell::toned(&threshold.reason, Tone::Faint),
    }
}

fn next(summary: &Summary, context: &ViewContext) -> Vec<(Cell, Cell)> {
    let id = if context.run.is_empty() { &summary.run.id } else { &context.run };
    let mut next = Vec::new();
    let is_clean = summary.cleanup.as_ref().is_some_and(|c| c.remaining.is_empty() && c.errors.is_empty());
    // A simulated cluster is gone with its run.
    if !is_clean && !summary.run.simulated {
        let command = format!("bench cleanup {}", summary.run.id);
        next.push((Cell::new(&command), Cell::new("remove what the run left on the cluster")));
    }
    next.push((
        Cell::new(&format!("bench report {id} --format html -o report.html")),
        Cell::new("charts, in one file for a browser"),
    ));
    next.push((
        Cell::new(&format!("bench report {id} --format json")),
        Cell::new("all numbers, for machines"),
    ));
    next
}

/// What the mark `*` means, with the numbers for the quantiles shown.
pub(crate) fn too_few_note() -> Cell {
    let text = format!(
        "* fewer samples than the quantile needs (p50 {}, p90 {}, p99 {})",
        minimum_samples(0.5),
        minimum_samples(0.9),
        minimum_samples(0.99)
    );
    Cell::toned(&text, Tone::Faint)
}
