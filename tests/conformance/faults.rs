//! Guests that break in the middle of their work.

use bench_model::{FaultKind, RunEvent};

use crate::harness::{bench, check_fault, fault};

#[tokio::test]
pub async fn traps_in_run() {
    let mut bench = bench("traps_in_run").await;
    let mut workload = bench.workload().await;
    let first = fault(workload.run().await);
    assert_eq!(first.kind, FaultKind::Trapped);
    let [start, words] = ["`run` wasm `unreachable` instruction executed", "my own words"];
    assert!(first.message.starts_with(start) && first.message.contains(words), "{}", first.message);
    let kept = bench.sent().iter().any(|event| matches!(event, RunEvent::Counted { n: 7, .. }));
    assert!(kept, "what was recorded before the trap stays");
    assert_eq!(fault(workload.run().await), first, "a dead instance stays dead");
    assert_eq!(fault(workload.cleanup().await), first);
}

#[tokio::test]
pub async fn recurses_too_deeply() {
    let result = bench("recurses_too_deeply").await.run().await;
    let fault = fault(result);
    assert_eq!(fault.kind, FaultKind::Trapped, "{}", fault.message);
}

#[tokio::test]
pub async fn exits() {
    let result = bench("exits").await.run().await;
    check_fault(result, FaultKind::Trapped, "`run` called exit with 1");
}

#[tokio::test]
pub async fn opens_an_undeclared_metric() {
    let result = bench("opens_an_undeclared_metric").await.run().await;
    let message = "`run` opened metric `surprise`, which its manifest does not declare";
    check_fault(result, FaultKind::BrokeContract, message);
}

#[tokio::test]
pub async fn sends_columns_of_different_lengths() {
    let result = bench("sends_columns_of_different_lengths").await.run().await;
    let message =
        "`run` `histogram.observe-between` got 3 lower and 1 upper bounds; both lists have the same length";
    check_fault(result, FaultKind::BrokeContract, message);
}

#[tokio::test]
pub async fn returns_a_report_that_is_no_json() {
    let bench = bench("returns_a_report_that_is_no_json").await;
    let result = bench.measurement().await.finish().await;
    let message = "`finish` returned a report that is not JSON: expected value at line 1 column 1";
    check_fault(result, FaultKind::BrokeContract, message);
}

#[tokio::test]
pub async fn asks_for_too_much_randomness() {
    let result = bench("asks_for_too_much_randomness").await.run().await;
    let message = "`run` `run.random-u64` gives at most 65536 numbers a call, asked for 4294967295";
    check_fault(result, FaultKind::BrokeContract, message);
}

#[tokio::test]
pub async fn looks_around() {
    bench("looks_around").await.run().await.expect("found nothing");
}
