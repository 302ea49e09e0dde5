//! Latency that is put into the server comes out of the record.

use std::time::Duration;

use bench_model::{HOST_SOURCE, WATCH_LAG};
use bench_results::{Distribution, FindingKind, MetricSummary};

use crate::{
    harness::{Ran, Setup, job, run},
    server::{creates_take, stalled},
};

const MS: u64 = 1_000_000;

/// Deterministic numbers in 0..1.
fn uniform(n: usize) -> Vec<f64> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    (0..n).map(|_| next()).collect()
}

/// Log-normal milliseconds: median 20, sigma 0.6.
fn log_normal(n: usize) -> Vec<u64> {
    let normal = |pair: &[f64]| (-2.0 * pair[0].ln()).sqrt() * (std::f64::consts::TAU * pair[1]).cos();
    uniform(2 * n).chunks(2).map(|pair| (20.0 * (0.6 * normal(pair)).exp()).round().max(1.0) as u64).collect()
}

/// The quantile as the record defines it: the value of rank `ceil(q × n)`.
fn quantile(sorted: &[u64], q: f64) -> u64 {
    sorted[(q * sorted.len() as f64).ceil() as usize - 1] * MS
}

fn check_distribution(what: &str, found: &Distribution, truth: impl Fn(f64) -> u64) {
    for q in [0.5, 0.9, 0.95, 0.99] {
        let found = found.quantile(q).expect("a quantile");
        let truth = truth(q);
        for value in [found.low, found.high] {
            let value = value.expect("a number");
            assert!(value.abs_diff(truth) <= truth / 1000 + 1, "{what} p{q}: {value}, put in {truth}");
        }
    }
}

/// Every operation leaves in time and takes `milliseconds` of the server, one for each.
async fn check(milliseconds: Vec<u64>) {
    let mut sorted = milliseconds.clone();
    sorted.sort_unstable();
    let n = milliseconds.len();
    let delay = creates_take(move |at| Duration::from_millis(milliseconds[at]));
    let job = job("create", "{ rate: 200/s, burst: 1, inFlight: 1000 }", n as u32);
    let ran = run(Setup { delay, ..Setup::pods(&job, "") }).await;
    let job = &ran.summary.jobs[0];
    assert_eq!((job.operations, job.failed), (n as u64, 0));
    check_distribution("service", &job.service, |q| quantile(&sorted, q));
    check_distribution("response", &job.response, |q| quantile(&sorted, q));
    check_distribution("lag", &job.lag, |_| 0);
    assert_eq!(ran.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_constant_latency_is_every_quantile() {
    check(vec![20; 500]).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_normal_latency_has_its_quantiles() {
    check(log_normal(1500)).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_tenth_shows_above_p90_only() {
    check((0..1000).map(|at| if at % 10 == 3 { 250 } else { 4 }).collect()).await;
}

#[tokio::test(start_paused = true)]
async fn as_many_are_on_their_way_as_the_scenario_says_also_if_a_connection_carries_fewer() {
    let delay = creates_take(|_| Duration::from_secs(1));
    let job = job("create", "{ rate: 1/s, burst: 450, inFlight: 450 }", 450);
    let ran = run(Setup { delay, ..Setup::pods(&job, "") }).await;
    let job = &ran.summary.jobs[0];
    assert_eq!((job.operations, job.failed), (450, 0));
    // On one connection the last fifty would have waited four seconds for those before them.
    check_distribution("service", &job.service, |_| 1_000 * MS);
    check_distribution("lag", &job.lag, |_| 0);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_server_shows_in_the_response_of_what_was_due_meanwhile() {
    let delay = stalled(Duration::from_secs(1), Duration::from_secs(3));
    let job = job("create", "{ rate: 100/s, burst: 1, inFlight: 10 }", 600);
    let ran = run(Setup { delay, ..Setup::pods(&job, "") }).await;
    let job = &ran.summary.jobs[0];
    let of = |distribution: &Distribution, q| {
        distribution.quantile(q).and_then(|found| found.low).expect("a number")
    };
    // Ten requests hung; all others were answered at once, but a third of the load left late.
    assert!(of(&job.service, 0.95) <= 3 * MS, "p95 service {}", of(&job.service, 0.95));
    assert!(of(&job.response, 0.99) > 1_800 * MS, "p99 response {}", of(&job.response, 0.99));
    assert!(of(&job.response, 0.9) > 1_000 * MS, "p90 response {}", of(&job.response, 0.9));
    assert!(
        ran.summary
            .findings
            .iter()
            .any(|finding| finding.kind == FindingKind::LateLoad && finding.invalidates)
    );
}

/// The lower bound of the median of a metric, and the upper one of the largest value.
fn bounds(ran: &Ran, source: &str, metric: &str) -> (u64, u64) {
    let is_it = |found: &&MetricSummary| found.source == source && found.name == metric;
    let found = ran.summary.metrics.iter().find(is_it).expect(metric).distribution.as_ref().expect("values");
    let low = found.quantile(0.5).and_then(|median| median.low).expect("a median");
    (low, found.max.expect("all came"))
}

#[tokio::test(start_paused = true)]
async fn events_that_come_late_are_seen_by_the_probe_also_where_controllers_make_the_pods() {
    let more = "  pod-latency: { from: builtin:pod-latency }\nmeasurements: [ { plugin: pod-latency } ]";
    let late = Duration::from_millis(40);
    for template in ["pod.yaml", "deployment.yaml"] {
        let job = job("create", "{ rate: 10/s, burst: 1 }", 50).replace("pod.yaml", template);
        let ran = run(Setup { watch_lag: late, ..Setup::pods(&job, more) }).await;
        let (low, high) = bounds(&ran, HOST_SOURCE, WATCH_LAG);
        assert!((39 * MS..=41 * MS).contains(&low) && (40 * MS..=42 * MS).contains(&high), "{low} to {high}");
        assert_eq!(ran.left(), 0);
        if template == "pod.yaml" {
            let (low, high) = bounds(&ran, "pod-latency", WATCH_LAG);
            assert!(
                (39 * MS..=41 * MS).contains(&low) && (40 * MS..=42 * MS).contains(&high),
                "{low} to {high}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_does_not_come_until_the_end_has_no_upper_bound() {
    let more = "  pod-latency: { from: builtin:pod-latency }\nmeasurements: [ { plugin: pod-latency } ]";
    let job = job("create", "{ rate: 10/s, burst: 1 }", 50);
    let ran = run(Setup { watch_lag: Duration::from_secs(60), ..Setup::pods(&job, more) }).await;
    let is_probe = |found: &&MetricSummary| found.source == HOST_SOURCE && found.name == WATCH_LAG;
    let found = ran.summary.metrics.iter().find(is_probe).and_then(|metric| metric.distribution.clone());
    let found = found.expect("values");
    assert_eq!((found.n, found.max), (1, None));
    assert!(found.min.is_some_and(|low| low >= 1_000 * MS), "{:?}", found.min);
}
