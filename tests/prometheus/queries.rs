//! What queries of a healthy control plane give.

use std::path::PathBuf;
use std::time::Duration;

use bench_lab::{ControlPlane, Door};
use bench_model::TimeNs;
use bench_prometheus::Series;

use super::objectives::REQUEST_LATENCIES;
use super::server::{block_on, eventually, open, server, until};

#[test]
fn every_part_of_the_control_plane_is_scraped() {
    block_on(async {
        let (client, clock) = open();
        let up = eventually(&client, &clock, "count(up == 1) == 4").await;
        assert_eq!(up[0].value, [4.0]);
    });
}

/// The objectives word for word, and what is looked at when one is missed.
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
        let requests = Requests::new();
        for expr in REQUEST_LATENCIES {
            until(&format!("a latency of each verb of {expr}"), async || {
                let series = client.instant(expr, clock.now()).await.expect("an answer");
                if named(expr).into_iter().all(|verb| has_latency(&series, verb)) {
                    return Some(());
                }
                // A rate needs more of them between two scrapes.
                requests.send();
                None
            })
            .await;
        }
    });
}

/// Verbs of changes, of reading one object, and of lists, as the API server calls them.
const VERBS: [&str; 6] = ["POST", "PUT", "PATCH", "DELETE", "GET", "LIST"];

/// Those of them that a query asks for.
fn named(expr: &str) -> Vec<&'static str> {
    VERBS.into_iter().filter(|verb| expr.contains(verb)).collect()
}

fn has_latency(series: &[Series], verb: &str) -> bool {
    let labeled = |series: &Series, name: &str, value: &str| {
        series.labels.iter().any(|label| label.name == name && label.value == value)
    };
    series.iter().any(|series| {
        let asked = labeled(series, "verb", verb) && labeled(series, "resource", "configmaps");
        asked && series.value.iter().all(|value| value.is_finite() && *value > 0.0)
    })
}

/// Requests of each of [`VERBS`], lists of both scopes, about a ConfigMap in a namespace of its own.
struct Requests {
    lab: &'static ControlPlane,
    manifest: PathBuf,
}

impl Requests {
    fn new() -> Self {
        let manifest = server(Door::Open).folder().join("config-map.json");
        let text =
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"it","namespace":"objectives"}}"#;
        std::fs::write(&manifest, text).expect("written");
        let requests = Self { lab: bench_lab::shared().expect("a control plane"), manifest };
        requests.kubectl(&["create", "namespace", "objectives"]);
        requests
    }

    fn send(&self) {
        let manifest = self.manifest.to_str().expect("UTF-8");
        self.kubectl(&["create", "-f", manifest]);
        self.kubectl(&["annotate", "-f", manifest, "a=b"]);
        self.kubectl(&["replace", "-f", manifest]);
        self.kubectl(&["get", "-f", manifest]);
        self.kubectl(&["get", "configmaps", "-n", "objectives"]);
        self.kubectl(&["get", "configmaps", "--all-namespaces"]);
        self.kubectl(&["delete", "-f", manifest]);
    }

    fn kubectl(&self, arguments: &[&str]) {
        self.lab.kubectl(arguments).unwrap_or_else(|error| panic!("{error}"));
    }
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
