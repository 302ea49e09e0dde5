//! Objects on their way: the slowest ones with the parts of their time.

use bench_results::{ObjectTable, RunHistory, SlowObject, Summary};
use serde::Serialize;

use super::{
    HtmlError,
    number::Number,
    tables::{Cell, Row, StepBar, Table, numeric, table, text, wide},
};
use crate::{
    format::{self, NEVER, NONE},
    sanitize::sanitize,
};

/// A table of objects, and of which measurement.
pub(super) struct Objects {
    pub(super) source: String,
    pub(super) table: ObjectTable,
}

/// The tables of the record that are about objects.
pub(super) fn read(history: &RunHistory) -> Result<Vec<Objects>, HtmlError> {
    let mut objects = Vec::new();
    for table in &history.tables {
        let read = table.objects().map_err(HtmlError::Read)?;
        objects.extend(read.map(|read| Objects { source: table.source.clone(), table: read }));
    }
    Ok(objects)
}

/// The section.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Section {
    lead: String,
    steps: Vec<String>,
    table: Table,
    /// Whether charts of every object can be drawn; a record that ends early has them without the slowest ones.
    every: bool,
}

pub(super) fn section(summary: &Summary, tables: &[Objects]) -> Section {
    let headings =
        vec![text("object"), numeric("time"), text("to"), text("node"), text("parts"), wide("why")];
    let longest = summary.slowest.iter().filter_map(|object| object.value_ns).max().unwrap_or(1).max(1);
    let rows = summary.slowest.iter().enumerate().map(|(index, object)| {
        let path = format!("/slowest/{index}");
        Row::from(vec![
            Cell::text(&object.object),
            Cell::number(Number::duration(object.value_ns, format!("{path}/valueNs"))),
            Cell::text(&object.metric),
            Cell::text(object.node.as_deref().unwrap_or(NONE)),
            parts(object, tables, longest),
            Cell::text(&why(object)),
        ])
    });
    let n: usize = tables.iter().map(|objects| objects.table.objects.len()).sum();
    let lead = if summary.slowest.is_empty() {
        format!("{} so far; which were the slowest is not known.", format::counted(n as u64, "object"))
    } else {
        format!(
            "The slowest of {}, worst first, with the parts of their way. The reason is the measurement’s own word, or the \
             step that took longest.",
            format::counted(n as u64, "object")
        )
    };
    let steps = tables.first().map(|objects| objects.table.steps.iter().map(|name| sanitize(name)).collect());
    Section {
        lead,
        steps: steps.unwrap_or_default(),
        table: table("Slowest objects", headings, rows.collect()),
        every: !tables.is_empty(),
    }
}

fn why(object: &SlowObject) -> String {
    let step = object.longest.as_ref().map(|step| match step.took_ns {
        Some(took) => format!("{} took {}", step.name, format::duration(took as f64)),
        None => format!("{} never came", step.name),
    });
    let parts: Vec<String> = object.reason.iter().cloned().chain(step).collect();
    parts.join("; ")
}

/// A bar as long as its share of the slowest one, cut at each step.
fn parts(object: &SlowObject, tables: &[Objects], longest: u64) -> Cell {
    const WIDTH: f64 = 240.0;
    let found = tables.iter().filter(|objects| objects.source == object.source).find_map(|objects| {
        let row = objects.table.objects.iter().find(|row| row.object == object.object)?;
        Some((&objects.table.steps, row))
    });
    let Some((names, row)) = found else { return Cell::text("") };
    let scale = |ns: u64| ((ns as f64 / longest as f64).min(1.0) * WIDTH * 10.0).round() / 10.0;
    let (mut from, mut bars, mut words) = (0, Vec::new(), Vec::new());
    for (index, (name, at)) in names.iter().zip(&row.steps).enumerate() {
        let Some(at) = *at else { continue };
        words.push(format!("{name} after {}", format::duration(at as f64)));
        if at > from {
            let x = scale(from);
            bars.push(StepBar { color: index % 8, x, width: (scale(at) - x).max(0.5) });
            from = at;
        }
    }
    if row.steps.last().is_some_and(Option::is_none) {
        words.push(format!("{} {NEVER}", names.last().map_or("", String::as_str)));
    }
    if bars.is_empty() {
        return Cell::text(&words.join(", "));
    }
    Cell::steps(bars, &words.join(", "))
}
