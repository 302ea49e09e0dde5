//! Requests by verb, kind and status.

use bench_results::{OperationTotals, RunHistory, TotalQuantiles};

use super::{
    number::Number,
    tables::{Cell, Row, Table, numeric, table, text},
};
use crate::{
    format::{NONE, counted},
    view::Tone,
};

/// The quantile of a spectrum that is nearest to `q` from above.
pub(super) fn at(total: &TotalQuantiles, q: f64) -> Option<(usize, Option<u64>)> {
    let index = total.points.iter().position(|point| point.q >= q - 1e-9)?;
    Some((index, total.points.get(index)?.high))
}

pub(super) fn matrix(history: &RunHistory) -> Table {
    let headings = vec![
        text("verb"),
        text("kind"),
        text("status"),
        text("job / queue"),
        numeric("requests"),
        numeric("p50 response"),
        numeric("p99 response"),
        numeric("max response"),
        numeric("p50 service"),
        numeric("p99 service"),
    ];
    let rows = history.totals.iter().enumerate().map(|(index, totals)| row(index, totals));
    let mut api = table("API", headings, rows.collect());
    if history.series_left_out > 0 {
        let left_out = counted(history.series_left_out as u64, "histogram");
        api.notes.push(format!(
            "{left_out} of plugins are not charted; they are in the tables above and in the record"
        ));
    }
    api
}

fn row(index: usize, totals: &OperationTotals) -> Row {
    let status = match (totals.code, totals.reason.as_str()) {
        (0, reason) => format!("none {reason}"),
        (code, reason) => format!("{code} {reason}"),
    };
    let tone = if totals.is_success() { Tone::Good } else { Tone::Bad };
    let place = match totals.phase.as_str() {
        "" => format!("{} / {}", totals.job, totals.queue),
        phase => format!("{} / {} (in {phase}, does not count)", totals.job, totals.queue),
    };
    let value = |of: &TotalQuantiles, key: &str, q: f64| match at(of, q) {
        Some((point, high)) => {
            let path = format!("record:/totals/{index}/{key}/{point}/2");
            // The chart's data is in milliseconds.
            let mut number = Number::duration(high, path);
            number.value = high.map_or("null".to_owned(), |ns| super::charts::millis(ns).to_string());
            Cell::number(number)
        }
        None => Cell::text(NONE),
    };
    Row::from(vec![
        Cell::text(&totals.verb),
        Cell::text(&totals.resource),
        Cell::mark(status.trim_end(), tone),
        Cell::text(&place),
        Cell::number(Number::count(totals.n, format!("record:/totals/{index}/n"))),
        value(&totals.response, "response", 0.5),
        value(&totals.response, "response", 0.99),
        value(&totals.response, "response", 1.0),
        value(&totals.service, "service", 0.5),
        value(&totals.service, "service", 0.99),
    ])
}
