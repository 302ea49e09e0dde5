//! What the simulated cluster costs: processor time of a create over HTTP/2, and of a pod's whole life.
//!
//! Processor time, not time on the clock, so that other work on the machine matters little. The server of the first
//! part has a thread of its own; the client's time is not counted. The second part has no HTTP: store, scheduler,
//! controllers and kubelets in paused time, from 100 Deployments to 20,000 ready pods and back to none.
//!
//! `cargo bench --profile dev -p bench-sim --bench cost`; `-- pods` or `-- creates` runs one part. Linux only.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and may stop with a panic"
)]

use std::time::Duration;

use bench_sim::clock::Clock;
use bench_sim::controllers::ControlPlane;
use bench_sim::controllers::settings::{ControlSettings, NodeSettings};
use bench_sim::stage::Stages;
use bench_sim::store::{DeleteOptions, HistoryLimits, Store};
use bench_sim::{Sim, SimConfig};
use bytes::Bytes;
use futures::StreamExt;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const N_CREATES: usize = 50_000;
const IN_FLIGHT: usize = 64;
const N_DEPLOYMENTS: usize = 100;
const N_REPLICAS: usize = 200;
const N_NODES: u32 = 1000;

fn main() {
    let wanted = |part: &str| {
        let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-')).peekable();
        words.peek().is_none() || words.any(|word| word == part)
    };
    if wanted("pods") {
        runtime(true).block_on(pods());
    }
    if wanted("creates") {
        creates();
    }
}

fn runtime(paused: bool) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(paused).build().expect("a runtime")
}

/// Processor time of the calling thread so far.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux with schedstat");
    let nanos = text.split_whitespace().next().expect("the first of three numbers");
    Duration::from_nanos(nanos.parse().expect("a number"))
}

/// A line of `/proc/self/status`, for example `VmHWM:    1234 kB`, in MiB.
fn memory(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find(|line| line.starts_with(key)).expect("the key exists");
    let kib: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    kib / 1024
}

fn creates() {
    let (send_address, address) = std::sync::mpsc::channel();
    let stop = CancellationToken::new();
    let server = std::thread::spawn({
        let stop = stop.clone();
        move || {
            runtime(false).block_on(async {
                let sim = Sim::start(SimConfig::default()).expect("the cluster starts");
                send_address.send(sim.address()).expect("the client waits");
                let before = thread_time();
                stop.cancelled().await;
                thread_time() - before
            })
        }
    });
    let address = address.recv().expect("the server tells its address");
    let took = runtime(false).block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a TCP socket");
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.expect("HTTP/2");
        tokio::spawn(connection);
        let start = tokio::time::Instant::now();
        futures::stream::iter(0..N_CREATES)
            .for_each_concurrent(IN_FLIGHT, |number| create(sender.clone(), address, number))
            .await;
        start.elapsed()
    });
    stop.cancel();
    let spent = server.join().expect("the server ends");
    let each = spent / u32::try_from(N_CREATES).expect("a small number");
    println!(
        "creates: {:.1} µs of processor time each, {:.0} a second on one core ({N_CREATES} ConfigMaps over HTTP/2, \
         {IN_FLIGHT} in flight, {:.1} s on the clock), peak {} MiB",
        each.as_secs_f64() * 1e6,
        1.0 / each.as_secs_f64(),
        took.as_secs_f64(),
        memory("VmHWM"),
    );
}

async fn create(mut sender: SendRequest<Full<Bytes>>, address: std::net::SocketAddr, number: usize) {
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": format!("map-{number}"), "labels": { "bench.dev/run-id": "r", "app": "cost" } },
        "data": { "key": "value", "text": "x".repeat(200) },
    });
    let request = Request::post(format!("http://{address}/api/v1/namespaces/default/configmaps"))
        .header("content-type", "application/json")
        .body(Full::from(object.to_string()))
        .expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    assert_eq!(answer.status(), 201, "the create is accepted");
    answer.into_body().collect().await.expect("a whole answer");
}

async fn pods() {
    let clock = Clock::starting_at("2026-01-31T08:00:00Z".parse().expect("a timestamp"));
    let defaults = SimConfig::default();
    let limits = HistoryLimits { changes: defaults.history_changes, bytes: defaults.history_bytes };
    let store = Store::new(clock, 1, limits);
    let nodes = NodeSettings { count: N_NODES, ..NodeSettings::default() };
    let settings = ControlSettings::default();
    let plane =
        ControlPlane::new(store.clone(), 7, Stages::default(), settings, nodes).expect("built-in kinds");
    let stop = CancellationToken::new();
    let running = tokio::spawn(plane.run(stop.clone()));
    let (deployments, pods) =
        (store.kind("apps", "deployments").expect("built in"), store.kind("", "pods").expect("built in"));
    tokio::time::sleep(Duration::from_secs(1)).await;

    let start = thread_time();
    for number in 0..N_DEPLOYMENTS {
        store.create(&deployments, "default", deployment(number)).expect("a valid deployment");
    }
    let available = |object: &Value| object.pointer("/status/availableReplicas").and_then(Value::as_u64);
    let wished = u64::try_from(N_REPLICAS).expect("a small number");
    while store.list(&deployments, None).iter().any(|object| available(&object.value()) != Some(wished)) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let ready = thread_time();
    for object in store.list(&deployments, None) {
        store.delete(&deployments, "default", &object.name, &DeleteOptions::default()).expect("it exists");
    }
    while !store.list(&pods, None).is_empty() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let gone = thread_time();
    stop.cancel();
    running.await.expect("the control plane ends");
    let n_pods = N_DEPLOYMENTS * N_REPLICAS;
    let each = |time: Duration| {
        time.as_secs_f64() * 1000.0 / f64::from(u32::try_from(n_pods).expect("a small number"))
    };
    println!(
        "pods: {:.3} ms of processor time each to ready, {:.3} ms for the whole life ({n_pods} pods of {N_DEPLOYMENTS} \
         Deployments on {N_NODES} nodes, {} writes), peak {} MiB",
        each(ready - start),
        each(gone - start),
        store.version(),
        memory("VmHWM"),
    );
}

fn deployment(number: usize) -> Value {
    let labels = json!({ "app": format!("web-{number}") });
    json!({
        "metadata": { "name": format!("web-{number}"), "labels": labels },
        "spec": {
            "replicas": N_REPLICAS,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{
                    "name": "main",
                    "image": "registry.k8s.io/pause:3.10",
                    "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } },
                }] },
            },
        },
    })
}
