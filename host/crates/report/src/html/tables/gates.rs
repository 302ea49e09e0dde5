//! The table of gates: verdicts, what was observed, and a bar against the limit.

use bench_results::{Summary, ThresholdSummary, Verdict};

use super::{Cell, Gauge, Row, Table, numeric, table, text, tone_name, wide};
use crate::{
    format::{self, NONE},
    html::number::Number,
    view::Tone,
};

/// Gates with what was observed.
pub(in crate::html) fn gates(summary: &Summary) -> Table {
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
