//! One number for each metric of a run.

use std::collections::BTreeMap;

use bench_model::{Aggregate, Comparison, Label, Threshold};

use crate::summary::{Distribution, QuantileBounds, Summary, ThresholdSummary};

/// Quantiles that are compared.
const QUANTILES: [(f64, &str); 3] = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")];

/// Which way a metric gets worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    LowerIsBetter,
    HigherIsBetter,
    Unknown,
}

/// A number of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    /// Infinite when it never came.
    pub(super) value: f64,
    pub(super) unit: String,
    /// Whether it rests on enough samples.
    pub(super) enough: bool,
    /// Whether only bounds of it are known.
    pub(super) bounded: bool,
    /// Whether a gate of the scenario is about it.
    pub(super) gated: bool,
    pub(super) direction: Direction,
}

/// By metric, named as gates do.
pub(super) type Numbers = BTreeMap<String, Number>;

pub(super) fn of(summary: &Summary) -> Numbers {
    let mut numbers = Numbers::new();
    for job in &summary.jobs {
        add(&mut numbers, &format!("{}.response", job.name), &job.response);
        if let Some(elapsed) = job.elapsed_ns {
            let value = elapsed as f64;
            let number = Number {
                value,
                unit: "ns".to_owned(),
                enough: true,
                bounded: false,
                gated: false,
                direction: Direction::LowerIsBetter,
            };
            numbers.insert(format!("value({}.elapsed)", job.name), number);
        }
    }
    for metric in &summary.metrics {
        let Some(distribution) = &metric.distribution else { continue };
        let labels: Vec<Label> = metric
            .labels
            .iter()
            .map(|(name, value)| Label { name: name.clone(), value: value.clone() })
            .collect();
        let name = format!("{}.{}{}", metric.source, metric.name, label_text(&labels));
        add(&mut numbers, &name, distribution);
    }
    for threshold in &summary.thresholds {
        if let Some((name, number)) = gated(threshold, &numbers) {
            numbers.insert(name, number);
        }
    }
    numbers
}

/// The same form for all ways to write a metric: blanks and the order of labels do not matter.
pub(super) fn normal(metric: &str) -> String {
    // Any comparison makes a gate of it.
    match format!("{metric} < 1").parse::<Threshold>() {
        Ok(threshold) => name(&threshold).unwrap_or_else(|| metric.trim().to_owned()),
        Err(_) => metric.trim().to_owned(),
    }
}

/// The left side of a gate on a quantile or a single time.
fn name(threshold: &Threshold) -> Option<String> {
    let aggregate = match threshold.aggregate {
        Aggregate::Quantile(q) => format!("p{}", (q * 1e8).round() / 1e6),
        Aggregate::Value => "value".to_owned(),
        Aggregate::Min
        | Aggregate::Max
        | Aggregate::Mean
        | Aggregate::Count
        | Aggregate::Rate
        | Aggregate::Missing => return None,
    };
    let metric = &threshold.metric;
    let mut labels = metric.labels.clone();
    labels.sort();
    Some(format!("{aggregate}({}.{}{})", metric.source, metric.metric, label_text(&labels)))
}

fn label_text(labels: &[Label]) -> String {
    let texts: Vec<String> =
        labels.iter().map(|label| format!("{}=\"{}\"", label.name, label.value)).collect();
    if texts.is_empty() { String::new() } else { format!("{{{}}}", texts.join(", ")) }
}

fn add(numbers: &mut Numbers, name: &str, distribution: &Distribution) {
    for (q, prefix) in QUANTILES {
        let Some(bounds) = distribution.quantile(q) else { continue };
        let number = Number {
            value: value(bounds),
            unit: distribution.unit.clone(),
            enough: bounds.enough,
            bounded: bounds.low != bounds.high,
            gated: false,
            direction: of_unit(&distribution.unit),
        };
        numbers.insert(format!("{prefix}({name})"), number);
    }
}

/// The most likely value; without an estimate the middle of the bounds, whose error is the same in all runs.
fn value(bounds: &QuantileBounds) -> f64 {
    let number = |value: Option<u64>| value.map_or(f64::INFINITY, |value| value as f64);
    match bounds.estimate {
        Some(estimate) => number(estimate.value),
        None => f64::midpoint(number(bounds.low), number(bounds.high)),
    }
}

/// Times are better when they are short; of other units nothing is known.
fn of_unit(unit: &str) -> Direction {
    if matches!(unit, "ns" | "us" | "ms" | "s" | "min" | "h") {
        Direction::LowerIsBetter
    } else {
        Direction::Unknown
    }
}

/// What a gate is about, with the gate's own number.
fn gated(threshold: &ThresholdSummary, numbers: &Numbers) -> Option<(String, Number)> {
    let parsed: Threshold = threshold.text.parse().ok()?;
    let name = name(&parsed)?;
    let is_single = matches!(parsed.aggregate, Aggregate::Value);
    if is_single && !numbers.contains_key(&name) || !threshold.observed {
        return None;
    }
    let end = |end: Option<f64>| end.unwrap_or(f64::INFINITY);
    let known = numbers.get(&name).map(|number| number.value);
    let number = Number {
        value: known.unwrap_or_else(|| f64::midpoint(end(threshold.low), end(threshold.high))),
        unit: threshold.unit.clone(),
        enough: threshold.n >= threshold.needed,
        bounded: threshold.low != threshold.high,
        gated: true,
        direction: match parsed.comparison {
            Comparison::Less | Comparison::LessOrEqual => Direction::LowerIsBetter,
            Comparison::Greater | Comparison::GreaterOrEqual => Direction::HigherIsBetter,
            Comparison::Equal | Comparison::NotEqual => of_unit(&threshold.unit),
        },
    };
    Some((name, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_one_name_however_they_are_written() {
        assert_eq!(normal("p99( a.b{y=\"2\", x=\"1\"} )"), "p99(a.b{x=\"1\", y=\"2\"})");
        assert_eq!(normal("p99.9(a.b)"), "p99.9(a.b)");
        assert_eq!(normal("nonsense"), "nonsense");
    }
}
