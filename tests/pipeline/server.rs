//! Stands between the program and the simulated cluster: delays requests as a test says, and notes them.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bench_sim::Sim;
use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, BodyStream, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http2::SendRequest,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::{io::DuplexStream, time::Instant};

/// A request that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    /// `metadata.name` of what is created.
    pub name: String,
    /// Creates of pods before this one.
    pub pods_before: usize,
    pub at: Instant,
}

impl Asked {
    pub fn is_create_of_a_pod(&self) -> bool {
        self.method == Method::POST && self.path.ends_with("/pods")
    }
}

/// Events on their way at a time.
const MAX_LATE: usize = 10_000;

/// What happens to a request before the simulated cluster gets it.
pub type Delay = Arc<dyn Fn(&Asked) -> BoxFuture<'static, ()> + Send + Sync>;

/// Delays creates of pods by a time that their number gives.
pub fn creates_take(time: impl Fn(usize) -> Duration + Send + Sync + 'static) -> Delay {
    Arc::new(move |asked| {
        let time = if asked.is_create_of_a_pod() { time(asked.pods_before) } else { Duration::ZERO };
        async move {
            if !time.is_zero() {
                tokio::time::sleep(time).await;
            }
        }
        .boxed()
    })
}

/// Answers creates of pods after 2 ms, but none from `from` to `to` after the first one.
pub fn stalled(from: Duration, to: Duration) -> Delay {
    let first = Arc::new(OnceLock::new());
    Arc::new(move |asked| {
        let is_create = asked.is_create_of_a_pod();
        let start = if is_create { *first.get_or_init(Instant::now) } else { Instant::now() };
        async move {
            if is_create && (from..to).contains(&start.elapsed()) {
                tokio::time::sleep_until(start + to).await;
            }
            if is_create {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        .boxed()
    })
}

/// Answers everything at once, and nothing any more from a time after the first create of a pod on, until another.
pub fn silent(from: Duration, to: Duration) -> Delay {
    let first = Arc::new(OnceLock::new());
    Arc::new(move |asked| {
        if asked.is_create_of_a_pod() {
            first.get_or_init(Instant::now);
        }
        let first = first.get().copied();
        async move {
            if let Some(first) = first
                && (from..to).contains(&first.elapsed())
            {
                tokio::time::sleep_until(first + to).await;
            }
        }
        .boxed()
    })
}

/// Answers at once.
pub fn at_once() -> Delay {
    creates_take(|_| Duration::ZERO)
}

/// The server; clones are the same one.
#[derive(Clone)]
pub struct Server {
    sim: Arc<Sim>,
    delay: Delay,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Watches of pods get a line that is no event after so long.
    pub garbage_after: Option<Duration>,
    /// Every event reaches the program so late.
    pub watch_lag: Duration,
}

impl Server {
    pub fn new(sim: Sim, delay: Delay) -> Self {
        Self {
            sim: Arc::new(sim),
            delay,
            asked: Arc::default(),
            garbage_after: None,
            watch_lag: Duration::ZERO,
        }
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }

    pub fn kubeconfig(&self) -> &str {
        self.sim.kubeconfig()
    }

    /// Opens a connection and serves it.
    pub fn open(&self) -> DuplexStream {
        let (client, ours) = tokio::io::duplex(1 << 20);
        let server = self.clone();
        tokio::spawn(async move {
            let (behind, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .handshake::<_, Full<Bytes>>(TokioIo::new(server.sim.open()))
                .await
                .expect("the simulated cluster answers");
            tokio::spawn(connection);
            let service = service_fn(move |request| {
                let (server, behind) = (server.clone(), behind.clone());
                async move { Ok::<_, Infallible>(server.answer(request, behind).await) }
            });
            let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            // As an API server.
            http.max_concurrent_streams(100);
            // The program closes connections as it likes.
            let _ = http.serve_connection(TokioIo::new(ours), service).await;
        });
        client
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        mut behind: SendRequest<Full<Bytes>>,
    ) -> Response<UnsyncBoxBody<Bytes, io::Error>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let is_watch = parts.uri.query().is_some_and(|query| query.contains("watch=1"));
        let is_of_pods = parts.uri.path().ends_with("/pods");
        let delay = {
            let mut all = self.asked.lock();
            let pods_before = all.iter().filter(|asked| asked.is_create_of_a_pod()).count();
            let asked = Asked {
                method: parts.method.clone(),
                path: parts.uri.path().to_owned(),
                name: name_in(&body),
                pods_before,
                at: Instant::now(),
            };
            let delay = (self.delay)(&asked);
            all.push(asked);
            delay
        };
        delay.await;
        behind.ready().await.expect("the simulated cluster takes requests");
        let answer = behind.send_request(Request::from_parts(parts, Full::new(body))).await;
        let (parts, body) = answer.expect("the simulated cluster answers").into_parts();
        let frames = BodyStream::new(body).map(|frame| frame.map_err(io::Error::other));
        let lag = if is_watch { self.watch_lag } else { Duration::ZERO };
        let late = move |frame| async move {
            if !lag.is_zero() {
                tokio::time::sleep(lag).await;
            }
            frame
        };
        let frames = frames.map(late).buffered(MAX_LATE);
        let body = match self.garbage_after.filter(|_| is_watch && is_of_pods) {
            None => BodyExt::boxed_unsync(StreamBody::new(frames)),
            Some(after) => {
                let garbage = stream::once(async move {
                    tokio::time::sleep(after).await;
                    Ok(Frame::data(Bytes::from_static(b"\nthis is no event\n")))
                });
                BodyExt::boxed_unsync(StreamBody::new(stream::select(frames, garbage.boxed())))
            }
        };
        Response::from_parts(parts, body)
    }
}

fn name_in(body: &[u8]) -> String {
    let object: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}
