//! A Prometheus that does not answer, and one whose target does not.

use std::time::{Duration, SystemTime};

use bench_lab::{Component, ControlPlane, Door};
use bench_limiter::{Limiter, RunClock};
use bench_model::TimeNs;
use bench_prometheus::{Endpoint, Prometheus, QueryError, Series};

use super::server::{block_on, endpoint, eventually, open, until};

fn lab() -> &'static ControlPlane {
    bench_lab::shared().expect("a control plane")
}

#[test]
fn a_server_that_does_not_answer_in_time_is_a_timeout_until_it_answers_again() {
    block_on(async {
        // Its own, because the other tests want answers.
        let server = lab().prometheus(Door::Open).unwrap_or_else(|error| panic!("{error}"));
        let clock = RunClock::start_at(SystemTime::now());
        let client = |timeout| {
            let endpoint = Endpoint { timeout, ..endpoint(&server) };
            Prometheus::new(endpoint, clock, Limiter::unlimited()).expect("an endpoint")
        };
        let after = Duration::from_millis(500);
        // One has a connection when the server stops, the other has to make one.
        let (connected, fresh) = (client(after), client(after));
        until("an answer", async || connected.instant("vector(1)", clock.now()).await.ok()).await;
        server.pause().expect("paused");
        for client in [&connected, &fresh] {
            let start = clock.now();
            let instant = client.instant("vector(1)", start).await;
            let range = client.range("vector(1)", start, start, Duration::from_secs(1)).await;
            assert!(clock.now().since(start) >= 1_000_000_000, "both waited as long as they may");
            for answer in [instant, range] {
                check_timeout(&answer.expect_err("nobody answers"), after);
            }
        }
        server.resume().expect("resumed");
        for client in [&connected, &fresh] {
            let series =
                until("an answer", async || client.instant("vector(1)", clock.now()).await.ok()).await;
            assert_eq!(series[0].value, [1.0]);
        }
    });
}

#[track_caller]
fn check_timeout(error: &QueryError, expected: Duration) {
    assert!(matches!(error, QueryError::Timeout { after, .. } if *after == expected), "{error:?}");
    assert_eq!(error.to_string(), "Prometheus `main` did not answer within 0.5 s");
    assert_eq!((error.reason(), error.http_status(), error.is_retryable()), ("timeout", 0, true));
}

/// Goes on when this is dropped, also by a panic: other tests need it.
struct Paused(Component);

impl Paused {
    fn new(component: Component) -> Self {
        lab().pause(component).expect("paused");
        Self(component)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        // A second panic would abort all tests; without the scheduler the others fail by themselves.
        let _ = lab().resume(self.0);
    }
}

const PENDING: &str = "scheduler_pending_pods";
const UP: &str = "up{job=\"kube-scheduler\"}";

/// Prometheus marks the end of a series when a scrape fails; without the mark it would give the last value for five
/// minutes.
#[test]
fn series_of_a_target_that_goes_away_end_at_once_and_leave_a_gap() {
    block_on(async {
        let (client, clock) = open();
        eventually(&client, &clock, PENDING).await;

        let paused = Paused::new(Component::Scheduler);
        until("the series to end", async || {
            let pending = client.instant(PENDING, clock.now()).await.expect("an answer");
            pending.is_empty().then_some(())
        })
        .await;
        eventually(&client, &clock, &format!("{UP} == 0")).await;
        let gap = until("three failed scrapes", async || failed_scrapes(&client, &clock, 3).await).await;
        // These are young enough to be given in the gap, had nothing marked their end.
        let last = raw(&client, &clock, PENDING).await;
        let last = *last.iter().flat_map(|series| series.at.last()).max().expect("values of before");
        assert!(last < gap.0, "{last:?} {gap:?}");
        assert_eq!(points(&client, PENDING, gap.0, gap.1).await, []);
        assert!(!points(&client, "up{job=\"etcd\"}", gap.0, gap.1).await.is_empty(), "other targets go on");
        drop(paused);

        until("the series to come back", async || {
            let at = points(&client, PENDING, last, clock.now()).await;
            assert_eq!(at.first(), Some(&last));
            assert!(at.iter().all(|at| *at < gap.0 || *at > gap.1), "points in {gap:?}: {at:?}");
            at.last().is_some_and(|at| *at > gap.1).then_some(())
        })
        .await;
        eventually(&client, &clock, PENDING).await;
    });
}

/// What was scraped in the last five minutes, at the times at which it was.
async fn raw(client: &Prometheus, clock: &RunClock, selector: &str) -> Vec<Series> {
    client.instant(&format!("{selector}[5m]"), clock.now()).await.expect("an answer")
}

/// When the first and the last of the scrapes began that failed up to now, if there are at least so many.
///
/// Not until now: a scrape has the time of its begin, so one that is under way may still put values there.
async fn failed_scrapes(client: &Prometheus, clock: &RunClock, at_least: usize) -> Option<(TimeNs, TimeNs)> {
    let up = raw(client, clock, UP).await.pop()?;
    let failed = up.value.iter().rev().take_while(|value| **value == 0.0).count();
    let first = up.at.get(up.at.len() - failed)?;
    (failed >= at_least).then_some((*first, *up.at.last()?))
}

/// Times for which a range has a point of any series.
async fn points(client: &Prometheus, expr: &str, start: TimeNs, end: TimeNs) -> Vec<TimeNs> {
    let step = Duration::from_millis(100);
    let series = client.range(expr, start, end, step).await.expect("an answer");
    let mut at: Vec<TimeNs> = series.into_iter().flat_map(|series| series.at).collect();
    at.sort_unstable();
    at.dedup();
    at
}
