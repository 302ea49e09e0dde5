//! A real OpenSearch: fetched by `tests/lab` from Maven Central, run by Java.

use std::sync::OnceLock;

use bench_lab::OpenSearch;
use serde_json::{Value, json};

use crate::{bench::Bench, recorded, scripted::request, send};

/// One server for all tests; each has an index of its own.
fn opensearch() -> &'static OpenSearch {
    static SERVER: OnceLock<OpenSearch> = OnceLock::new();
    SERVER.get_or_init(|| {
        let cache = bench_lab::default_cache().expect("a cache folder");
        OpenSearch::start(&cache).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// Documents of the same report as files, sorted.
fn written(bench: &Bench) -> Vec<String> {
    bench.run(&["report", "--format", "kube-burner", "--output", "documents"]);
    let files = std::fs::read_dir(bench.folder.path().join("documents")).expect("a folder");
    let mut documents: Vec<String> = files
        .flat_map(|file| {
            let text = std::fs::read_to_string(file.expect("an entry").path()).expect("a file");
            let documents: Vec<Value> = serde_json::from_str(&text).expect("an array");
            documents.into_iter().map(|document| document.to_string())
        })
        .collect();
    documents.sort();
    documents
}

/// Asks the real server.
fn ask(method: &str, path: &str, body: &Value) -> Value {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let answer = request(opensearch().address(), method, path, &text);
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn the_documents_that_a_real_server_finds_are_those_of_the_files() {
    let bench = recorded();
    let expected = written(&bench);
    let verdict = bench.run(&["report"]).code;
    let n = expected.len();
    let sent = send(&bench, &opensearch().url(), "same").ended_with(verdict);
    assert!(sent.stderr.contains(&format!("stored {n} documents in index `same`\n")), "{}", sent.stderr);
    let again = send(&bench, &opensearch().url(), "same").ended_with(verdict);
    assert!(again.stderr.contains(&format!("{n} of them known already")), "{}", again.stderr);
    ask("POST", "/same/_refresh", &Value::Null);
    let found = ask("POST", "/same/_search", &json!({ "size": 1000 }));
    let hits = found["hits"]["hits"].as_array().expect("hits");
    let mut found: Vec<String> = hits.iter().map(|hit| hit["_source"].to_string()).collect();
    found.sort();
    assert_eq!(found, expected);
    // As dashboards ask.
    let question = json!({
        "size": 0,
        "query": { "term": { "metricName.keyword": "podLatencyMeasurement" } },
        "aggs": { "ready": { "percentiles": { "field": "podReadyLatency", "percents": [99] } } },
    });
    let answer = ask("POST", "/same/_search", &question);
    assert_eq!(answer["hits"]["total"]["value"], 20, "{answer}");
    assert!(answer["aggregations"]["ready"]["values"]["99.0"].is_number(), "{answer}");
}

#[test]
fn a_document_that_a_real_server_refuses_is_an_error_with_its_reason() {
    let bench = recorded();
    // Job summaries have a number there.
    let mapping = json!({ "mappings": { "properties": { "elapsedTime": { "type": "ip" } } } });
    ask("PUT", "/strict", &mapping);
    let sent = send(&bench, &opensearch().url(), "strict").ended_with(18);
    assert!(sent.stderr.contains("documents were stored"), "{}", sent.stderr);
    assert!(sent.stderr.contains("1 with 400, mapper_parsing_exception"), "{}", sent.stderr);
    ask("POST", "/strict/_refresh", &Value::Null);
    let count = ask("GET", "/strict/_count", &Value::Null);
    assert_eq!(
        count["count"].as_u64(),
        Some(written(&bench).len() as u64 - 1),
        "the others are there: {count}"
    );
}
