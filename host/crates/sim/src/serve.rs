//! Answers requests: who asks, may they, what do they want, and what comes back.
//!
//! The order is upstream's: injected faults stand for the network and priority and fairness, then
//! authentication, authorization, and the request itself. Reading is here and in `list` and `watch`; writing is
//! in `serve/write`, `serve/patch`, `serve/delete` and `serve/subresource`; paths that are no resources in `serve/fixed`.

mod apply;
mod decode;
mod delete;
mod fixed;
mod patch;
mod review;
mod subresource;
mod write;

pub(crate) use self::fixed::VERSION;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::alias::is_alias;
use crate::auth::{Authorizer, Identity};
use crate::body::AnswerBody;
use crate::fault::FaultPlan;
use crate::list::ListRequest;
use crate::metrics::Metrics;
use crate::registry::KindRef;
use crate::render::{Renderer, negotiate};
use crate::route::{Query, ResourceTarget, Target, parse};
use crate::status::Status;
use crate::store::{Object, Store};
use crate::watch::WatchRequest;

/// Bytes of a request body (upstream: 3 MiB).
const MAX_BODY: usize = 3 << 20;
const JSON: &str = "application/json";

/// Everything that answering needs.
pub(crate) struct Api {
    pub(crate) store: Store,
    pub(crate) started: jiff::Timestamp,
    pub(crate) faults: FaultPlan,
    pub(crate) authorizer: Authorizer,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: CancellationToken,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// An answer before it has HTTP headers.
pub(crate) struct Reply {
    pub(crate) code: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: AnswerBody,
    pub(crate) warnings: Vec<String>,
}

impl Reply {
    pub(crate) fn json(code: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { code, content_type: JSON, body: AnswerBody::from(body.into()), warnings: Vec::new() }
    }

    pub(crate) fn text(code: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { content_type: "text/plain; charset=utf-8", ..Self::json(code, body) }
    }
}

/// A request for a resource, with everything looked up.
pub(crate) struct Call<'a> {
    pub(crate) target: &'a ResourceTarget,
    pub(crate) kind: KindRef,
    /// The kind that was asked for, where its objects are stored as those of another.
    pub(crate) alias: Option<KindRef>,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
}

impl Call<'_> {
    /// The namespace of the request; empty outside namespaces.
    pub(crate) fn namespace(&self) -> &str {
        self.target.namespace.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.target.name.as_deref().unwrap_or_default()
    }

    fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn renderer(&self, store: &Store) -> Result<Renderer, Status> {
        let form = negotiate(self.header(header::ACCEPT), self.query.get("includeObject"))?;
        let mut renderer = Renderer::new(&self.kind, &self.target.version, form, store.clock());
        renderer.is_alias = self.alias.is_some();
        Ok(renderer)
    }

    /// The kind whose names and types the request uses.
    pub(crate) fn asked(&self) -> &KindRef {
        self.alias.as_ref().unwrap_or(&self.kind)
    }
}

