//! Comparisons, groups and calibrations in words.
//!
//! A table of a comparison reads like one of benchstat: before, after, change with its interval, p and n.

use bench_results::{
    Calibration, ChangeRow, ChangeVerdict, Comparison, SideNumbers, Summary, ToleranceSource, Verdict,
    calibrate,
};

use crate::{
    format,
    view::{Align, Cell, Heading, TableView, Tone},
};

/// A page of tables under a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The word on top.
    pub verdict: Cell,
    /// What it is about.
    pub headline: Cell,
    /// Why.
    pub reason: Cell,
    /// Those that have rows.
    pub tables: Vec<TableView>,
    /// Below everything.
    pub notes: Vec<Cell>,
}

fn left(name: &'static str) -> Heading {
    Heading { name, align: Align::Left }
}

fn right(name: &'static str) -> Heading {
    Heading { name, align: Align::Right }
}

/// A comparison as a page.
pub fn comparison_page(comparison: &Comparison) -> Page {
    let (word, tone) = match comparison.verdict {
        ChangeVerdict::Regression => ("REGRESSION", Tone::Bad),
        ChangeVerdict::Improvement => ("IMPROVEMENT", Tone::Good),
        ChangeVerdict::NoRegression => ("NO REGRESSION", Tone::Good),
        ChangeVerdict::Inconclusive => ("INCONCLUSIVE", Tone::Warning),
        ChangeVerdict::NoData => ("NO DATA", Tone::Warning),
    };
    let side = |side: &bench_results::Side| {
        format!("{} {}", format::counted(side.runs.len() as u64, "run"), side.server_version)
    };
    let (a, b) = (side(&comparison.a), side(&comparison.b));
    let scenario = &comparison.scenario;
    let shown = shown_rows(&comparison.rows);
    let rows = |primary: bool| -> Vec<Vec<Cell>> {
        shown
            .iter()
            .filter(|(_, row)| row.primary == primary)
            .map(|(name, row)| change_row(name, row))
            .collect()
    };
    let table = |title, primary| TableView {
        title,
        headings: headings(),
        rows: rows(primary),
        optional: &[],
        notes: Vec::new(),
    };
    let mut tables = vec![table("Deciding", true), table("For information", false), differences(comparison)];
    tables.retain(|table| !table.rows.is_empty());
    Page {
        verdict: Cell::toned(word, tone),
        headline: Cell::new(&format!("{scenario} · A: {} · B: {}", a.trim(), b.trim())),
        reason: Cell::new(&comparison.reason),
        tables,
        notes: comparison_notes(comparison),
    }
}

