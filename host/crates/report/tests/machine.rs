//! Formats for machines, made from records that are kept as data: a good one, one whose writer was killed, and one that
//! wants to harm its reader.
//!
//! `BENCH_RECORD_DATA=1 cargo test -p bench-report --test machine` writes the records again.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

#[path = "../../results/tests/fake/run.rs"]
mod fake;

use std::path::{Path, PathBuf};

use bench_model::JobOutcome;
use bench_report::{
    MAX_BINS, MAX_SERIES, ReportFile, ReportView, ViewContext, csv, html, junit, kube_burner, markdown,
    openmetrics, perfdata,
};
use bench_results::summarize_with_history;
use fake::FakeRun;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn small() -> FakeRun {
    FakeRun { pods: 40, failing: (2, 429), unready: 1, bounded: true, ..FakeRun::default() }
}

fn hostile() -> FakeRun {
    let message =
        "</script>]]><img src=x onerror=alert(1)>\u{1b}[2J\u{202e}|`@everyone` [x](y)\r\n=1+1".to_owned();
    FakeRun {
        pods: 8,
        prefix: "=cmd|' /C calc'!A0,\"po\u{1b}[31md\u{9b}2J\u{202e}".to_owned(),
        thresholds: vec!["p50(pod-latency.ready) < 5s\"><script>\u{1b}[1A\nPASS".to_owned()],
        outcome: JobOutcome::Failed { message },
        unready: 2,
        ..FakeRun::default()
    }
}

/// Writes the records; a change of the recorder needs no new ones, old ones must stay readable.
fn record_again(name: &str) {
    let dir = data(name);
    // It may not be there.
    let _ = std::fs::remove_dir_all(&dir);
    match name {
        "good" => small().record(&dir),
        "hostile" => hostile().record(&dir),
        _ => {
            let run = small();
            let mut recorder = run.start(&dir);
            for event in run.events().into_iter().take(110) {
                recorder.record(&event).expect("records");
            }
            recorder.tick(run.due(30)).expect("commits");
        }
    }
}

/// All formats of a record.
fn formats(name: &str) -> Vec<ReportFile> {
    let dir = data(name);
    let (summary, history) = summarize_with_history(&dir, MAX_BINS, MAX_SERIES).expect("reads");
    let context = ViewContext { record: format!("runs/{name}"), run: "0198c0de".to_owned() };
    let view = ReportView::new(&summary, &context);
    let file = |name: &str, content| ReportFile { name: name.to_owned(), content };
    let mut files = vec![
        file("junit.xml", junit(&summary)),
        file("perfdata.json", perfdata(&summary)),
        file("report.md", markdown(&summary, &view)),
        file("metrics.prom", openmetrics(&summary)),
    ];
    files.extend(csv(&history).expect("reads"));
    files.extend(kube_burner(&summary, &history).expect("reads"));
    // Its looks are tested in a browser; here only that it hides nothing and ends nothing early.
    let page = html(&summary, &history, &context).expect("renders");
    check_harmless("report.html", &page);
    assert_eq!(page.matches("</script>").count(), 3);
    files
}

/// Nothing in it does something to a screen.
fn check_harmless(name: &str, content: &str) {
    let does_something = |c: &char| {
        !matches!(c, '\n' | '\r')
            && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    let found: Vec<char> = content.chars().filter(does_something).collect();
    assert_eq!(found, [], "{name}");
}

fn check(name: &str) {
    if std::env::var_os("BENCH_RECORD_DATA").is_some() {
        record_again(name);
    }
    for file in formats(name) {
        check_harmless(&file.name, &file.content);
        if file.name.ends_with(".json") {
            serde_json::from_str::<serde_json::Value>(&file.content).expect("valid JSON");
        }
        insta::assert_snapshot!(format!("{name}-{}", file.name), file.content);
    }
}

#[test]
fn a_good_record() {
    check("good");
}

#[test]
fn a_record_whose_writer_was_killed() {
    check("partial");
}

#[test]
fn a_record_that_wants_to_harm() {
    check("hostile");
}
