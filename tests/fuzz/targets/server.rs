//! An API server that answers whatever it likes: connecting, lists, objects, watches and errors are read or refused.
#![no_main]

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use arbitrary::Arbitrary;
use bench_cluster::{Cluster, ConnectOptions, ListQuery, MemoryDialer, WatchSink, WatchSpec};
use bench_limiter::{Limiter, RunClock};
use bench_model::{ParseAs, Projection, ResourceRef, Subscription};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;

const KUBECONFIG: &str = "{apiVersion: v1, kind: Config, current-context: c, \
    contexts: [{name: c, context: {cluster: c, user: u}}], \
    clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {token: t}}]}";
const PROJECTIONS: [(&str, ParseAs); 5] = [
    ("status.conditions[type=Ready].status", ParseAs::Text),
    ("status.startTime", ParseAs::Time),
    ("spec.containers[*].image", ParseAs::Text),
    ("spec.overhead.cpu", ParseAs::Quantity),
    ("spec.priority", ParseAs::Integer),
];

/// Answers in the order of requests; the last one again and again.
#[derive(Arbitrary, Debug)]
struct Answers {
    answers: Vec<(u16, Vec<u8>)>,
}

fuzz_target!(|given: Answers| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let _ = tokio::time::timeout(Duration::from_millis(200), use_it(given.answers)).await;
    });
});

async fn use_it(answers: Vec<(u16, Vec<u8>)>) {
    let (answers, next) = (Arc::new(answers), Arc::new(AtomicUsize::new(0)));
    let dialer = MemoryDialer::new(move || {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (answers, next) = (answers.clone(), next.clone());
        let service = service_fn(move |_: Request<Incoming>| {
            let at = next.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<_, Infallible>(answer(&answers, at)))
        });
        tokio::spawn(async move {
            let http = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
            // Whoever hangs up ends it.
            let _ = http.serve_connection(TokioIo::new(server), service).await;
        });
        client
    });
    let options = ConnectOptions { memory: Some(dialer), ..ConnectOptions::inline(KUBECONFIG) };
    let Ok(cluster) = Cluster::connect(options, Limiter::unlimited(), RunClock::start()).await else {
        return;
    };
    let pods = ResourceRef {
        group: String::new(),
        version: "v1".into(),
        plural: "pods".into(),
        namespace: "a".into(),
    };
    let _ = cluster.get(&pods, "a").await;
    let _ = cluster.list_page(&pods, ListQuery::default()).await;
    watch(&cluster).await;
}

async fn watch(cluster: &Cluster) {
    let projections = PROJECTIONS.map(|(path, parse)| Projection { path: path.to_owned(), parse }).to_vec();
    let subscription = Subscription {
        group: String::new(),
        version: "v1".to_owned(),
        plural: "pods".to_owned(),
        namespaces: vec!["a".to_owned()],
        label_selector: String::new(),
        field_selector: String::new(),
        projections,
    };
    let spec = WatchSpec { measurement: "m".to_owned(), index: 0, subscription };
    let (sink, mut batches) = WatchSink::new(|_| {});
    let mut handle = cluster.watch(spec, sink).expect("paths of the right form");
    let _ = handle.ready().await;
    handle.stop().await;
    while let Ok(batch) = batches.try_recv() {
        assert!(batch.projected.iter().all(|column| column.len() == batch.rows()));
    }
}

/// The first two answers are those that make it an API server, unless the input says otherwise with status 0.
fn answer(answers: &[(u16, Vec<u8>)], at: usize) -> Response<Full<Bytes>> {
    let known: &[u8] = match at {
        0 => br#"{"major":"1","minor":"36","gitVersion":"v1.36.3"}"#,
        1 => br#"{"metadata":{"name":"kube-system","uid":"u"}}"#,
        _ => b"",
    };
    let (status, body) = match answers.get(at).or(answers.last()) {
        Some((0, body)) => (200, Bytes::copy_from_slice(body)),
        Some(_) if !known.is_empty() => (200, Bytes::from_static(known)),
        Some((status, body)) => (200 + status % 400, Bytes::copy_from_slice(body)),
        None => (500, Bytes::new()),
    };
    Response::builder().status(status).body(Full::new(body)).unwrap_or_default()
}
