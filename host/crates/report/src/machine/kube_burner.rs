//! Documents as kube-burner indexes them into OpenSearch, so that dashboards and Orion go on working.
//!
//! `podLatencyMeasurement`, `podLatencyQuantilesMeasurement` and `jobSummary` with the field names of kube-burner 2;
//! each file is a JSON array, named as in its local indexer. Milliseconds, upper bounds. Differences, on purpose: a
//! phase that was not observed is left out and a quantile that never came is `null`, where kube-burner writes 0; pods
//! that never became ready count in the quantiles. Iteration and replica are not in our tables and left out.

use std::collections::BTreeMap;

use bench_results::{
    Distribution, EventLine, JobSummary, ObjectRow, ReadError, RunHistory, Summary, Verdict,
};
use serde_json::{Map, Value, json};

use super::{ReportFile, file_part};
use crate::sanitize::escape_json;

/// Our step, kube-burner's field and its name of the quantile.
const PHASES: [(&str, &str, &str); 5] = [
    ("scheduled", "schedulingLatency", "PodScheduled"),
    ("initialized", "initializedLatency", "Initialized"),
    ("sandboxready", "readyToStartContainersLatency", "PodReadyToStartContainers"),
    ("containersready", "containersReadyLatency", "ContainersReady"),
    ("ready", "podReadyLatency", "Ready"),
];

/// All documents of a run, a file for each kind and job.
///
/// # Errors
/// For a row of a table that is no JSON object.
pub fn kube_burner(summary: &Summary, history: &RunHistory) -> Result<Vec<ReportFile>, ReadError> {
    let written = kube_burner_documents(summary, history)?.into_iter().map(|(name, documents)| {
        let content = format!("{}\n", escape_json(&format!("{:#}", Value::Array(documents))));
        ReportFile { name, content }
    });
    Ok(written.collect())
}

/// All documents of a run, by the name of their file.
///
/// # Errors
/// For a row of a table that is no JSON object.
pub fn kube_burner_documents(
    summary: &Summary,
    history: &RunHistory,
) -> Result<BTreeMap<String, Vec<Value>>, ReadError> {
    let mut documents: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for table in &history.tables {
        let Some(objects) = table.objects()? else { continue };
        if !objects.steps.iter().any(|step| plain(step) == "scheduled") {
            continue;
        }
        for row in objects.objects.iter().filter(|row| row.steps.last().is_some_and(Option::is_some)) {
            let job = row.job.clone().unwrap_or_default();
            let document = pod(summary, history, &objects.steps, row, &job);
            documents.entry(file("podLatencyMeasurement", &job)).or_default().push(document);
        }
        for (job, document) in quantiles(summary, history, &table.source) {
            documents.entry(file("podLatencyQuantilesMeasurement", &job)).or_default().push(document);
        }
    }
    let jobs = summary.jobs.iter().map(|job| job_summary(summary, history, job)).collect();
    documents.insert("jobSummary.json".to_owned(), jobs);
    Ok(documents)
}

