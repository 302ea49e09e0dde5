//! A simulated server, and a client that speaks HTTP/2 to it and nothing else.

use std::time::Duration;

use bench_sim::{Sim, SimConfig};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// Longest wait for anything; never reached unless a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Client {
    pub sim: Sim,
    http: HttpClient<HttpConnector, Full<Bytes>>,
    token: Option<&'static str>,
}

/// Lines of a watch.
pub struct Watch {
    body: Incoming,
    rest: Vec<u8>,
}

impl Client {
    /// Starts a cluster with one node.
    pub fn start() -> Self {
        Self::with(SimConfig::default())
    }

    pub fn with(config: SimConfig) -> Self {
        let sim = Sim::start(config).expect("the cluster starts");
        let http = HttpClient::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self { sim, http, token: None }
    }

    pub fn with_token(self, token: &'static str) -> Self {
        Self { token: Some(token), ..self }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Response<Incoming> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.sim.url()));
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::from(body)).expect("a valid request");
        let answer = tokio::time::timeout(PATIENCE, self.http.request(request)).await;
        answer.expect("an answer in time").expect("an answer")
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.send(method, path, content_type, body).await;
        let code = answer.status();
        let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        let value = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()));
        (code, value)
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.json(Method::GET, path, "", &Value::Null).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.json(Method::POST, path, "application/json", body).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.json(Method::PUT, path, "application/json", body).await
    }

    pub async fn delete(&self, path: &str, options: &Value) -> (StatusCode, Value) {
        self.json(Method::DELETE, path, "application/json", options).await
    }

    pub async fn patch(&self, path: &str, kind: &str, body: &Value) -> (StatusCode, Value) {
        let suffix = if kind == "apply" { "yaml" } else { "json" };
        self.json(Method::PATCH, path, &format!("application/{kind}-patch+{suffix}"), body).await
    }

    /// Creates a ConfigMap in `default`.
    pub async fn config_map(&self, name: &str, labels: Value) -> Value {
        let body = json!({"metadata": {"name": name, "labels": labels}});
        let (code, made) = self.post(CONFIG_MAPS, &body).await;
        assert_eq!(code, 201, "{made}");
        made
    }

    /// Waits until a GET shows what is wanted.
    pub async fn eventually(&self, path: &str, wanted: impl Fn(StatusCode, &Value) -> bool) -> Value {
        let ask = async {
            loop {
                let (code, value) = self.get(path).await;
                if wanted(code, &value) {
                    return value;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ask).await.expect("the condition holds in time")
    }

    pub async fn watch(&self, path: &str) -> Watch {
        let answer = self.send(Method::GET, path, "", Vec::new()).await;
        assert_eq!(answer.status(), 200);
        Watch { body: answer.into_body(), rest: Vec::new() }
    }
}

impl Watch {
    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).expect("a line is JSON"));
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("a frame in time")?;
            let data = frame.expect("no broken stream").into_data().expect("data, no trailers");
            self.rest.extend_from_slice(&data);
        }
    }

    /// The next event as `TYPE name`.
    pub async fn brief(&mut self) -> String {
        let Some(event) = self.next().await else { return "END".to_owned() };
        let name = event.pointer("/object/metadata/name").and_then(Value::as_str).unwrap_or_default();
        format!("{} {name}", event["type"].as_str().unwrap_or_default())
    }
}

pub const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
