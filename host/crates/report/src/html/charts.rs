//! The data of the charts: compact JSON, compressed, in base64.
//!
//! Durations become milliseconds with four significant digits, one more than histograms keep. Lists have one
//! entry an interval of the chart.

use std::{collections::HashMap, io::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bench_model::Label;
use bench_results::{
    NumberHistory, OperationGroup, OperationTotals, RunHistory, SeriesBin, SeriesHistory, Summary,
    TotalQuantiles,
};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    HtmlError,
    objects::Objects,
    tables::tone_name,
    timeline::{marks, phases},
};
use crate::sanitize::sanitize;

/// Objects of a table that are drawn.
const MAX_OBJECTS: usize = 20_000;
const NS_PER_MS: f64 = 1e6;

/// Four significant digits.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    if digits > 0 {
        let scale = 10_f64.powi(digits);
        (value * scale).round() / scale
    } else {
        let scale = 10_f64.powi(-digits);
        (value / scale).round() * scale
    }
}

/// Nanoseconds as the charts have them.
pub(super) fn millis(ns: u64) -> Value {
    number(rounded(ns as f64 / NS_PER_MS))
}

/// Whole numbers without a fraction.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

/// What a unit becomes, and the factor to it.
fn unit(ucum: &str) -> (&str, f64) {
    match ucum {
        "ns" => ("ms", 1.0 / NS_PER_MS),
        "us" => ("ms", 1e-3),
        "s" => ("ms", 1e3),
        other => (other, 1.0),
    }
}

fn label_set(labels: &[Label]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        labels.iter().map(|label| format!("{}=\"{}\"", label.name, label.value)).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn series_name(series: &SeriesHistory) -> String {
    format!("{}.{}{}", series.source, series.name, label_set(&series.labels))
}

/// The latency that is shown first: the measurement's that the most values came for, else that of the first job.
pub(super) fn first_latency(history: &RunHistory) -> String {
    match (history.series.first(), history.operations.first()) {
        (Some(series), _) => series_name(series),
        (None, Some(group)) => format!("{}: response (done − due)", group.job),
        (None, None) => String::new(),
    }
}

fn bins(bins: &[SeriesBin], total: &TotalQuantiles, ucum: &str) -> serde_json::Map<String, Value> {
    let (unit, scale) = unit(ucum);
    let value = |value: Option<u64>| value.map_or(Value::Null, |v| number(rounded(v as f64 * scale)));
    let quantile = |index: usize| -> Vec<Value> {
        bins.iter().map(|bin| value(bin.quantiles.get(index).copied().flatten())).collect()
    };
    let heat: Vec<Vec<u64>> = bins
        .iter()
        .map(|bin| bin.heat.iter().flat_map(|cell| [u64::from(cell.row), cell.count]).collect())
        .collect();
    let mut map = serde_json::Map::new();
    let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
    put("unit", json!(sanitize(unit)));
    put("scale", json!(scale));
    put("n", json!(bins.iter().map(|bin| bin.n).collect::<Vec<_>>()));
    put("missing_bins", json!(bins.iter().map(|bin| bin.missing).collect::<Vec<_>>()));
    for (index, name) in ["p50", "p90", "p99", "p999"].into_iter().enumerate() {
        put(name, json!(quantile(index)));
    }
    put("heat", json!(heat));
    put("total", json!(total.n));
    put("missing", json!(total.missing));
    map
}

/// Points as `[q, low, high, enough]`.
fn curve(total: &TotalQuantiles, ucum: &str) -> Value {
    let (_, scale) = unit(ucum);
    let value = |value: Option<u64>| value.map_or(Value::Null, |v| number(rounded(v as f64 * scale)));
    let points = total.points.iter().map(|point| {
        let q = (point.q * 1e9).round() / 1e9;
        json!([q, value(point.low), value(point.high), u8::from(point.enough)])
    });
    Value::Array(points.collect())
}

fn operations(group: &OperationGroup) -> Value {
    json!({
        "job": sanitize(&group.job),
        "failed": group.failed,
        "tooMany": group.too_many,
        "response": bins(&group.response, &group.response_total, "ns"),
        "curve": curve(&group.response_total, "ns"),
        "service": curve(&group.service_total, "ns"),
    })
}

fn plugin_series(series: &SeriesHistory) -> Value {
    let mut map = bins(&series.bins, &series.total, &series.unit);
    map.insert("name".to_owned(), json!(sanitize(&series_name(series))));
    map.insert("curve".to_owned(), curve(&series.total, &series.unit));
    Value::Object(map)
}

fn plugin_number(history: &NumberHistory) -> Value {
    let name = format!("{}.{}{}", history.source, history.name, label_set(&history.labels));
    let values: Vec<Value> =
        history.values.iter().map(|value| value.map_or(Value::Null, |v| number(rounded(v)))).collect();
    json!({ "name": sanitize(&name), "unit": sanitize(&history.unit), "counter": history.is_counter, "values": values })
}

fn totals(totals: &OperationTotals) -> Value {
    json!({ "n": totals.n, "response": curve(&totals.response, "ns"), "service": curve(&totals.service, "ns") })
}

#[derive(Serialize)]
struct ObjectRows<'a> {
    source: String,
    steps: Vec<String>,
    nodes: Vec<String>,
    /// Node's number, start and steps in milliseconds.
    rows: Vec<Vec<Value>>,
    #[serde(rename = "leftOut")]
    left_out: usize,
    /// For each step: how many objects had reached it at the end of each interval, of all objects.
    reached: Vec<(&'a str, Vec<u64>)>,
}

fn objects<'a>(objects: &'a Objects, history: &RunHistory) -> ObjectRows<'a> {
    let table = &objects.table;
    let mut names: Vec<&str> = table.objects.iter().filter_map(|row| row.node.as_deref()).collect();
    names.sort_unstable_by(|a, b| natural(a).cmp(&natural(b)).then_with(|| a.cmp(b)));
    names.dedup();
    let numbers: HashMap<&str, usize> =
        names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let count = table.objects.len();
    let every = count.div_ceil(MAX_OBJECTS).max(1);
    let millis = |ns: Option<f64>| ns.map_or(Value::Null, |ns| number((ns / 1e5).round() / 10.0));
    let rows: Vec<Vec<Value>> = table
        .objects
        .iter()
        .step_by(every)
        .map(|row| {
            let node = row.node.as_deref().and_then(|name| numbers.get(name));
            let mut cells = vec![node.map_or(json!(names.len()), |index| json!(index))];
            cells.push(millis(row.start_ns.map(|ns| ns as f64)));
            cells.extend(row.steps.iter().map(|step| millis(step.map(|ns| ns as f64))));
            cells
        })
        .collect();
    ObjectRows {
        source: sanitize(&objects.source),
        steps: table.steps.iter().map(|name| sanitize(name)).collect(),
        nodes: names.into_iter().map(sanitize).collect(),
        left_out: count - rows.len(),
        rows,
        reached: reached(objects, history),
    }
}

