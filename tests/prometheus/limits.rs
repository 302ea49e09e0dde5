//! What the client takes and sends: answers up to a size, queries up to a rate.

use std::time::{Duration, SystemTime};

use bench_lab::Door;
use bench_limiter::{Limiter, RunClock};
use bench_model::{Burst, Rate, TimeNs};
use bench_prometheus::{MAX_POINTS, MAX_SERIES, Prometheus, QueryError, Series};

use super::server::{block_on, endpoint, eventually, open, server};

/// A gauge of hundreds of series that are always there.
const MANY: &str = "kubernetes_feature_enabled";

#[track_caller]
fn check_too_large(answer: Result<Vec<Series>, QueryError>, expected: &str) {
    let error = answer.map(|series| series.len()).expect_err("more than is taken");
    assert!(matches!(error, QueryError::TooLarge { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("the answer of Prometheus `main` has more than {expected}"));
    assert_eq!((error.reason(), error.is_retryable()), ("limit-exceeded", false));
}

/// So many steps of the same: evaluated once, so that a large answer costs the server little.
async fn steps(
    client: &Prometheus,
    clock: &RunClock,
    expr: &str,
    n_points: u32,
) -> Result<Vec<Series>, QueryError> {
    let step = Duration::from_millis(1);
    let end = clock.now();
    let start = TimeNs(end.0 - i64::from(n_points - 1) * 1_000_000);
    client.range(expr, start, end, step).await
}

#[test]
fn ten_thousand_series_are_taken_and_one_more_is_refused() {
    block_on(async {
        let (client, clock) = open();
        eventually(&client, &clock, &format!("count({{__name__=~\".+\"}}) > {MAX_SERIES}")).await;
        let first = |n: usize| format!("topk({n}, {{__name__=~\".+\"}})");
        let taken = client.instant(&first(MAX_SERIES), clock.now()).await.expect("as many as are taken");
        assert_eq!(taken.len(), MAX_SERIES);
        check_too_large(client.instant(&first(MAX_SERIES + 1), clock.now()).await, "10000 series");
    });
}

#[test]
fn a_million_points_are_taken_and_more_are_refused() {
    block_on(async {
        let (client, clock) = open();
        eventually(&client, &clock, &format!("count({MANY}) >= 100")).await;
        let expr = format!("topk(100, {MANY} @ end())");
        let taken = steps(&client, &clock, &expr, 10_000).await.expect("as many as are taken");
        assert_eq!(taken.iter().map(|series| series.value.len()).sum::<usize>(), MAX_POINTS);
        check_too_large(steps(&client, &clock, &expr, 10_001).await, "1000000 points");
    });
}

#[test]
fn an_answer_of_more_than_32_mib_is_refused_whatever_it_says() {
    block_on(async {
        let (client, clock) = open();
        eventually(&client, &clock, &format!("count({MANY}) >= 90")).await;
        // 990,000 points of 34 characters each or more: too few points to be refused for their number.
        let expr = format!("topk(90, {MANY} @ end()) * 0 + 1 / 3");
        check_too_large(steps(&client, &clock, &expr, 11_000).await, "33554432 bytes");
        let after = client.instant("vector(1)", clock.now()).await.expect("the client is none the worse");
        assert_eq!(after[0].value, [1.0]);
    });
}

#[test]
fn queries_of_all_clients_leave_at_the_rate_of_the_one_limiter() {
    block_on(async {
        let limiter = Limiter::new(Some(Rate::parse("1/s").expect("a rate")), Burst::MIN);
        let clock = RunClock::start_at(SystemTime::now());
        let client =
            || Prometheus::new(endpoint(server(Door::Open)), clock, limiter.clone()).expect("an endpoint");
        let (first, second) = (client(), client());
        assert!(limiter.try_acquire(), "the bucket is full");
        let began = clock.now();
        let (a, b, c) = tokio::join!(
            first.instant("vector(1)", began),
            second.instant("vector(2)", began),
            first.range("vector(3)", began, began, Duration::from_secs(1)),
        );
        let values = [a, b, c].map(|answer| answer.expect("an answer")[0].value.clone());
        assert_eq!(values, [[1.0], [2.0], [3.0]]);
        let (n_held, waited) = limiter.waited_total();
        assert_eq!(n_held, 3, "each stood in the line");
        // One second, two and three since the bucket was emptied. That was less than a second before they asked, or the
        // first would not have been held.
        assert!(waited > Duration::from_secs(3), "{waited:?}");
        assert!(clock.now().since(began) > 2_000_000_000, "{:?} {began:?}", clock.now());
    });
}
