//! `bench-prometheus` against a real Prometheus that scrapes a real control plane.
//!
//! What a scripted server cannot tell: what the real one answers. Needs Debian's `prometheus`, which `cargo xtask test`
//! fetches where it can. Without it these tests fail, unless `BENCH_PROMETHEUS=off` says that there is none.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use bench_lab::{Door, PASSWORD, USER};
use bench_limiter::{Limiter, RunClock};
use bench_model::TimeNs;
use bench_prometheus::{Auth, Endpoint, Prometheus, QueryError, Series};

/// A Prometheus with the given door, shared by all tests.
fn server(door: Door) -> &'static bench_lab::Prometheus {
    static OPEN: OnceLock<bench_lab::Prometheus> = OnceLock::new();
    static PASSWORD: OnceLock<bench_lab::Prometheus> = OnceLock::new();
    static CERTIFICATE: OnceLock<bench_lab::Prometheus> = OnceLock::new();
    let cell = match door {
        Door::Open => &OPEN,
        Door::Password => &PASSWORD,
        Door::Certificate => &CERTIFICATE,
    };
    cell.get_or_init(|| {
        let lab = bench_lab::shared().expect("a control plane");
        lab.prometheus(door).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// A client and the clock it was made with.
fn client(door: Door, auth: Auth, ca: bool) -> (Prometheus, RunClock) {
    let server = server(door);
    let clock = RunClock::start_at(SystemTime::now());
    let endpoint = Endpoint {
        name: "main".to_owned(),
        url: server.url(),
        auth,
        ca_file: ca.then(|| server.ca_file()),
        timeout: Duration::from_secs(20),
    };
    (Prometheus::new(endpoint, clock, Limiter::unlimited()).expect("an endpoint"), clock)
}

fn open() -> (Prometheus, RunClock) {
    client(Door::Open, Auth::None, false)
}

fn block_on(test: impl Future<Output = ()>) {
    if std::env::var_os("BENCH_PROMETHEUS").is_some_and(|wish| wish == "off") {
        return;
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

/// Asks until there is an answer with series in it.
async fn eventually(client: &Prometheus, clock: &RunClock, expr: &str) -> Vec<Series> {
    for _ in 0..600 {
        let series = client.instant(expr, clock.now()).await.expect("an answer");
        if !series.is_empty() {
            return series;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no series for a minute: {expr}");
}

#[test]
fn every_part_of_the_control_plane_is_scraped() {
    block_on(async {
        let (client, clock) = open();
        let up = eventually(&client, &clock, "count(up == 1) == 4").await;
        assert_eq!(up[0].value, [4.0]);
    });
}

/// The queries of the service level objectives, as Kubernetes' own scalability tests ask them.
#[test]
fn service_level_objectives_have_numbers() {
    block_on(async {
        let (client, clock) = open();
        let queries = [
            "histogram_quantile(0.99, sum by (le, resource, verb, scope) \
             (apiserver_request_sli_duration_seconds_bucket{verb!=\"WATCH\"}))",
            "sum by (resource) (apiserver_request_total)",
            "sum(apiserver_flowcontrol_current_inqueue_requests)",
            "process_resident_memory_bytes{job=\"etcd\"}",
            "scheduler_pending_pods",
            "workqueue_depth{job=\"kube-controller-manager\"}",
        ];
        for expr in queries {
            let series = eventually(&client, &clock, expr).await;
            assert!(series.iter().all(|series| series.value.len() == 1), "{expr}: {series:?}");
        }
    });
}

#[test]
fn a_range_has_a_point_for_each_step_of_which_there_is_data() {
    block_on(async {
        let (client, clock) = open();
        eventually(&client, &clock, "count_over_time(up{job=\"etcd\"}[1m]) >= 4").await;
        let end = clock.now();
        let start = TimeNs(end.0 - 3_000_000_000);
        let step = Duration::from_secs(1);
        let series = client.range("up{job=\"etcd\"}", start, end, step).await.expect("an answer");
        assert_eq!(series.len(), 1);
        assert!((2..=4).contains(&series[0].value.len()), "{series:?}");
        assert!(series[0].at.is_sorted(), "{series:?}");
        // Prometheus counts in milliseconds.
        let asked = TimeNs(start.0 - 1_000_000)..=end;
        assert!(series[0].at.iter().all(|at| asked.contains(at)), "{series:?}");
    });
}

#[test]
fn nan_infinity_and_nothing_come_as_they_are() {
    block_on(async {
        let (client, clock) = open();
        let value = async |expr: &str| client.instant(expr, clock.now()).await.expect("an answer");
        assert!(value("vector(0) / 0").await[0].value[0].is_nan());
        assert_eq!(value("vector(1) / 0").await[0].value, [f64::INFINITY]);
        assert_eq!(value("-vector(1) / 0").await[0].value, [f64::NEG_INFINITY]);
        assert_eq!(value("absent_metric_of_nobody").await, []);
        assert_eq!(value("up{job=\"nobody\"}").await, []);
    });
}

#[test]
fn a_query_that_is_no_promql_is_told_in_prometheus_own_words() {
    block_on(async {
        let (client, clock) = open();
        let error = client.instant("sum(", clock.now()).await.expect_err("no PromQL");
        assert!(error.to_string().contains("parse error"), "{error}");
    });
}

fn file(server: &bench_lab::Prometheus, name: &str, text: &str) -> PathBuf {
    let path = server.folder().join(name);
    std::fs::write(&path, text).expect("written");
    path
}

#[test]
fn a_password_lets_in_and_a_wrong_one_does_not() {
    block_on(async {
        let server = server(Door::Password);
        let with = |name: &str, password: &str| Auth::Basic {
            username: USER.to_owned(),
            password_file: file(server, name, password),
        };
        let (right, clock) = client(Door::Password, with("right", PASSWORD), true);
        assert_eq!(right.instant("vector(1)", clock.now()).await.expect("let in").len(), 1);
        for auth in [with("wrong", "guess"), Auth::None] {
            let (wrong, clock) = client(Door::Password, auth, true);
            let error = wrong.instant("vector(1)", clock.now()).await.expect_err("not let in");
            assert_eq!(error.http_status(), 401, "{error}");
        }
    });
}

#[test]
fn a_certificate_lets_in_and_none_does_not() {
    block_on(async {
        let (certificate_file, key_file) = server(Door::Certificate).client_certificate();
        let auth = Auth::ClientCertificate { certificate_file, key_file };
        let (right, clock) = client(Door::Certificate, auth, true);
        assert_eq!(right.instant("vector(1)", clock.now()).await.expect("let in").len(), 1);
        let (none, clock) = client(Door::Certificate, Auth::None, true);
        let error = none.instant("vector(1)", clock.now()).await.expect_err("not let in");
        assert!(matches!(error, QueryError::Unreachable { .. }), "{error:?}");
    });
}

#[test]
fn a_server_whose_authority_is_not_known_is_not_trusted() {
    block_on(async {
        let (client, clock) = client(Door::Password, Auth::None, false);
        let error = client.instant("vector(1)", clock.now()).await.expect_err("not trusted");
        assert!(matches!(error, QueryError::Unreachable { .. }), "{error:?}");
    });
}
