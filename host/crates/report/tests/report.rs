//! What people see of runs, good and bad, and of runs that want to harm the reader.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

#[path = "../../results/tests/fake/run.rs"]
mod fake;

use bench_model::{Gap, JobOutcome, RunEvent, TimeNs};
use bench_report::{ReportView, TextOptions, ViewContext, json, render};
use bench_results::{Summary, summarize};
use fake::{FakeRun, MS};

fn summary(run: &FakeRun) -> Summary {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    run.record(&dir);
    summarize(&dir).expect("summarises")
}

fn report(run: &FakeRun, options: TextOptions) -> String {
    let context = ViewContext { record: "runs/0198c0de-0000".to_owned(), run: "0198c0de".to_owned() };
    render(&ReportView::new(&summary(run), &context), options)
}

fn check(name: &str, run: &FakeRun) {
    insta::assert_snapshot!(name, report(run, TextOptions::default()));
}

#[test]
fn a_good_run() {
    check("good", &FakeRun::default());
}

#[test]
fn a_demo_of_a_hundred_pods_has_too_few_for_its_p99() {
    check("too-few", &FakeRun { pods: 100, ..FakeRun::default() });
}

#[test]
fn a_run_with_errors_and_pods_that_never_came() {
    check(
        "bad",
        &FakeRun { failing: (20, 500), unanswered: 2, unready: 12, bounded: true, ..FakeRun::default() },
    );
}

#[test]
fn an_invalid_run() {
    let gap = RunEvent::Gap(Gap {
        measurement: "pod-latency".to_owned(),
        target: fake::pods(),
        at: TimeNs(0),
        reason: "queue overflow".to_owned(),
        rows: None,
        relisted: false,
    });
    check("invalid", &FakeRun { unsent: 25, lag_ns: 3 * MS, extra: vec![gap], ..FakeRun::default() });
}

fn hostile() -> FakeRun {
    let message = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}<script>alert(1)</script>\r\nPASS".to_owned();
    FakeRun {
        prefix: "po\u{1b}[31md\u{9b}2J\u{202e}".to_owned(),
        thresholds: vec!["p50(pod-latency.ready) < 5s\u{1b}[1A\nPASS".to_owned()],
        outcome: JobOutcome::Failed { message },
        unready: 3,
        ..FakeRun::default()
    }
}

#[test]
fn a_hostile_run_shows_as_text() {
    check("hostile", &hostile());
    for color in [false, true] {
        let text = report(&hostile(), TextOptions { width: 80, color });
        // Only our own colours remain.
        let allowed = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"];
        let rest = allowed.iter().fold(text.clone(), |text, code| text.replace(code, ""));
        assert!(!rest.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{rest:?}");
        assert_eq!(color, text.contains('\u{1b}'));
    }
    let machine = json(&summary(&hostile())).expect("serialises");
    assert!(!machine.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')));
    let read: Summary = serde_json::from_str(&machine).expect("parses");
    assert_eq!(read, summary(&hostile()));
}

#[test]
fn a_narrow_screen_cuts_texts_and_never_numbers() {
    let run = FakeRun { failing: (20, 500), unready: 12, ..FakeRun::default() };
    insta::assert_snapshot!("narrow", report(&run, TextOptions { width: 60, color: false }));
}
