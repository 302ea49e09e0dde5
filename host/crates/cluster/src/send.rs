//! The one path of every request.
//!
//! Bytes in, status out: nothing is parsed but error answers, nothing is retried, and the body of a good
//! answer is thrown away frame by frame unless it is wanted. Waiting for a free stream of an HTTP/2
//! connection counts as time of the request: `sent` is when it was handed to the connection.

use std::time::Duration;

use bench_model::{TimeNs, Verb};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde::Deserialize;

use crate::{
    Cluster, CreateId,
    body::{BodyError, Keep, read_body},
    connection::{Answer, Answered},
    path::{self, PathError},
    reply::{Reply, Request},
    status::MAX_STATUS_BYTES,
    transport::{self, Lane, TransportError},
};

/// Bodies that are kept end here: a page of 500 of the largest objects that etcd can hold.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

impl Cluster {
    /// Sends one request of the load and waits for the end of its answer. Never fails, never retries: what went
    /// wrong is in the reply. The times of a registered object's create request are noted under `create`.
    ///
    /// Only on the load runtime, the one that [`Cluster::connect`] was called on.
    pub async fn send(&self, request: &Request<'_>, create: Option<CreateId>) -> Reply {
        self.send_in(None, request, create).await
    }

    /// Sends one request of the load, or one on the lane of something else.
    pub(crate) async fn send_in(
        &self,
        lane: Option<Lane>,
        request: &Request<'_>,
        create: Option<CreateId>,
    ) -> Reply {
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
        let keep = if request.keep_body { Keep::Whole(MAX_BODY_BYTES) } else { Keep::Nothing };
        let transport = &self.inner.transport;
        let mut reply = match lane {
            Some(lane) => self.exchange(transport.send(lane, http), sent, keep).await,
            None => {
                let place = transport.place();
                self.exchange(place.send(http), sent, keep).await
            }
        };
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
    pub(crate) async fn send_path(&self, path: String, keep: Keep) -> Reply {
        let uri: Uri = match self.inner.base.uri(path) {
            Ok(uri) => uri,
            Err(error) => return refused(&error),
        };
        let held_by_limiter = self.inner.limiter.acquire().await;
        let headers = self.inner.credentials.headers(&self.inner.clock);
        let http = transport::request(Method::GET, uri, headers, "", Bytes::new());
        let sent = self.inner.clock.now();
        let answer = self.inner.transport.send(Lane::Calls, http);
        let mut reply = self.exchange(answer, sent, keep).await;
        reply.held_by_limiter = held_by_limiter;
        reply
    }

    async fn exchange(&self, answer: Answer, sent: TimeNs, keep: Keep) -> Reply {
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

    async fn answer(&self, answer: Answer, keep: Keep, reply: &mut Reply) {
        let (status, retry_after, body) = match answer.await {
            Ok(Answered { response, .. }) => {
                (response.status(), retry_after(response.headers()), response.into_body())
            }
            Err(error) => return fail(reply, "Transport", describe(&error)),
        };
        if status == StatusCode::UNAUTHORIZED {
            self.inner.credentials.refused(&self.inner.clock);
        }
        let is_success = status.is_success();
        let keep = if is_success { keep } else { Keep::Whole(MAX_STATUS_BYTES) };
        let read = read_body(body, keep).await;
        reply.done = self.inner.clock.now();
        reply.http_status = status.as_u16();
        match read {
            Ok(body) if is_success => reply.body = body,
            Ok(body) | Err(BodyError::TooLarge(_, body)) if !is_success => {
                reply.retry_after = retry_after;
                *reply = std::mem::replace(reply, Reply::empty(reply.sent)).fail_with_status(&body);
            }
            Ok(_) => {}
            Err(BodyError::TooLarge(most, _)) => {
                fail(reply, "TooLarge", format!("the answer is larger than {most} bytes"));
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
