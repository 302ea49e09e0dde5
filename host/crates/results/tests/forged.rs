//! Records whose checksums fit but whose content is made to harm, and records read while they are written.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

#[path = "fake/run.rs"]
mod fake;
#[path = "fake/forge.rs"]
mod forge;

use std::fs;

use bench_results::{CompareOptions, Store, Verdict, compare, read_summary, summarize};
use fake::FakeRun;
use forge::forge;
use proptest::prelude::*;

fn small() -> FakeRun {
    FakeRun { pods: 40, unready: 2, failing: (3, 500), unanswered: 1, bounded: true, ..FakeRun::default() }
}

/// Numbers that break sums, shifts and casts.
const EXTREMES: [&str; 9] = [
    "18446744073709551615",
    "9223372036854775807",
    "-9223372036854775808",
    "-1",
    "0",
    "1e308",
    "null",
    "4294967295",
    "99999999999999999999999",
];

/// Replaces the n-th number of a text.
fn with_number(text: &str, n: usize, number: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let starts: Vec<usize> =
        (0..bytes.len()).filter(|&at| is_digit(at) && (at == 0 || !is_digit(at - 1))).collect();
    let Some(&start) = starts.get(n % starts.len().max(1)) else { return text.to_owned() };
    let end = (start..=bytes.len()).find(|&at| !is_digit(at)).unwrap_or(bytes.len());
    format!("{}{number}{}", &text[..start], &text[end..])
}

#[test]
fn numbers_made_to_harm_never_make_the_reader_panic() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    small().record(&dir);
    let names = [
        "run.json",
        "events.ndjson",
        "series/numbers.ndjson",
        "series/pod-latency.ready.pairs.ndjson",
        "series/create-pods.response.hlog",
        "tables/pod-latency.pods.ndjson",
    ];
    let originals: Vec<(String, String)> = names
        .iter()
        .map(|name| ((*name).to_owned(), fs::read_to_string(dir.join(name)).expect(name)))
        .collect();
    let strategy =
        (any::<prop::sample::Index>(), any::<u16>(), prop::sample::select(&EXTREMES[..]), any::<u16>());
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&strategy, |(file, at, number, again)| {
        let (name, text) = file.get(&originals);
        let changed = with_number(&with_number(text, at.into(), number), again.into(), number);
        fs::write(dir.join(name), changed).expect("writes");
        forge(&dir);
        let result = summarize(&dir);
        fs::write(dir.join(name), text).expect("writes");
        if let Ok(summary) = result {
            // Whatever it says can be written and compared.
            serde_json::to_string(&summary).expect("can be written");
            let mut other = summary.clone();
            other.run.id.push('x');
            let options = CompareOptions { allow_invalid: true, ..CompareOptions::default() };
            let _ = compare(&[summary], &[other], &options);
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[test]
fn a_record_that_is_being_written_reads_as_partial_at_every_moment() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    let run = FakeRun { pods: 300, ..FakeRun::default() };
    let mut recorder = run.start(&dir);
    let events = run.events();
    let mut before = 0;
    for (index, event) in events.iter().enumerate() {
        recorder.record(event).expect("records");
        if index % 50 == 0 {
            let summary = summarize(&dir).expect("reads");
            assert!(summary.partial, "{index}");
            assert_eq!(summary.conclusion.verdict, Verdict::Invalid);
            let n = summary.jobs.first().map_or(0, |job| job.operations);
            assert!(n >= before && n <= 300, "{n} after {before}");
            before = n;
        }
    }
    recorder.finish(run.end()).expect("finishes");
    assert!(!summarize(&dir).expect("reads").partial);
}

#[test]
fn rubbish_beside_runs_is_neither_a_run_nor_a_crash() {
    let root = tempfile::tempdir().expect("a directory");
    let store = Store::new(root.path());
    let dir = root.path().join("0198c0de-0000-7000-8000-00ab12cd34ef");
    FakeRun::default().record(&dir);
    let write = |name: &str, content: &[u8]| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, content).expect("writes");
    };
    write("broken/run.json", b"{\"schemaVersion\": 1");
    write("newer/run.json", b"{\"schemaVersion\": 99, \"runId\": \"x\"}");
    write("no-run/events.ndjson", b"");
    write(".tags/odd name", b"x");
    write(".tags/bin", &[0xff, 0xfe]);
    write(".calibrations/pod-churn.json", b"[]");
    write("0198c0de-0000-7000-8000-00ab12cd34ef/summary.check.json", &[0; 100]);
    assert_eq!(store.list().expect("lists").len(), 3);
    assert!(store.calibration("pod-churn").is_none());
    assert!(store.tagged("bin").is_err());
    assert!(store.tagged("odd name").expect("no tag").is_none());
    assert!(summarize(&root.path().join("broken")).is_err());
    assert!(summarize(&root.path().join("newer")).is_err());
    assert!(read_summary(&dir).is_ok_and(|summary| !summary.partial));
    assert!(store.select_all("gone").is_err());
}
