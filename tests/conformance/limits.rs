//! Guests that want more than their share.

use bench_model::{FaultKind, RunEvent};
use bench_plugin_host::CallError;

use crate::harness::{batch, bench, check_fault, fault};

#[tokio::test]
pub async fn loops_in_setup() {
    let bench = bench("loops_in_setup").await;
    let result = bench.workload().await.setup("{}").await;
    check_fault(result, FaultKind::OutOfTime, "`setup` computed for more than 100 ms");
}

#[tokio::test]
pub async fn loops_in_on_events() {
    let bench = bench("loops_in_on_events").await;
    let result = bench.measurement().await.on_events(batch(1)).await;
    check_fault(result, FaultKind::OutOfTime, "`on-events` computed for more than 100 ms");
}

#[tokio::test]
pub async fn loops_in_run() {
    let result = bench("loops_in_run").await.run().await;
    check_fault(result, FaultKind::OutOfTime, "`run` computed for more than 100 ms");
}

#[tokio::test]
pub async fn hoards_memory() {
    let fault = fault(bench("hoards_memory").await.run().await);
    assert_eq!(fault.kind, FaultKind::OutOfMemory);
    let message = &fault.message;
    assert!(
        message.starts_with("`run` wanted ") && message.ends_with(" of memory, its limit is 16.0 MiB"),
        "{message}"
    );
}

#[tokio::test]
pub async fn opens_too_many_series() {
    let result = bench("opens_too_many_series").await.run().await;
    assert_eq!(result, Err(CallError::Gave("limit-exceeded at 1000".to_owned())));
}

#[tokio::test]
pub async fn keeps_all_handles() {
    let fault = fault(bench("keeps_all_handles").await.run().await);
    assert_eq!(fault.kind, FaultKind::BrokeContract);
    assert!(fault.message.contains("handles"), "{}", fault.message);
}

#[tokio::test]
pub async fn fills_a_table() {
    let mut bench = bench("fills_a_table").await;
    let result = bench.run().await;
    assert_eq!(result, Err(CallError::Gave("limit-exceeded after 50000 rows".to_owned())));
    let appended = bench.sent().iter().filter(|event| matches!(event, RunEvent::Rows { .. })).count();
    assert_eq!(appended, 50);
}

#[tokio::test]
pub async fn floods_logs() {
    let mut bench = bench("floods_logs").await;
    bench.run().await.expect("nothing happens to it");
    let events = bench.sent();
    let kept = events.iter().filter(|event| matches!(event, RunEvent::Log { .. })).count() as u64;
    let dropped: u64 =
        events.iter().map(|event| if let RunEvent::LogsDropped { n, .. } = event { *n } else { 0 }).sum();
    assert_eq!(kept + dropped, 10_000, "nothing is dropped in silence");
    assert!((1..100).contains(&kept), "kept {kept}");
}

#[tokio::test]
pub async fn prints() {
    let mut bench = bench("prints").await;
    bench.run().await.expect("nothing happens to it");
    let events = bench.sent();
    let messages: Vec<&str> = events
        .iter()
        .filter_map(
            |event| if let RunEvent::Log { message, .. } = event { Some(message.as_str()) } else { None },
        )
        .collect();
    assert!(messages.contains(&"to the output") && messages.contains(&"to the errors"), "{messages:?}");
    assert!(messages.iter().all(|message| message.len() < 10_000));
    assert!(events.iter().any(|event| matches!(event, RunEvent::LogsDropped { .. })));
}

/// Sends more than 16 MiB in one call, having the memory for it.
async fn check_too_much_at_once(guest: &str) {
    let mut bench = bench(guest).await;
    bench.context.limits.memory_bytes = 256 << 20;
    let fault = fault(bench.run().await);
    assert_eq!(fault.kind, FaultKind::BrokeContract, "{fault}");
    assert!(fault.message.contains("too much data"), "{fault}");
}

#[tokio::test]
pub async fn sends_a_huge_string() {
    check_too_much_at_once("sends_a_huge_string").await;
}

#[tokio::test]
pub async fn sends_a_huge_column() {
    check_too_much_at_once("sends_a_huge_column").await;
}
