//! An HTTP server that answers as a test says.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bench_cluster::{Cluster, ConnectOptions};
use bench_limiter::{Limiter, RunClock};
use bench_model::ResourceRef;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::AbortHandle,
};

/// What to answer with.
pub enum Answer {
    Json(u16, String),
    Headers(u16, Vec<(&'static str, &'static str)>, String),
    /// Bytes as the test sends them; an error breaks the connection, dropping the sender ends it well.
    Stream(UnboundedReceiver<io::Result<String>>),
}

pub fn stream() -> (UnboundedSender<io::Result<String>>, Answer) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Answer::Stream(receiver))
}

pub fn json(value: &serde_json::Value) -> Answer {
    Answer::Json(200, value.to_string())
}

/// A running server; ends with its runtime.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<(SocketAddr, String)>>>,
    token: Arc<Mutex<String>>,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Server {
    /// Starts a server. `/version` and `kube-system` are answered here, everything else by the script, which
    /// gets `METHOD path?query` and the body.
    pub async fn start(script: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_speaking(true, script).await
    }

    pub async fn start_speaking(
        http2: bool,
        script: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (script, seen) = (Arc::new(script), Arc::new(Mutex::new(Vec::new())));
        let token = Arc::new(Mutex::new("s3cret".to_owned()));
        let connections = Arc::new(Mutex::new(Vec::new()));
        let (noted, accepted) = (Arc::clone(&seen), Arc::clone(&token));
        let opened = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((socket, peer)) = listener.accept().await {
                let (script, noted) = (Arc::clone(&script), Arc::clone(&noted));
                let accepted = Arc::clone(&accepted);
                let service = service_fn(move |request: Request<Incoming>| {
                    let (script, noted) = (Arc::clone(&script), Arc::clone(&noted));
                    let expected = format!("Bearer {}", accepted.lock());
                    async move {
                        let note = |line: &str| noted.lock().push((peer, line.to_owned()));
                        Ok::<_, io::Error>(answer(request, &expected, &*script, note).await)
                    }
                });
                let connection = tokio::spawn(async move {
                    let io = TokioIo::new(socket);
                    // Breaking connections is part of the scripts.
                    if http2 {
                        let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                        let _ = server.serve_connection(io, service).await;
                    } else {
                        let _ =
                            hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                    }
                });
                opened.lock().push(connection.abort_handle());
            }
        });
        Self { address, seen, token, connections }
    }

    /// Closes all connections; new ones are taken.
    pub fn hang_up(&self) {
        self.connections.lock().drain(..).for_each(|connection| connection.abort());
    }

    /// Connections that were opened and not closed by [`Self::hang_up`].
    pub fn opened(&self) -> usize {
        self.connections.lock().len()
    }

    /// From now on this token alone is good.
    pub fn accept(&self, token: &str) {
        token.clone_into(&mut self.token.lock());
    }

    pub async fn connect(&self) -> Cluster {
        self.connect_with(Limiter::unlimited()).await
    }

    pub async fn connect_with(&self, limiter: Limiter) -> Cluster {
        Self::connect_by(self.kubeconfig(), limiter).await
    }

    /// Connects as `user`, in YAML.
    pub async fn connect_as(&self, user: &str) -> Cluster {
        Self::connect_by(self.kubeconfig_of(user), Limiter::unlimited()).await
    }

    async fn connect_by(kubeconfig: String, limiter: Limiter) -> Cluster {
        let options =
            ConnectOptions { request_timeout: Duration::from_secs(20), ..ConnectOptions::inline(kubeconfig) };
        Cluster::connect(options, limiter, RunClock::start()).await.expect("connected")
    }

    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_of("{token: s3cret}")
    }

    fn kubeconfig_of(&self, user: &str) -> String {
        format!(
            "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
             clusters: [{{name: c, cluster: {{server: 'http://{}'}}}}], users: [{{name: u, user: {user}}}]}}",
            self.address
        )
    }

    /// Requests so far, as `METHOD path?query`, without those of connecting.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().iter().map(|(_, line)| line.clone()).collect()
    }

    /// The other ends of the connections that these came on.
    pub fn peers(&self) -> Vec<SocketAddr> {
        self.seen.lock().iter().map(|(peer, _)| *peer).collect()
    }
}

async fn answer(
    request: Request<Incoming>,
    expected: &str,
    script: &(dyn Fn(&str, &str) -> Answer + Send + Sync),
    note: impl Fn(&str),
) -> Response<BoxBody<Bytes, io::Error>> {
    let (parts, body) = request.into_parts();
    let line = format!("{} {}", parts.method, parts.uri.path_and_query().map_or("", |path| path.as_str()));
    let is_known = parts.headers.get("authorization").is_some_and(|value| value == expected);
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let answer = match line.as_str() {
        _ if !is_known => {
            Answer::Json(401, r#"{"reason":"Unauthorized","message":"Unauthorized"}"#.to_owned())
        }
        "GET /version" => {
            Answer::Json(200, r#"{"major":"1","minor":"36+","gitVersion":"v1.36.3"}"#.to_owned())
        }
        "GET /api/v1/namespaces/kube-system" => {
            Answer::Json(200, r#"{"metadata":{"uid":"the-uid"}}"#.to_owned())
        }
        line => {
            note(line);
            script(line, &String::from_utf8_lossy(&body))
        }
    };
    let full = |body: String| Full::new(Bytes::from(body)).map_err(io::Error::other).boxed();
    match answer {
        Answer::Json(status, body) => {
            Response::builder().status(status).body(full(body)).expect("a response")
        }
        Answer::Headers(status, headers, body) => {
            let builder = Response::builder().status(status);
            let builder =
                headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
            builder.body(full(body)).expect("a response")
        }
        Answer::Stream(mut receiver) => {
            let frames = futures::stream::poll_fn(
                move |context: &mut Context<'_>| -> Poll<Option<io::Result<Frame<Bytes>>>> {
                    receiver
                        .poll_recv(context)
                        .map(|piece| piece.map(|piece| piece.map(|text| Frame::data(Bytes::from(text)))))
                },
            );
            Response::new(BodyExt::boxed(StreamBody::new(frames)))
        }
    }
}

pub fn pods(namespace: &str) -> ResourceRef {
    ResourceRef {
        group: String::new(),
        version: "v1".to_owned(),
        plural: "pods".to_owned(),
        namespace: namespace.to_owned(),
    }
}

/// Fails a test that waits for something that does not come.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it should have come by now")
}
