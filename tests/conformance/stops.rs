//! Guests that are told to stop.

use std::time::Duration;

use bench_model::FaultKind;
use bench_plugin_host::CallError;

use crate::harness::{bench, check_fault};

#[tokio::test]
pub async fn sleeps_forever() {
    let bench = bench("sleeps_forever").await;
    let (result, ()) = tokio::join!(bench.run(), async { bench.stop.cancel() });
    assert_eq!(result, Err(CallError::Gave("cancelled".to_owned())));
}

#[tokio::test]
pub async fn sleeps_forever_in_wasi() {
    let bench = bench("sleeps_forever_in_wasi").await;
    let (result, ()) = tokio::join!(bench.run(), async { bench.stop.cancel() });
    check_fault(result, FaultKind::OutOfTime, "`run` did not return within 100 ms after the run was stopped");
}

#[tokio::test]
pub async fn ignores_the_stop() {
    let mut bench = bench("ignores_the_stop").await;
    // Its processor time is what ends it here, however slow the machine.
    bench.context.limits.stop_grace = Duration::from_secs(600);
    bench.stop.cancel();
    let result = bench.run().await;
    check_fault(result, FaultKind::OutOfTime, "`run` computed for more than 100 ms");
}
