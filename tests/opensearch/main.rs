//! `bench report --format kube-burner --opensearch` against a real OpenSearch, and against one that misbehaves.
//!
//! The real one is fetched by `tests/lab` from Maven Central and run by Java. Without it these tests fail, unless
//! `BENCH_OPENSEARCH=off` says that there is none; what a scripted server can tell is tested all the same.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

#[path = "../cli/bench.rs"]
#[expect(dead_code, reason = "clusters that outlive a run are for other tests")]
mod bench;
mod scripted;

use std::{collections::BTreeMap, path::Path, process::Stdio, sync::OnceLock};

use bench_lab::OpenSearch;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Ran, root},
    scripted::{Scripted, request},
};

/// Value of `BENCH_OPENSEARCH` for machines without Java or network.
fn is_off() -> bool {
    std::env::var_os("BENCH_OPENSEARCH").is_some_and(|wish| wish == "off")
}

/// One server for all tests; each has an index of its own.
fn opensearch() -> &'static OpenSearch {
    static SERVER: OnceLock<OpenSearch> = OnceLock::new();
    SERVER.get_or_init(|| {
        let cache = bench_lab::default_cache().expect("a cache folder");
        OpenSearch::start(&cache)
            .unwrap_or_else(|error| panic!("{error}; BENCH_OPENSEARCH=off leaves it out"))
    })
}

/// A short recorded run.
fn recorded() -> Bench {
    let bench = Bench::new();
    let read = |name: &str| std::fs::read_to_string(root().join("scenarios").join(name)).expect("a scenario");
    bench.write("templates/pod.yaml", &read("templates/pod.yaml"));
    let short = read("quickstart.yaml").replace("pods: 100", "pods: 20");
    bench.write("short.yaml", &short);
    let ran = bench.run(&["run", "short.yaml", "--quiet"]);
    assert!([0, 10, 12, 13].contains(&ran.code), "{}", ran.stderr);
    bench
}

fn send(bench: &Bench, url: &str, index: &str) -> Ran {
    bench.run(&["report", "--format", "kube-burner", "--opensearch", url, "--index", index])
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
    if is_off() {
        return;
    }
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
    if is_off() {
        return;
    }
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

#[test]
fn a_server_that_refuses_or_is_none_is_an_error() {
    let bench = recorded();
    let answers: BTreeMap<&str, (u16, &str)> = BTreeMap::from([
        ("OpenSearch refused with 401: no", (401, r#"{"error":{"reason":"no\u001b[2J"}}"#)),
        ("OpenSearch refused with 429", (429, "")),
        ("not as the bulk API does", (200, "<html>")),
    ]);
    for (words, (status, text)) in answers {
        let server = Scripted::start(status, text);
        let sent = send(&bench, &server.url(), "bench").ended_with(18);
        assert!(sent.stderr.contains(words) && !sent.stderr.contains('\u{1b}'), "{}", sent.stderr);
        assert!(sent.stderr.contains("0 of "), "{}", sent.stderr);
        assert_eq!(server.requests().len(), 1, "nothing is retried");
    }
    send(&bench, "http://127.0.0.1:1", "bench").ended_with(18);
}

#[test]
fn secrets_come_from_files_and_the_environment_alone() {
    let bench = recorded();
    let server = Scripted::start(403, "");
    bench.write("token", "sesame\n");
    let url = server.url();
    let base = ["report", "--format", "kube-burner", "--opensearch", &url];
    let with = |more: &[&str], variable: &str| -> Ran {
        let arguments: Vec<&str> = base.iter().chain(more).copied().collect();
        let mut command = bench.command(&arguments);
        command.env(variable, "sesame").stdin(Stdio::null());
        Ran::from(command.output().expect("bench starts"))
    };
    with(&["--opensearch-token-file", "token"], "NOTHING").ended_with(18);
    with(&[], "BENCH_OPENSEARCH_TOKEN").ended_with(18);
    with(&["--opensearch-user", "me", "--opensearch-password-file", "token"], "NOTHING").ended_with(18);
    with(&["--opensearch-user", "me"], "BENCH_OPENSEARCH_PASSWORD").ended_with(18);
    let seen: Vec<String> = server.requests().iter().map(|request| authorization(request)).collect();
    let basic = "Basic bWU6c2VzYW1l";
    assert_eq!(seen, ["Bearer sesame", "Bearer sesame", basic, basic]);
    with(&["--opensearch-user", "me"], "NOTHING").ended_with(2);
    with(&["--opensearch-token-file", "nowhere"], "NOTHING").ended_with(2);
    with(&["--opensearch-ca-file", "token"], "NOTHING").ended_with(2);
    with(&["--index", "No Such"], "NOTHING").ended_with(2);
    bench.run(&["report", "--format", "json", "--opensearch", &url]).ended_with(2);
    bench.run(&["report", "--format", "kube-burner", "--opensearch", "http://me:sesame@host"]).ended_with(2);
    bench.run(&["report", "--format", "kube-burner", "--index", "x"]).ended_with(2);
    assert_eq!(server.requests().len(), 4, "nothing was sent with wrong flags");
}

fn authorization(request: &str) -> String {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    found.next().map_or(String::new(), |(_, value)| value.to_owned())
}

#[test]
fn documents_can_be_written_and_sent_at_once() {
    let bench = recorded();
    let server = Scripted::start(403, "");
    let url = server.url();
    bench.run(&["report", "-f", "kube-burner", "--opensearch", &url, "--output", "both"]).ended_with(18);
    assert!(!Path::new(&bench.folder.path().join("both")).exists(), "what was not sent is not half done");
}