impl Api {
    /// Answers one request; never fails, failures are answers.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<AnswerBody> {
        let start = Instant::now();
        let (parts, body) = request.into_parts();
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let target = parse(&parts.method, &parts.uri, &query);
        let outcome = self.respond(&parts, &query, &target, body).await;
        let (reply, retry) = match outcome {
            Ok(reply) => (reply, None),
            Err(status) => {
                let retry = status.details.as_ref().and_then(|details| details.retry_after_seconds);
                let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (Reply::json(code, status.to_json()), retry)
            }
        };
        self.metrics.record(&target, reply.code.as_u16(), start.elapsed());
        respond(reply, retry, parts.method == Method::HEAD, &self.store)
    }

    async fn respond(
        &self,
        parts: &Parts,
        query: &Query,
        target: &Target,
        body: Incoming,
    ) -> Result<Reply, Status> {
        self.faults.apply(target).await?;
        let identity = self.authorizer.identify(&parts.headers)?;
        match target {
            Target::Path(path) => self.fixed(path, parts),
            Target::Resource(target) => {
                self.authorizer.check(&identity, target)?;
                let body = read_body(body).await?;
                self.resource(parts, query, target, &identity, body).await
            }
        }
    }

    async fn resource(
        &self,
        parts: &Parts,
        query: &Query,
        target: &ResourceTarget,
        identity: &Identity,
        body: Bytes,
    ) -> Result<Reply, Status> {
        if let Some(reply) = self.review(target, identity, &parts.headers, &body)? {
            return Ok(reply);
        }
        let Some(kind) = self.find(target) else { return self.unknown(target) };
        let (kind, alias) = match self.store.kind("", "events").filter(|_| is_alias(&kind)) {
            Some(events) => (events, Some(kind)),
            None => (kind, None),
        };
        let call = Call { target, kind, alias, query, headers: &parts.headers };
        if call.kind.namespaced && call.target.namespace.is_none() && !matches!(target.verb, "list" | "watch")
        {
            // Only reads may span namespaces.
            return Err(if target.name.is_some() {
                Status::unknown_path()
            } else {
                Status::method_not_allowed()
            });
        }
        if !call.kind.namespaced && call.target.namespace.is_some() {
            return Err(Status::unknown_path());
        }
        if !target.subresource.is_empty() {
            return self.subresource(&call, &body);
        }
        match target.verb {
            "get" => self.get(&call),
            "list" => self.list(&call),
            "watch" => self.watch(&call),
            "create" if target.name.is_some() => Err(Status::method_not_allowed()),
            "create" => self.create(&call, &body),
            "update" if target.name.is_none() => Err(Status::method_not_allowed()),
            "update" => self.update(&call, &body),
            "patch" if target.name.is_none() => Err(Status::method_not_allowed()),
            "patch" => self.patch(&call, &body),
            "delete" => self.delete(&call, &body),
            "deletecollection" => self.delete_collection(&call, &body),
            _ => Err(Status::method_not_allowed()),
        }
    }

    fn find(&self, target: &ResourceTarget) -> Option<KindRef> {
        self.store.kind(&target.group, &target.plural).filter(|kind| kind.serves(&target.version))
    }

    /// Inside a known group and version the answer is a `Status`, outside of them plain text, as upstream.
    fn unknown(&self, target: &ResourceTarget) -> Result<Reply, Status> {
        let builtin =
            self.store.kinds().into_iter().any(|kind| {
                kind.custom.is_none() && kind.group == target.group && kind.serves(&target.version)
            });
        if builtin { Err(Status::unknown_path()) } else { Ok(fixed::not_found()) }
    }

    fn get(&self, call: &Call<'_>) -> Result<Reply, Status> {
        let renderer = call.renderer(&self.store)?;
        let object = self.existing(call)?;
        Ok(Reply::json(StatusCode::OK, renderer.one(&object)))
    }

    pub(crate) fn existing(&self, call: &Call<'_>) -> Result<Arc<Object>, Status> {
        self.store
            .get(&call.kind, call.namespace(), call.name())
            .ok_or_else(|| Status::not_found(&call.kind, call.name()))
    }

    fn list(&self, call: &Call<'_>) -> Result<Reply, Status> {
        let renderer = call.renderer(&self.store)?;
        let namespace = call.target.namespace.as_deref();
        let request = ListRequest::parse(&call.kind, namespace, call.query)?;
        let body = request.answer(&self.store, namespace, renderer)?;
        Ok(Reply { code: StatusCode::OK, content_type: JSON, body, warnings: Vec::new() })
    }

    fn watch(&self, call: &Call<'_>) -> Result<Reply, Status> {
        let renderer = call.renderer(&self.store)?;
        let namespace = call.target.namespace.as_deref();
        let request = WatchRequest::parse(&call.kind, namespace, call.target.name.as_deref(), call.query)?;
        let cut = self.faults.watch_cut();
        let stream = request.start(&self.store, namespace, renderer, self.shutdown.clone(), cut);
        let body = AnswerBody::Stream(stream);
        Ok(Reply { code: StatusCode::OK, content_type: JSON, body, warnings: Vec::new() })
    }

    /// The object in the form asked for.
    pub(crate) fn reply(&self, call: &Call<'_>, code: StatusCode, object: &Object) -> Result<Reply, Status> {
        Ok(Reply::json(code, call.renderer(&self.store)?.one(object)))
    }
}

async fn read_body(body: Incoming) -> Result<Bytes, Status> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Status::too_large(MAX_BODY)),
        Err(_) => Err(Status::bad_request("the request body could not be read")),
    }
}

fn respond(reply: Reply, retry: Option<u32>, head: bool, store: &Store) -> Response<AnswerBody> {
    let body = if head { AnswerBody::Full(None) } else { reply.body };
    let mut response = Response::new(body);
    *response.status_mut() = reply.code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    headers.extend(date(store).map(|date| (header::DATE, date)));
    if let Some(seconds) = retry {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    for warning in reply.warnings {
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {warning:?}")) {
            headers.append(header::WARNING, value);
        }
    }
    response
}

/// The time of the cluster, not of the machine: clients measure the offset of the clocks with it.
fn date(store: &Store) -> Option<HeaderValue> {
    let text = store.clock().now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::from_str(&text).ok()
}
