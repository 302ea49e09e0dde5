//! What an interrupt ends, what it keeps, what it removes.

use std::time::Duration;

use bench_model::{QueueName, StopReason, TimeNs};
use bench_results::Outcome;

use crate::{
    harness::{Ran, Setup, job, run},
    server::{creates_take, silent},
};

fn seconds(n: i64) -> TimeNs {
    TimeNs(n * 1_000_000_000)
}

/// 50 creates a second that take `answer`; interrupted as said.
async fn interrupted(answer: Duration, first: u64, second: Option<u64>) -> Ran {
    let delay = creates_take(move |_| answer);
    let interrupts = (Some(Duration::from_secs(first)), second.map(Duration::from_secs));
    let job = job("create", "{ rate: 50/s, inFlight: 500 }", 10_000);
    run(Setup { delay, interrupts, ..Setup::pods(&job, "") }).await
}

#[tokio::test(start_paused = true)]
async fn the_first_interrupt_stops_the_load_keeps_the_record_and_removes_the_objects() {
    let ran = interrupted(Duration::from_millis(100), 5, None).await;
    assert_eq!(bench_results::exit_code(&ran.summary), 130);
    assert_eq!(ran.summary.jobs[0].outcome, Outcome::Stopped);
    let operations = ran.operations(&QueueName::main());
    assert!((245..=252).contains(&operations.len()), "{} operations", operations.len());
    assert!(operations.iter().all(|operation| operation.is_success()), "those in flight were waited for");
    assert_eq!(ran.left(), 0);
    assert!(ran.ended < seconds(20), "{:?}", ran.ended);
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_have_ten_seconds_to_end() {
    let ran = interrupted(Duration::from_secs(30), 5, None).await;
    assert_eq!(bench_results::exit_code(&ran.summary), 130);
    let operations = ran.operations(&QueueName::main());
    assert!(!operations.is_empty() && operations.iter().all(|operation| operation.done.is_never()));
    assert!(ran.ended >= seconds(15) && ran.ended < seconds(60), "{:?}", ran.ended);
    assert_eq!(ran.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_second_interrupt_leaves_at_once_with_a_whole_record() {
    let ran = interrupted(Duration::from_secs(30), 5, Some(6)).await;
    assert_eq!(bench_results::exit_code(&ran.summary), 130);
    assert_eq!(ran.outcome.cleanup, None, "cleaning up was given up");
    assert!(ran.ended >= seconds(6) && ran.ended < seconds(7), "{:?}", ran.ended);
    let operations = ran.operations(&QueueName::main());
    assert!(operations.len() > 200, "what was in flight is told as never answered");
    assert!(operations.iter().all(|operation| operation.done.is_never()));
}

/// A pod a second for ten minutes, with a server that is silent from the fifth second on.
async fn silent_until(second: u64) -> Ran {
    let delay = silent(Duration::from_secs(5), Duration::from_secs(second));
    let job = job("create", "{ rate: 1/s, inFlight: 500 }", 600);
    run(Setup { delay, ..Setup::pods(&job, "") }).await
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_cluster_answers_nothing_any_more_ends_and_says_so() {
    let ran = silent_until(100_000).await;
    assert_eq!(ran.outcome.stopped, Some(StopReason::ClusterLost));
    let conclusion = &ran.summary.conclusion;
    assert_eq!((conclusion.exit_code, ran.summary.partial), (13, false));
    assert!(conclusion.reason.contains("the cluster could not be reached any more"), "{}", conclusion.reason);
    assert!(ran.ended < seconds(300), "{:?}", ran.ended);
    let cleanup = ran.summary.cleanup.expect("was tried");
    assert!(!cleanup.remaining.is_empty(), "what may be left is named");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_comes_back_within_a_minute_is_not_lost() {
    let ran = silent_until(55).await;
    assert_eq!((ran.outcome.stopped, ran.left()), (None, 0));
    assert_eq!(ran.summary.jobs[0].operations, 600);
}
