//! The floor: the least that sending prebuilt objects over one HTTP/2 connection can cost, and the least that it can take.
//!
//! Hyper's connection, TLS, and a number of tasks that each send a body, read the answer to its end and go on.
//! No record, no histogram, no retry, one time stamp at each end; paced only if asked to, by Tokio's timer. It ends with one
//! line of JSON.

mod connect;
mod kubeconfig;

use std::{
    collections::BTreeMap,
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use bench_lab::PAUSE;
use bytes::Bytes;
use clap::{Parser, ValueEnum};
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use tokio::{task::JoinSet, time::Instant};

use crate::{connect::Sender, kubeconfig::Kubeconfig};

/// Sends objects as cheaply as can be.
#[derive(Debug, Parser)]
struct Arguments {
    /// A kubeconfig with everything inside, as JSON.
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Where the objects go; must exist.
    #[arg(long)]
    namespace: String,
    /// What is sent.
    #[arg(long, value_enum, default_value_t = Kind::Configmaps)]
    kind: Kind,
    /// How many.
    #[arg(long, default_value_t = 5_000)]
    objects: usize,
    /// Requests at the same time.
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    /// Objects a second after the burst; without it each leaves as soon as one of those in flight is answered.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Objects that are due at once.
    #[arg(long, default_value_t = 1, requires = "rate")]
    burst: usize,
    /// 1 is a current-thread runtime, more is a multi-thread one.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// As of `scenarios/templates/configmap.yaml`.
    Configmaps,
    /// As of the kube-burner lab, with one replica.
    Deployments,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Configmaps => "api/v1",
            Self::Deployments => "apis/apps/v1",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Configmaps => "configmaps",
            Self::Deployments => "deployments",
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    // Fails only if one was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match arguments.threads {
        1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        n => tokio::runtime::Builder::new_multi_thread().worker_threads(n).enable_all().build(),
    };
    let runtime = runtime.context("failed to start a runtime")?;
    let line = runtime.block_on(async { tokio::spawn(load(arguments)).await })??;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// What all tasks share.
struct Plan {
    uri: Uri,
    bodies: Vec<Bytes>,
    next: AtomicUsize,
    start: Instant,
    rate: Option<u32>,
    burst: usize,
}

impl Plan {
    /// When object `n` may leave, as a queue of `bench` has it: (n + 1 - burst) / rate after the start.
    fn due(&self, n: usize) -> Option<Instant> {
        let behind_burst = (n + 1).saturating_sub(self.burst);
        let rate = self.rate.filter(|_| behind_burst > 0)?;
        Some(self.start + Duration::from_secs_f64(behind_burst as f64 / f64::from(rate)))
    }
}

async fn load(arguments: Arguments) -> anyhow::Result<serde_json::Value> {
    let kubeconfig = Kubeconfig::read(&arguments.kubeconfig)?;
    let Arguments { kind, namespace, .. } = &arguments;
    let uri = format!("{}/{}/namespaces/{namespace}/{}", kubeconfig.server, kind.path(), kind.plural());
    let uri = uri.parse()?;
    let bodies = (0..arguments.objects).map(|n| body(*kind, n, namespace)).collect();
    let sender = connect::connect(&kubeconfig, &uri).await?;
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let plan = Arc::new(Plan { uri, bodies, next, start, rate: arguments.rate, burst: arguments.burst });
    let mut tasks = JoinSet::new();
    for _ in 0..arguments.in_flight {
        tasks.spawn(send_all(plan.clone(), sender.clone()));
    }
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(counts) = tasks.join_next().await {
        for (status, n) in counts?? {
            *statuses.entry(status.to_string()).or_default() += n;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let per_second = arguments.objects as f64 / seconds;
    Ok(serde_json::json!({ "seconds": seconds, "perSecond": per_second, "statuses": statuses }))
}

/// Sends what nobody has sent yet, one after the other.
async fn send_all(plan: Arc<Plan>, mut sender: Sender) -> anyhow::Result<BTreeMap<u16, usize>> {
    let mut statuses = BTreeMap::new();
    loop {
        let n = plan.next.fetch_add(1, Ordering::Relaxed);
        let Some(body) = plan.bodies.get(n) else { return Ok(statuses) };
        if let Some(due) = plan.due(n) {
            tokio::time::sleep_until(due).await;
        }
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = plan.uri.clone();
        let json = header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        sender.ready().await?;
        let mut answer = sender.send_request(request).await?;
        while let Some(frame) = answer.body_mut().frame().await {
            frame?;
        }
        *statuses.entry(answer.status().as_u16()).or_default() += 1;
    }
}

fn body(kind: Kind, n: usize, namespace: &str) -> Bytes {
    // As many labels as `bench` sets, for each of which the server keeps who set it; the id is shortened, because up to
    // 256 bytes hyper puts the frames of several requests into one write by itself, and a floor is as low as it can be.
    let labels = serde_json::json!({
        "bench.dev/run-id": "34ef",
        "bench.dev/job": "create-maps",
        "bench.dev/template": "0",
    });
    let object = match kind {
        Kind::Configmaps => serde_json::json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": format!("map-{n}"), "namespace": namespace, "labels": labels },
            "data": { "key": "value", "number": n.to_string() },
        }),
        Kind::Deployments => serde_json::json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": format!("deployment-{n}"), "namespace": namespace, "labels": labels },
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": { "app": format!("test-{n}") } },
                "template": {
                    "metadata": { "labels": { "app": format!("test-{n}") } },
                    "spec": {
                        "terminationGracePeriodSeconds": 0,
                        "containers": [{
                            "name": "main",
                            "image": PAUSE,
                            "imagePullPolicy": "IfNotPresent",
                            "resources": { "requests": { "cpu": "1m", "memory": "1Mi" } },
                        }],
                    },
                },
            },
        }),
    };
    Bytes::from(object.to_string())
}
