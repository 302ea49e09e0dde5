//! A guest that may ask Prometheus and the API server, and the real ones of both.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bench_cluster::{Cluster, ConnectOptions, KubeconfigSource};
use bench_lab::Door;
use bench_limiter::{Limiter, RunClock};
use bench_prometheus::{Auth, Endpoint, Prometheus};
use serde_json::Value;

use crate::harness::bench;

#[tokio::test]
pub async fn asks_prometheus() {
    let lab = bench_lab::shared().expect("a control plane");
    let server = lab.prometheus(Door::Open).unwrap_or_else(|error| panic!("{error}"));
    let clock = RunClock::start_at(SystemTime::now());
    let endpoint = Endpoint {
        name: "main".to_owned(),
        url: server.url(),
        auth: Auth::None,
        ca_file: None,
        timeout: Duration::from_secs(20),
    };
    let client = Prometheus::new(endpoint, clock, Limiter::unlimited()).expect("an endpoint");
    wait_for_two_scrapes(&client, clock).await;

    let options =
        ConnectOptions { kubeconfig: KubeconfigSource::File(lab.kubeconfig()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(options, Limiter::unlimited(), clock).await.expect("a cluster");
    let mut bench = bench("asks_prometheus").await;
    let services = &mut bench.context.services;
    services.clock = clock;
    services.cluster = Some(cluster);
    services.prometheus = Arc::new(BTreeMap::from([("main".to_owned(), client)]));
    services.default_prometheus = Some("main".to_owned());
    // Real servers, each with seconds to answer.
    bench.context.limits.call = Duration::from_secs(60);

    let report = bench.measurement().await.finish().await.expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["jobs"], 1, "{report}");
    assert_eq!(report["values"], serde_json::json!([1.0]), "{report}");
    let points = report["points"].as_u64().expect("a number");
    assert!((1..=6).contains(&points), "{report}");
    assert_eq!(
        (&report["wrong"], &report["unknown"]),
        (&"invalid-argument".into(), &"invalid-argument".into())
    );
    assert!(report["samples"].as_u64() > Some(0), "{report}");
    assert_eq!(report["samples"], report["named"], "{report}");
    assert!(report["gets"].as_f64() > Some(0.0), "{report}");
}

async fn wait_for_two_scrapes(client: &Prometheus, clock: RunClock) {
    for _ in 0..600 {
        let series = client.instant("count_over_time(up{job=\"apiserver\"}[1m]) > 1", clock.now()).await;
        if !series.expect("an answer").is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited a minute or more for two scrapes");
}
