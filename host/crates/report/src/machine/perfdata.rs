//! PerfData JSON as perfdash shows it (`perftype.PerfData` of kubernetes/perf-tests).
//!
//! Durations in milliseconds, upper bounds. perfdash has no word for a value that never came and reads `null` as 0:
//! such a quantile is left out, and so is one that rests on too few samples.

use bench_results::{Distribution, Summary};
use serde_json::{Map, Value, json};

use crate::sanitize::escape_json;

/// Names that perfdash draws.
const QUANTILES: [(f64, &str); 4] = [(0.5, "Perc50"), (0.9, "Perc90"), (0.99, "Perc99"), (0.999, "Perc99.9")];

/// One item for each distribution of the run.
pub fn perfdata(summary: &Summary) -> String {
    let mut items = Vec::new();
    for job in &summary.jobs {
        let labels = json!({ "Metric": format!("{}.response", job.name) });
        items.extend(item(&job.response, labels));
    }
    for metric in &summary.metrics {
        let Some(distribution) = &metric.distribution else { continue };
        let mut labels = Map::new();
        labels.insert("Metric".to_owned(), json!(format!("{}.{}", metric.source, metric.name)));
        labels.extend(metric.labels.iter().map(|(name, value)| (name.clone(), json!(value))));
        items.extend(item(distribution, Value::Object(labels)));
    }
    let run = &summary.run;
    let data = json!({
        "version": "v1",
        "dataItems": items,
        "labels": { "scenario": run.scenario, "run": run.id, "serverVersion": run.server_version },
    });
    format!("{}\n", escape_json(&format!("{data:#}")))
}

fn item(distribution: &Distribution, labels: Value) -> Option<Value> {
    let (unit, scale) = match distribution.unit.as_str() {
        "ns" => ("ms", 1e-6),
        other => (other, 1.0),
    };
    let found = QUANTILES.into_iter().filter_map(|(q, name)| {
        let bounds = distribution.quantile(q).filter(|bounds| bounds.enough)?;
        Some((name.to_owned(), json!(bounds.high? as f64 * scale)))
    });
    let data: Map<String, Value> = found.collect();
    (!data.is_empty()).then(|| json!({ "data": data, "unit": unit, "labels": labels }))
}