/// `node-2` before `node-10`: the text without its last digits, and these as a number.
fn natural(name: &str) -> (&str, u64) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.get(stem.len()..).unwrap_or_default();
    (stem, digits.parse().unwrap_or(0))
}

fn reached<'a>(objects: &'a Objects, history: &RunHistory) -> Vec<(&'a str, Vec<u64>)> {
    let table = &objects.table;
    let count = |at: &dyn Fn(&bench_results::ObjectRow) -> Option<i64>| {
        let mut counts = vec![0_u64; history.bins];
        for row in &table.objects {
            let Some(at) = at(row) else { continue };
            let second = u64::try_from(at).unwrap_or(0) / 1_000_000_000;
            let bin = usize::try_from(second / history.bin_seconds).unwrap_or(usize::MAX);
            if let Some(cell) = counts.get_mut(bin.min(history.bins.saturating_sub(1))) {
                *cell += 1;
            }
        }
        let mut sum = 0;
        counts
            .into_iter()
            .map(|n| {
                sum += n;
                sum
            })
            .collect::<Vec<u64>>()
    };
    if table.objects.iter().all(|row| row.start_ns.is_none()) {
        return Vec::new();
    }
    let mut reached = vec![("wanted", count(&|row| row.start_ns))];
    for (index, name) in table.steps.iter().enumerate() {
        let at = |row: &bench_results::ObjectRow| {
            let step = row.steps.get(index).copied().flatten()?;
            row.start_ns?.checked_add_unsigned(step)
        };
        let counts = count(&at);
        if counts.last().is_some_and(|n| *n > 0) {
            reached.push((name, counts));
        }
    }
    reached
}

/// Everything that the scripts need, packed.
pub(super) fn pack(summary: &Summary, history: &RunHistory, tables: &[Objects]) -> Result<String, HtmlError> {
    let seconds = |ns: i64| number(rounded_seconds(ns));
    let end = (summary.length_ns as f64 / 1e9).max(1.0);
    let data = json!({
        "version": 1,
        "bin": history.bin_seconds,
        "bins": history.bins,
        "end": number((end * 1e3).ceil() / 1e3),
        "phases": phases(history).into_iter().map(|(name, at)| json!([name, seconds(at)])).collect::<Vec<_>>(),
        "marks": marks(history)
            .into_iter()
            .map(|mark| json!([seconds(mark.at_ns), tone_name(mark.tone), mark.what, sanitize(&mark.text)]))
            .collect::<Vec<_>>(),
        "queues": history.queues.iter().map(|queue| json!({
            "job": sanitize(&queue.job), "name": sanitize(&queue.name), "counts": queue.counts,
            "due": queue.due, "sent": queue.sent, "answered": queue.answered,
        })).collect::<Vec<_>>(),
        "operations": history.operations.iter().map(operations).collect::<Vec<_>>(),
        "totals": history.totals.iter().map(totals).collect::<Vec<_>>(),
        "series": history.series.iter().map(plugin_series).collect::<Vec<_>>(),
        "numbers": history.numbers.iter().map(plugin_number).collect::<Vec<_>>(),
        "objects": tables.iter().map(|table| objects(table, history)).collect::<Vec<_>>(),
        "summary": summary,
    });
    let failed = |error: &dyn std::fmt::Display| HtmlError::Data { reason: error.to_string() };
    let text = serde_json::to_vec(&data).map_err(|e| failed(&e))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&text).map_err(|e| failed(&e))?;
    Ok(STANDARD.encode(encoder.finish().map_err(|e| failed(&e))?))
}

fn rounded_seconds(ns: i64) -> f64 {
    (ns as f64 / 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_four_digits() {
        let check = |ns: u64, expected: &str| assert_eq!(millis(ns).to_string(), expected);
        check(584_973_311, "585");
        check(1_234_567, "1.235");
        check(987_654_321_000, "987700");
        check(850, "0.00085");
        check(0, "0");
    }

    #[test]
    fn nodes_are_in_the_order_of_their_numbers() {
        let mut names = ["node-10", "node-2", "b", "node-1"];
        names.sort_unstable_by(|a, b| natural(a).cmp(&natural(b)));
        assert_eq!(names, ["b", "node-1", "node-2", "node-10"]);
    }
}
