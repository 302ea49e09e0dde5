//! A server that knows one watch: the same lines for everybody, as fast as they are read.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};

/// A pod as a real API server sends it, fields of all managers included.
const POD: &str = include_str!("../../fixtures/pod.json");

/// Pods that the lines are about; each changes many times.
const PODS: usize = 2_000;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A running server; it ends with the process.
pub struct Server {
    address: SocketAddr,
    lines: Arc<Vec<Bytes>>,
}

impl Server {
    /// Makes the lines and serves them on a thread of its own.
    ///
    /// # Errors
    /// When nothing can listen.
    pub fn start(n_lines: usize) -> anyhow::Result<Self> {
        let lines: Arc<Vec<Bytes>> = Arc::new((0..n_lines).map(line).collect());
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = lines.clone();
        std::thread::spawn(move || runtime.block_on(serve(listener, served)));
        Ok(Self { address, lines })
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig for it.
    pub fn kubeconfig(&self) -> String {
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{ "name": "a", "cluster": { "server": self.url() } }],
            "users": [{ "name": "a", "user": {} }],
            "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }],
        });
        config.to_string()
    }

    /// Length of a typical line.
    pub fn line_bytes(&self) -> usize {
        self.stream_bytes() / self.lines.len().max(1)
    }

    /// Length of all lines.
    pub fn stream_bytes(&self) -> usize {
        self.lines.iter().map(Bytes::len).sum()
    }
}

/// The first lines add the pods, the others change them.
fn line(n: usize) -> Bytes {
    let pod_number = n % PODS;
    let pod = POD
        .trim_end()
        .replacen(r#""name":"pod-0""#, &format!(r#""name":"pod-{pod_number}""#), 1)
        .replacen("9d4b-000000000000", &format!("9d4b-{pod_number:012}"), 1)
        .replacen(r#""resourceVersion":"10000""#, &format!(r#""resourceVersion":"{}""#, 10_000 + n), 1);
    let kind = if n < PODS { "ADDED" } else { "MODIFIED" };
    // `type` comes first, as from a real server.
    Bytes::from(format!("{{\"type\":\"{kind}\",\"object\":{pod}}}\n"))
}

async fn serve(listener: std::net::TcpListener, lines: Arc<Vec<Bytes>>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        let lines = lines.clone();
        let service = service_fn(move |request| {
            let lines = lines.clone();
            async move { Ok::<_, Infallible>(answer(&request, &lines)) }
        });
        let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        // A client that goes away is no concern of this server.
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}

fn answer(request: &Request<Incoming>, lines: &Arc<Vec<Bytes>>) -> Response<Body> {
    let uri = request.uri();
    if uri.query().is_some_and(|query| query.contains("watch=1")) {
        return Response::new(watch(lines.clone()));
    }
    let text = match uri.path() {
        "/version" => r#"{"major":"1","minor":"36","gitVersion":"v1.36.3","platform":"linux/amd64"}"#,
        "/api/v1/pods" => r#"{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]}"#,
        _ => r#"{"kind":"Status","status":"Failure","reason":"NotFound","code":404}"#,
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed_unsync());
    if text.contains("NotFound") {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// All lines, then nothing: the stream stays open as a watch does.
fn watch(lines: Arc<Vec<Bytes>>) -> Body {
    let frames = futures::stream::unfold(0, move |n| {
        let line = lines.get(n).cloned();
        async move {
            match line {
                Some(line) => Some((Ok(Frame::data(line)), n + 1)),
                None => std::future::pending().await,
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
