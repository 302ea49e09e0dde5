//! The whole client against the simulated cluster, with and without TLS.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::time::Duration;

use bench_cluster::{
    Cluster, Condition, ConnectError, ConnectOptions, Protocol, RUN_LABEL, Request, WatchSink, WatchSpec,
};
use bench_limiter::{Limiter, RunClock};
use bench_model::{CreatedNamespace, ParseAs, Projection, ResourceRef, Subscription, TimeNs, Verb};
use bench_sim::{Sim, SimConfig};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const RUN: &str = "0190d3a0-0000-7000-8000-000000000001";

async fn create(cluster: &Cluster, target: &ResourceRef, name: &str, object: &Value) -> bench_cluster::Reply {
    let own = cluster.own_creates().register(target, name, cluster.clock().now());
    let body = Bytes::from(object.to_string());
    let content_type = "application/json";
    let request =
        Request { verb: Verb::Create, target, name, query: "", content_type, body, keep_body: true };
    let reply = cluster.send(&request, own).await;
    assert!(reply.is_success(), "{} {}", reply.reason, reply.message);
    reply
}

fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {RUN_LABEL: RUN}},
        "spec": {"containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}]}})
}

fn subscription(namespace: &str) -> Subscription {
    let of = |path: &str, parse| Projection { path: path.to_owned(), parse };
    Subscription {
        group: String::new(),
        version: "v1".to_owned(),
        plural: "pods".to_owned(),
        namespaces: vec![namespace.to_owned()],
        label_selector: format!("{RUN_LABEL}={RUN}"),
        field_selector: String::new(),
        projections: vec![
            of("status.conditions[type=Ready].status", ParseAs::Boolean),
            of("$create.sentAt", ParseAs::Time),
            of("metadata.creationTimestamp", ParseAs::Time),
        ],
    }
}

async fn whole_life(tls: bool) {
    let sim = Sim::start(SimConfig { nodes: 2, tls, ..SimConfig::default() }).expect("a cluster");
    let options = ConnectOptions { in_flight: 101, ..ConnectOptions::inline(sim.kubeconfig()) };
    let cluster =
        Cluster::connect(options, Limiter::unlimited(), RunClock::start()).await.expect("connected");
    let facts = cluster.facts();
    assert_eq!((facts.protocol, facts.is_loopback, facts.connections), (Protocol::Http2, true, 2));
    assert!(facts.kube_system_uid.is_some() && facts.server == sim.url());

    let (namespaces, namespaced) = cluster.resolve("v1", "Namespace").await.expect("namespaces");
    assert!(!namespaced);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine", "labels": {RUN_LABEL: RUN}}});
    let uid = create(&cluster, &namespaces, "mine", &namespace).await.uid.expect("a UID");
    let (pods, _) = cluster.resolve("v1", "Pod").await.expect("pods");
    let pods = pods.in_namespace("mine");

    let (sink, mut batches) = WatchSink::new(|gap| panic!("{gap:?}"));
    let spec = WatchSpec { measurement: "m".to_owned(), index: 0, subscription: subscription("mine") };
    let mut watch = cluster.watch(spec, sink).expect("paths");
    watch.ready().await.expect("watching");
    for i in 0..20 {
        let name = format!("p-{i}");
        create(&cluster, &pods, &name, &pod(&name)).await;
    }
    let selector = format!("{RUN_LABEL}={RUN}");
    let cancel = CancellationToken::new();
    let wait =
        cluster.wait_until(&pods, &selector, &Condition::Ready, 20, Duration::from_secs(60), None, &cancel);
    let outcome = wait.await.expect("an outcome");
    assert_eq!((outcome.met, outcome.unmet), (20, 0), "{:?}", outcome.examples);
    watch.stop().await;
    let mut ready = 0;
    while let Ok(batch) = batches.try_recv() {
        let [
            bench_model::Column::Bytes(is_ready),
            bench_model::Column::Ints(sent),
            bench_model::Column::Ints(created),
        ] = &batch.projected[..]
        else {
            panic!("{:?}", batch.projected)
        };
        assert!(sent.iter().zip(&batch.observed_at).all(|(sent, seen)| TimeNs(*sent) < *seen));
        assert!(created.iter().all(|at| *at != i64::MIN));
        ready += is_ready.iter().filter(|is_ready| **is_ready == 1).count();
    }
    assert!(ready >= 20, "{ready} rows are of ready pods");

    let (low, high) = cluster.clock_offset();
    assert!(low < high);
    let own = CreatedNamespace { name: "mine".to_owned(), uid: Some(uid) };
    let cleaned = cluster.cleanup_within(RUN, &[own], Duration::from_secs(60)).await;
    assert!(cleaned.is_complete(), "{cleaned:?}");
    assert_eq!((cleaned.deleted, cleaned.namespaces), (1, 1));
    assert!(cluster.get(&namespaces, "mine").await.is_err_and(|error| error.http_status() == 404));
    drop(cluster);
    sim.shutdown().await;
}

#[tokio::test]
async fn a_run_lives_and_leaves_nothing_behind() {
    whole_life(false).await;
}

#[tokio::test]
async fn a_run_over_tls_lives_and_leaves_nothing_behind() {
    whole_life(true).await;
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_refused() {
    let one = Sim::start(SimConfig { tls: true, ..SimConfig::default() }).expect("a cluster");
    let other = Sim::start(SimConfig { tls: true, ..SimConfig::default() }).expect("a cluster");
    let kubeconfig = one.kubeconfig().replace(one.url(), other.url());
    let options = ConnectOptions::inline(kubeconfig);
    let error =
        Cluster::connect(options, Limiter::unlimited(), RunClock::start()).await.expect_err("not trusted");
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert_eq!(std::error::Error::source(&error).expect("a cause").to_string(), "TLS failed");
}
