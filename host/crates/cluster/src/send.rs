//! The one path of every request.
//!
//! Bytes in, status out: nothing is parsed but error answers, nothing is retried, and the body of a good
//! answer is thrown away frame by frame unless it is wanted. Waiting for a free stream of an HTTP/2
//! connection counts as time of the request: `sent` is when it was handed to the connection.

use std::time::Duration;

use bench_model::{TimeNs, Verb};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;

use crate::{
    Cluster, CreateId,
    path::{self, PathError},
    reply::{Reply, Request},
    status::MAX_STATUS_BYTES,
    transport::{self, Lane, Sent, TransportError},
};

/// Bodies that are kept end here: a page of 500 of the largest objects that etcd can hold.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

impl Cluster {
    /// Sends one request of the load and waits for the end of its answer. Never fails, never retries: what went
    /// wrong is in the reply. The times of a registered object's create request are noted under `create`.
    ///
    /// Only on the load runtime, the one that [`Cluster::connect`] was called on.
    pub async fn send(&self, request: &Request<'_>, create: Option<CreateId>) -> Reply {
        self.send_in(Lane::Load, request, create).await
    }

    pub(crate) async fn send_in(&self, lane: Lane, request: &Request<'_>, create: Option<CreateId>) -> Reply {
        let path = path::path(request.verb, request.target, request.name, request.query);
        let uri = match path.and_then(|path| self.inner.base.uri(path)) {
            Ok(uri) => uri,
            Err(error) => return refused(&error),
        };
        let held_by_limiter = self.inner.limiter.acquire().await;
        let headers = self.inner.credentials.headers(&self.inner.clock);
        let http = transport::request(
            method(request.verb),
            uri,
            headers,
            request.content_type,
            request.body.clone(),
        );
        let sent = self.inner.clock.now();
        if let Some(create) = create {
            self.inner.own_creates.mark_sent(create, sent);
        }
        let keep = if request.keep_body { MAX_BODY_BYTES } else { 0 };
        let mut reply = self.exchange(self.inner.transport.send(lane, http), sent, keep).await;
        if let Some(create) = create.filter(|_| reply.is_success()) {
            self.inner.own_creates.mark_answered(create, reply.done);
        }
        reply.held_by_limiter = held_by_limiter;
        // A list has none, and may be megabytes long.
        if request.keep_body && request.verb != Verb::List && reply.is_success() {
            reply.uid = uid(&reply.body);
        }
        reply
    }

    /// GET of a path that is no API resource.
    pub(crate) async fn send_path(&self, path: String, max_body: usize) -> Reply {
        let uri: Uri = match self.inner.base.uri(path) {
            Ok(uri) => uri,
            Err(error) => return refused(&error),
        };
        let held_by_limiter = self.inner.limiter.acquire().await;
        let headers = self.inner.credentials.headers(&self.inner.clock);
        let http = transport::request(Method::GET, uri, headers, "", Bytes::new());
        let sent = self.inner.clock.now();
        let answer = self.inner.transport.send(Lane::Calls, http);
        let mut reply = self.exchange(answer, sent, max_body).await;
        reply.held_by_limiter = held_by_limiter;
        reply
    }

    async fn exchange(&self, answer: Sent, sent: TimeNs, keep: usize) -> Reply {
        let limit = self.inner.request_timeout;
        // The reply is filled in as the answer comes, so that its status survives a timeout.
        let mut reply = Reply::empty(sent);
        let in_time = tokio::time::timeout(limit, self.answer(answer, keep, &mut reply)).await.is_ok();
        match reply.http_status {
            0 => self.inner.pulse.unanswered(sent),
            _ if reply.done.is_never() => self.inner.pulse.answered(sent),
            _ => self.inner.pulse.answered(reply.done),
        }
        if in_time {
            return reply;
        }
        reply.fail("Timeout", format!("no end of the answer within {} s", limit.as_secs_f64()))
    }

    async fn answer(&self, answer: Sent, keep: usize, reply: &mut Reply) {
        let (status, retry_after, body) = match answer.await {
            Ok(answer) => (answer.status(), retry_after(answer.headers()), answer.into_body()),
            Err(error) => return fail(reply, "Transport", describe(&error)),
        };
        if status == StatusCode::UNAUTHORIZED {
            self.inner.credentials.refused(&self.inner.clock);
        }
        let is_success = status.is_success();
        let keep = if is_success { keep } else { MAX_STATUS_BYTES };
        let read = read_body(body, keep).await;
        reply.done = self.inner.clock.now();
        reply.http_status = status.as_u16();
        match read {
            Ok(body) if is_success => reply.body = body,
            Ok(body) | Err(BodyError::TooLarge(body)) if !is_success => {
                reply.retry_after = retry_after;
                *reply = std::mem::replace(reply, Reply::empty(reply.sent)).fail_with_status(&body);
            }
            Ok(_) => {}
            Err(BodyError::TooLarge(_)) => {
                fail(reply, "TooLarge", format!("the answer is larger than {keep} bytes"))
            }
            Err(BodyError::Broken(error)) => {
                reply.done = TimeNs::NEVER;
                fail(reply, "Transport", error.to_string());
            }
        }
    }
}

fn fail(reply: &mut Reply, reason: &'static str, message: String) {
    *reply = std::mem::replace(reply, Reply::empty(reply.sent)).fail(reason, message);
}

fn refused(error: &PathError) -> Reply {
    Reply::empty(TimeNs::NEVER).fail("InvalidArgument", error.to_string())
}

/// The whole chain on one line: a reply has no source.
pub(crate) fn describe(error: &TransportError) -> String {
    match error {
        TransportError::Connect { source } => format!("failed to connect: {source}"),
        TransportError::Tls { source } => format!("TLS failed: {source}"),
        TransportError::Broken { cause } => format!("the connection broke: {cause}"),
    }
}

fn method(verb: Verb) -> Method {
    match verb {
        Verb::Get | Verb::List | Verb::Watch => Method::GET,
        Verb::Create => Method::POST,
        Verb::Update => Method::PUT,
        Verb::Patch => Method::PATCH,
        Verb::Delete | Verb::DeleteCollection => Method::DELETE,
    }
}

/// Why a body could not be read to its end.
pub(crate) enum BodyError {
    /// What was read before.
    TooLarge(Bytes),
    Broken(hyper::Error),
}

/// Reads a body to its end. `keep` 0 throws it away; past `keep` bytes it is an error.
pub(crate) async fn read_body(mut body: Incoming, keep: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        if keep == 0 {
            continue;
        }
        if first.len() + rest.len() + data.len() > keep {
            return Err(BodyError::TooLarge(if rest.is_empty() { first } else { rest.freeze() }));
        }
        // Most answers are one frame: no copy for them.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Seconds, as the API server writes it; at most an hour is believed.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}

fn uid(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        uid: Option<String>,
    }
    serde_json::from_slice::<Object>(body).ok().and_then(|object| object.metadata.uid)
}
