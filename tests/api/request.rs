//! Raw requests, and answers as they came.

use std::time::Duration;

use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;

use crate::target::Target;

/// Time for the next line of a watch.
const NEXT_EVENT: Duration = Duration::from_secs(30);

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// Method and path, for messages.
    asked: String,
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

/// How a patch is meant.
#[derive(Debug, Clone, Copy)]
pub enum Patch {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl Patch {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

impl Target {
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// GET with an `Accept` of its own.
    pub async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.send(Method::GET, path, &[("accept", accept)], String::new()).await
    }

    pub async fn post(&self, path: &str, object: &Value) -> Answer {
        self.send(Method::POST, path, &[], object.to_string()).await
    }

    pub async fn put(&self, path: &str, object: &Value) -> Answer {
        self.send(Method::PUT, path, &[], object.to_string()).await
    }

    pub async fn patch(&self, path: &str, how: Patch, patch: &Value) -> Answer {
        self.send(Method::PATCH, path, &[("content-type", how.content_type())], patch.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], String::new()).await
    }

    /// DELETE with options in the body.
    pub async fn delete_with(&self, path: &str, options: &Value) -> Answer {
        self.send(Method::DELETE, path, &[], options.to_string()).await
    }

    /// Sends anything; `content-type` and `accept` are JSON unless given.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        send(&self.client, method, path, headers, body).await
    }

    /// Starts a watch; `query` is what follows `watch=true&`.
    pub async fn watch(&self, path: &str, query: &str) -> Watch {
        let path = format!("{path}?watch=true&{query}");
        let response = self.client.send(request(Method::GET, &path, &[], String::new())).await.unwrap();
        Watch { path, status: response.status().as_u16(), body: response.into_body(), unread: Vec::new() }
    }
}

/// Sends as one user and reads the whole answer.
pub async fn send(
    client: &kube::Client,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Answer {
    let asked = format!("{method} {path}");
    let response = client.send(request(method, path, headers, body)).await.unwrap();
    let status = response.status().as_u16();
    let content_type =
        response.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Answer { asked, status, content_type, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, default) in [("accept", "application/json"), ("content-type", "application/json")] {
        if !headers.iter().any(|(given, _)| *given == name) {
            request = request.header(name, default);
        }
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.into_bytes())).unwrap()
}

impl Answer {
    /// Checks the HTTP status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.body))
    }

    /// Resource version of the object or list.
    pub fn version(&self) -> String {
        self.json()["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }

    /// Checks all that a failed request says, but for details.
    #[track_caller]
    pub fn expect_failure(self, code: u16, reason: &str, message: &str) -> Self {
        let answer = self.expect(code);
        let status = answer.json();
        let said = |field: &str| status[field].as_str().unwrap_or_default();
        assert_eq!((said("reason"), said("message")), (reason, message), "{}", answer.asked);
        assert_eq!(
            (said("kind"), said("apiVersion"), said("status")),
            ("Status", "v1", "Failure"),
            "{}",
            answer.asked
        );
        assert_eq!(status["code"], code, "{}", answer.asked);
        answer
    }

    /// Checks the details of a failed request.
    #[track_caller]
    pub fn expect_details(self, details: &Value) -> Self {
        assert_eq!(&self.json()["details"], details, "{}", self.asked);
        self
    }
}

/// A running watch.
pub struct Watch {
    path: String,
    pub status: u16,
    body: Body,
    unread: Vec<u8>,
}

impl Watch {
    /// The next event as (type, object); fails if none comes.
    pub async fn next(&mut self) -> (String, Value) {
        let event = self.next_or_end().await.unwrap_or_else(|| panic!("{} ended", self.path));
        (event["type"].as_str().unwrap().to_owned(), event["object"].clone())
    }

    /// The next event as (type, name).
    pub async fn next_name(&mut self) -> (String, String) {
        let (kind, object) = self.next().await;
        (kind, object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
    }

    /// The next event; `None` when the server ended the watch.
    pub async fn next_or_end(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(NEXT_EVENT, self.line()).await;
        let line = line.unwrap_or_else(|_| panic!("no event on {} within {NEXT_EVENT:?}", self.path))?;
        Some(
            serde_json::from_slice(&line)
                .unwrap_or_else(|error| panic!("{}: {error}: {}", self.path, String::from_utf8_lossy(&line))),
        )
    }

    async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(line);
            }
            let frame = self.body.frame().await?.unwrap();
            if let Ok(data) = frame.into_data() {
                self.unread.extend_from_slice(&data);
            }
        }
    }
}
