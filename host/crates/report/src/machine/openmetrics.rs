//! OpenMetrics text, for a textfile collector.
//!
//! Seconds; upper bounds; what never came is `+Inf`. A quantile that rests on too few samples is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use bench_results::{Distribution, Summary, Verdict};

use crate::sanitize::sanitize;

const VERDICTS: [(Verdict, &str); 5] = [
    (Verdict::Pass, "pass"),
    (Verdict::Fail, "fail"),
    (Verdict::NoData, "noData"),
    (Verdict::Invalid, "invalid"),
    (Verdict::Skipped, "skipped"),
];

/// A metric family.
struct Family {
    head: String,
    lines: String,
}

impl Family {
    fn new(name: &str, kind: &str, unit: &str, help: &str) -> Self {
        let mut head = format!("# TYPE {name} {kind}\n");
        if !unit.is_empty() {
            head.push_str(&format!("# UNIT {name} {unit}\n"));
        }
        head.push_str(&format!("# HELP {name} {help}\n"));
        Self { head, lines: String::new() }
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", label_value(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.lines, "{name}{labels} {}", number(value));
    }
}

fn label_value(text: &str) -> String {
    sanitize(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn number(value: f64) -> String {
    if value == f64::INFINITY { "+Inf".to_owned() } else { value.to_string() }
}

/// The run as metrics.
pub fn openmetrics(summary: &Summary) -> String {
    let mut families = run(summary);
    families.push(gates(summary));
    families.extend(jobs(summary));
    families.extend(metrics(summary));
    let mut out = String::new();
    for family in families.into_iter().filter(|family| !family.lines.is_empty()) {
        out.push_str(&family.head);
        out.push_str(&family.lines);
    }
    out.push_str("# EOF\n");
    out
}

fn run(summary: &Summary) -> Vec<Family> {
    let facts = &summary.run;
    let mut info = Family::new("bench_run", "info", "", "Which run this is.");
    let labels = [
        ("run_id", facts.id.as_str()),
        ("scenario", &facts.scenario),
        ("server_version", &facts.server_version),
        ("bench_version", &facts.bench_version),
    ];
    info.sample("bench_run_info", &labels, 1.0);
    let mut verdict =
        Family::new("bench_run_verdict", "stateset", "", "What the run says; only pass is a pass.");
    for (of, word) in VERDICTS {
        let is = f64::from(u8::from(summary.conclusion.verdict == of));
        verdict.sample("bench_run_verdict", &[("bench_run_verdict", word)], is);
    }
    let mut length = Family::new("bench_run_duration_seconds", "gauge", "seconds", "Length of the run.");
    length.sample("bench_run_duration_seconds", &[], summary.length_ns as f64 / 1e9);
    let mut partial = Family::new("bench_run_partial", "gauge", "", "1 when the record has no end.");
    partial.sample("bench_run_partial", &[], f64::from(u8::from(summary.partial)));
    vec![info, verdict, length, partial]
}

fn gates(summary: &Summary) -> Family {
    let mut family = Family::new("bench_gate_passed", "gauge", "", "1 for a gate that passed.");
    let mut seen = BTreeSet::new();
    for gate in summary.thresholds.iter().filter(|gate| seen.insert(&gate.text)) {
        let passed = f64::from(u8::from(gate.verdict == Verdict::Pass));
        family.sample("bench_gate_passed", &[("gate", &gate.text)], passed);
    }
    family
}

fn jobs(summary: &Summary) -> Vec<Family> {
    let mut operations = Family::new("bench_job_operations", "counter", "", "Operations that count.");
    let mut failed = Family::new(
        "bench_job_failed_operations",
        "counter",
        "",
        "Those that failed or were never answered.",
    );
    let mut response =
        Family::new("bench_job_response_seconds", "summary", "seconds", "From due until answered.");
    for job in &summary.jobs {
        let labels = [("job", job.name.as_str())];
        operations.sample("bench_job_operations_total", &labels, job.operations as f64);
        failed.sample("bench_job_failed_operations_total", &labels, job.failed as f64);
        distribution(&mut response, "bench_job_response_seconds", &labels, &job.response, 1e-9);
    }
    vec![operations, failed, response]
}

fn distribution(family: &mut Family, name: &str, labels: &[(&str, &str)], of: &Distribution, scale: f64) {
    for quantile in of.quantiles.iter().filter(|quantile| quantile.enough) {
        let q = quantile.q.to_string();
        let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("quantile", q.as_str())]).collect();
        family.sample(name, &labels, quantile.high.map_or(f64::INFINITY, |high| high as f64 * scale));
    }
    family.sample(&format!("{name}_count"), labels, of.n as f64);
}

fn metrics(summary: &Summary) -> Vec<Family> {
    let mut durations =
        Family::new("bench_metric_seconds", "summary", "seconds", "Distributions that measurements made.");
    let mut others = Family::new("bench_metric_values", "summary", "", "Distributions in other units.");
    let mut values = Family::new("bench_metric_value", "gauge", "", "Counters and gauges of measurements.");
    for metric in &summary.metrics {
        let own = own_labels(&metric.labels);
        let mut labels = vec![("source", metric.source.as_str()), ("metric", metric.name.as_str())];
        labels.extend(own.iter().map(|(name, value)| (name.as_str(), *value)));
        let with_unit: Vec<(&str, &str)> =
            labels.iter().copied().chain([("unit", metric.unit.as_str())]).collect();
        match (&metric.distribution, metric.value) {
            (Some(of), _) if of.unit == "ns" => {
                distribution(&mut durations, "bench_metric_seconds", &labels, of, 1e-9);
            }
            (Some(of), _) => distribution(&mut others, "bench_metric_values", &with_unit, of, 1.0),
            (None, Some(value)) => values.sample("bench_metric_value", &with_unit, value),
            (None, None) => {}
        }
    }
    vec![durations, others, values]
}

/// Label names as the format allows them; of two that become the same the first stays.
fn own_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, &str> {
    let mut own = BTreeMap::new();
    for (name, value) in labels {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name: String = format!("label_{}", name.chars().map(plain).collect::<String>());
        own.entry(name).or_insert(value.as_str());
    }
    own
}