fn file(metric: &str, job: &str) -> String {
    if job.is_empty() { format!("{metric}.json") } else { format!("{metric}-{}.json", file_part(job)) }
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn millis(ns: u64) -> u64 {
    ns / 1_000_000
}

fn metadata(history: &RunHistory) -> Value {
    let mut metadata = Map::new();
    metadata.insert("k8sVersion".to_owned(), json!(history.header.cluster.version));
    metadata.extend(history.header.cluster.nodes.map(|nodes| ("totalNodes".to_owned(), json!(nodes))));
    Value::Object(metadata)
}

fn pod(summary: &Summary, history: &RunHistory, steps: &[String], row: &ObjectRow, job: &str) -> Value {
    let (namespace, name) = row.object.split_once('/').unwrap_or(("", &row.object));
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
    put("timestamp", json!(history.rfc3339(row.start_ns.unwrap_or(0))));
    for (step, at) in steps.iter().zip(&row.steps) {
        let known = PHASES.iter().find(|(ours, _, _)| *ours == plain(step));
        if let (Some((_, field, _)), Some(at)) = (known, at) {
            put(field, json!(millis(*at)));
        }
    }
    put("metricName", json!("podLatencyMeasurement"));
    put("uuid", json!(summary.run.id));
    put("jobName", json!(job));
    put("namespace", json!(namespace));
    put("podName", json!(name));
    put("nodeName", json!(row.node.as_deref().unwrap_or_default()));
    put("metadata", metadata(history));
    Value::Object(document)
}

/// One document for each phase and job of a measurement.
fn quantiles(summary: &Summary, history: &RunHistory, source: &str) -> Vec<(String, Value)> {
    let metrics = summary.metrics.iter().filter(|metric| metric.source == source);
    metrics
        .filter_map(|metric| {
            let distribution = metric.distribution.as_ref().filter(|distribution| distribution.n > 0)?;
            let (_, _, name) = PHASES.iter().find(|(ours, _, _)| *ours == plain(&metric.name))?;
            let job = metric.labels.get("job").cloned().unwrap_or_default();
            Some((job.clone(), quantile_document(summary, history, name, &job, distribution)))
        })
        .collect()
}

fn quantile_document(
    summary: &Summary,
    history: &RunHistory,
    name: &str,
    job: &str,
    distribution: &Distribution,
) -> Value {
    let at = |q: f64| distribution.quantile(q).and_then(|bounds| bounds.high).map(millis);
    json!({
        "quantileName": name,
        "uuid": summary.run.id,
        "P99": at(0.99),
        "P95": at(0.95),
        "P50": at(0.5),
        "min": distribution.min.map(millis),
        "max": distribution.max.map(millis),
        "avg": distribution.mean.map(|mean| millis(mean as u64)),
        "timestamp": history.rfc3339(i64::try_from(summary.length_ns).unwrap_or(i64::MAX)),
        "metricName": "podLatencyQuantilesMeasurement",
        "jobName": job,
        "metadata": metadata(history),
    })
}

fn job_summary(summary: &Summary, history: &RunHistory, job: &JobSummary) -> Value {
    let moment = |wanted: fn(&EventLine) -> Option<(&str, i64)>| {
        let mut moments = history.events.iter().filter_map(wanted);
        moments.find(|(name, _)| *name == job.name).map(|(_, at)| at)
    };
    let started = moment(|event| match event {
        EventLine::JobStarted { job, at } => Some((job.as_str(), at.0)),
        _ => None,
    });
    let finished = moment(|event| match event {
        EventLine::JobFinished { job, at, .. } => Some((job.as_str(), at.0)),
        _ => None,
    });
    let queue = job.queues.iter().find(|queue| queue.counts);
    let qps = queue.and_then(|queue| queue.rate.as_deref()?.strip_suffix("/s")?.parse::<f64>().ok());
    let passed = summary.conclusion.verdict == Verdict::Pass;
    let end = finished.unwrap_or(i64::try_from(summary.length_ns).unwrap_or(i64::MAX));
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
    put("timestamp", json!(history.rfc3339(started.unwrap_or(0))));
    put("endTimestamp", json!(history.rfc3339(end)));
    put("elapsedTime", json!(end.saturating_sub(started.unwrap_or(0)) / 1_000_000_000));
    put("uuid", json!(summary.run.id));
    put("metricName", json!("jobSummary"));
    put("jobConfig", json!({ "name": job.name, "qps": qps, "burst": queue.map(|queue| queue.burst) }));
    put("version", json!(format!("bench {}", summary.run.bench_version)));
    put("passed", json!(passed));
    if !passed {
        put("executionErrors", json!(summary.conclusion.reason));
    }
    put("k8sVersion", json!(summary.run.server_version));
    if let Some(nodes) = history.header.cluster.nodes {
        put("totalNodes", json!(nodes));
    }
    Value::Object(document)
}