/// Rows with the names to show, quantiles of a metric together. Labels are left out where the name alone tells
/// rows apart; of two rows that say the same the one with the shorter name stays.
fn shown_rows(rows: &[ChangeRow]) -> Vec<(String, &ChangeRow)> {
    let short = |row: &ChangeRow| match (row.metric.find('{'), row.metric.rfind('}')) {
        (Some(open), Some(close)) if open < close => {
            let (before, after) = (row.metric.get(..open), row.metric.get(close + 1..));
            format!("{}{}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        _ => row.metric.clone(),
    };
    let is_said = |row: &ChangeRow| {
        let same = |other: &&ChangeRow| other.metric == short(row) && other.a == row.a && other.b == row.b;
        row.metric != short(row) && rows.iter().any(|other| same(&other))
    };
    let left: Vec<&ChangeRow> = rows.iter().filter(|row| !is_said(row)).collect();
    let mut shown: Vec<(String, &ChangeRow)> = left
        .iter()
        .map(|row| {
            let is_unique = left.iter().filter(|other| short(other) == short(row)).count() == 1;
            (if is_unique { short(row) } else { row.metric.clone() }, *row)
        })
        .collect();
    // `p50(a.b)` and `p99(a.b)` stand together.
    shown.sort_by_cached_key(|(name, _)| {
        name.split_once('(').map(|(q, metric)| (metric.to_owned(), q.to_owned()))
    });
    shown
}

fn headings() -> Vec<Heading> {
    vec![
        left("metric"),
        right("A ± sd"),
        right("B ± sd"),
        right("B vs A"),
        right("interval"),
        right("p"),
        left("verdict"),
    ]
}

fn change_row(name: &str, row: &ChangeRow) -> Vec<Cell> {
    let percent = |ratio: f64| format!("{:+.1}%", (ratio - 1.0) * 100.0);
    let interval = match (row.low, row.high) {
        (Some(low), Some(high)) => format!("[{}, {}]", percent(low), percent(high)),
        (Some(low), None) => format!("[{}, ∞)", percent(low)),
        (None, _) => format::NONE.to_owned(),
    };
    // As benchstat: a change that may be none is not shown as one.
    let is_sure = row.p_adjusted < 0.05;
    let change = match row.ratio {
        _ if !is_sure => "~".to_owned(),
        Some(ratio) => percent(ratio),
        None => format::NEVER.to_owned(),
    };
    let mark = if row.bounded { "≈" } else { "" };
    let (word, tone) = verdict(row);
    vec![
        Cell::new(name),
        Cell::new(&format!("{mark}{}", side(&row.a, &row.unit))),
        Cell::new(&format!("{mark}{}", side(&row.b, &row.unit))),
        Cell::toned(&change, tone),
        Cell::new(&interval),
        Cell::new(&format!("{:.3}", row.p_adjusted)),
        Cell::toned(&word, tone),
    ]
}

fn verdict(row: &ChangeRow) -> (String, Tone) {
    match row.verdict {
        ChangeVerdict::Regression if row.primary => ("REGRESSION".to_owned(), Tone::Bad),
        ChangeVerdict::Regression => ("worse".to_owned(), Tone::Warning),
        ChangeVerdict::Improvement => ("better".to_owned(), Tone::Good),
        ChangeVerdict::NoRegression if row.primary => ("no regression".to_owned(), Tone::Good),
        ChangeVerdict::NoRegression => ("same".to_owned(), Tone::Plain),
        ChangeVerdict::NoData => ("too few".to_owned(), Tone::Warning),
        ChangeVerdict::Inconclusive if !row.primary => (String::new(), Tone::Plain),
        ChangeVerdict::Inconclusive => {
            let more = match row.more_runs {
                Some(n) if n < 1000 => format!(", about {n} more"),
                _ => String::new(),
            };
            (format!("unsure{more}"), Tone::Warning)
        }
    }
}

fn side(numbers: &SideNumbers, unit: &str) -> String {
    let median = numbers.median.map_or(format::NEVER.to_owned(), |median| format::value(median, unit));
    match numbers.cv {
        Some(cv) => format!("{median} ± {:.1}%", cv * 100.0),
        None => median,
    }
}

fn differences(comparison: &Comparison) -> TableView {
    let rows = comparison
        .differences
        .iter()
        .map(|difference| {
            let (word, tone) =
                if difference.hard { ("allowed", Tone::Warning) } else { ("note", Tone::Faint) };
            let (a, b) = (Cell::new(&difference.a), Cell::new(&difference.b));
            vec![Cell::new(&difference.key), Cell::toned(word, tone), a, b]
        })
        .collect();
    let headings = vec![left("condition"), left(""), left("A"), left("B")];
    TableView { title: "Conditions that differ", headings, rows, optional: &[], notes: Vec::new() }
}

fn comparison_notes(comparison: &Comparison) -> Vec<Cell> {
    let mut notes = Vec::new();
    let faint = |text: &str| Cell::toned(text, Tone::Faint);
    let levels = comparison.rows.iter().find(|row| row.primary).map(|row| row.level);
    if let Some(level) = levels {
        notes.push(faint(&format!(
            "One number a run. Hodges-Lehmann change with its {:.1} % interval, exact Mann-Whitney p, both for all \
             deciding metrics together.",
            level * 100.0
        )));
    }
    if comparison.rows.iter().any(|row| row.bounded) {
        notes
            .push(faint("≈ known only between bounds; the most likely value, or their middle, is compared."));
    }
    let deciding = || comparison.rows.iter().filter(|row| row.primary);
    let tolerances = deciding().map(|row| row.tolerance);
    let (low, high) = tolerances.fold((f64::INFINITY, 0.0_f64), |(low, high), t| (low.min(t), high.max(t)));
    if low.is_finite() {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let range = if low == high { percent(low) } else { format!("{} to {}", percent(low), percent(high)) };
        let calibrated = deciding().any(|row| row.tolerance_from == ToleranceSource::Calibration);
        let from = if calibrated { ", from `bench calibrate`" } else { "" };
        notes.push(faint(&format!("A change up to {range} does not matter{from}. ~: may be none.")));
    }
    notes
}

/// Runs that were made together, as a page; `of` each its summary and the id to show.
pub fn group_page(runs: &[(String, Summary)]) -> Page {
    let rows = runs.iter().map(|(id, summary)| {
        let (word, tone) = crate::view::verdict(summary.conclusion.verdict);
        vec![Cell::new(id), Cell::toned(word, tone), Cell::new(&summary.conclusion.reason)]
    });
    let headings = vec![left("run"), left("verdict"), left("reason")];
    let table = TableView { title: "Runs", headings, rows: rows.collect(), optional: &[], notes: Vec::new() };
    let summaries: Vec<Summary> = runs.iter().map(|(_, summary)| summary.clone()).collect();
    let mut tables = vec![table];
    let mut notes = Vec::new();
    match calibrate(&summaries) {
        Ok(calibration) => tables.push(variation(&calibration, false)),
        Err(error) => notes.push(Cell::toned(&format!("no spread from run to run: {error}"), Tone::Faint)),
    }
    let good = summaries.iter().filter(|summary| summary.conclusion.verdict == Verdict::Pass).count();
    let tone = if good == runs.len() { Tone::Good } else { Tone::Bad };
    let scenario = summaries.first().map_or("", |summary| summary.run.scenario.as_str());
    Page {
        verdict: Cell::toned(&format!("{good} OF {} PASS", runs.len()), tone),
        headline: Cell::new(&format!("{scenario} · {}", format::counted(runs.len() as u64, "run"))),
        reason: Cell::new("each run is a record of its own"),
        tables,
        notes,
    }
}

/// A calibration as a page.
pub fn calibration_page(calibration: &Calibration) -> Page {
    let runs = calibration.runs.len() as u64;
    Page {
        verdict: Cell::toned("CALIBRATED", Tone::Good),
        headline: Cell::new(&format!("{} · {}", calibration.scenario, format::counted(runs, "run"))),
        reason: Cell::new(
            "what runs that should be equal differ by; `bench compare` takes no less for a change",
        ),
        tables: vec![variation(calibration, true)],
        notes: vec![Cell::toned(
            "sd: from run to run. sees: smallest change that as many runs on each side find four times out of five. \
             Last columns: runs on each side that a change needs.",
            Tone::Faint,
        )],
    }
}

fn variation(calibration: &Calibration, with_plan: bool) -> TableView {
    let mut headings = vec![left("metric"), right("median"), right("sd")];
    if with_plan {
        headings.extend([
            right("tolerance"),
            right("sees"),
            right("2%"),
            right("5%"),
            right("10%"),
            right("20%"),
        ]);
    }
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let rows = calibration
        .metrics
        .iter()
        .map(|metric| {
            let median = metric.median.map_or(format::NEVER.to_owned(), |m| format::value(m, &metric.unit));
            let mark = if metric.enough { "" } else { "*" };
            let mut row = vec![
                Cell::new(&metric.metric),
                Cell::new(&format!("{median}{mark}")),
                Cell::new(&percent(metric.cv)),
            ];
            if with_plan {
                row.extend([Cell::new(&percent(metric.tolerance)), Cell::new(&percent(metric.detectable))]);
                row.extend(metric.runs_for.iter().map(|plan| {
                    let text = if plan.runs >= 1000 { "> 999".to_owned() } else { plan.runs.to_string() };
                    Cell::new(&text)
                }));
            }
            row
        })
        .collect();
    TableView { title: "From run to run", headings, rows, optional: &[], notes: Vec::new() }
}
