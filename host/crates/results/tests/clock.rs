//! What a summary says of the API server's clock.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

#[path = "fake/run.rs"]
mod fake;

use bench_model::{RunEvent, TimeNs};
use bench_results::{FindingKind, Summary, Verdict, summarize};
use fake::{FakeRun, MS, S};

/// A run in which the clock was measured again each minute, this far off; the fake run begins at -3.1 to -1.9 ms.
fn measured_again(offsets: &[i64]) -> Summary {
    let width = i64::try_from(MS).expect("small");
    let event = |(minute, offset): (i64, &i64)| RunEvent::ClockOffset {
        at: TimeNs(minute * 60 * S),
        low: TimeNs(*offset),
        high: TimeNs(offset + width),
    };
    let run = FakeRun { extra: (1..).zip(offsets).map(event).collect(), ..FakeRun::default() };
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    run.record(&dir);
    summarize(&dir).expect("summarises")
}

#[test]
fn a_clock_that_was_set_is_a_finding_but_does_not_invalidate() {
    let summary = measured_again(&[-3_000_000, 2_000_000_000]);
    assert_eq!(summary.conclusion.verdict, Verdict::Pass);
    let found: Vec<_> = summary.findings.iter().map(|finding| (&finding.kind, finding.invalidates)).collect();
    assert_eq!(found, [(&FindingKind::ClockSet, false)]);
    assert_eq!(summary.clock.expect("measured").drift, None, "no line goes through all bounds");
}

#[test]
fn a_clock_that_goes_evenly_has_a_bounded_drift_and_no_finding() {
    // 1 ms a minute: 16,667 ns a second.
    let summary = measured_again(&[-2_000_000, -1_000_000, 0]);
    assert_eq!(summary.findings, []);
    let clock = summary.clock.expect("measured");
    assert_eq!((clock.measured, clock.high_ns - clock.low_ns), (4, 1_000_000), "the narrowest");
    let drift = clock.drift.expect("four measurements");
    assert!(drift.low_ns_per_second <= 16_666 && drift.high_ns_per_second >= 16_667, "{drift:?}");
}
