//! `bench report --format kube-burner --opensearch` against a real OpenSearch, and against one that misbehaves.
//!
//! Without Java and network the tests with the real one fail; `cargo xtask test` leaves them out by the name of their
//! module. What a scripted server can tell is tested all the same.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

#[path = "../cli/bench.rs"]
#[expect(dead_code, reason = "clusters that outlive a run are for other tests")]
mod bench;
mod real_opensearch;
mod scripted;

use std::{collections::BTreeMap, path::Path, process::Stdio};

use crate::{
    bench::{Bench, Ran, root},
    scripted::Scripted,
};

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
