//! One watch request, from its opening to its end.

use bench_model::{RowKind, TimeNs, Verb};
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Reflector, Signal, is_final, known::KnownObjects};
use crate::{
    RequestError,
    body::{Keep, read_body},
    lines::{Line, Lines},
    path,
    projection::EventKind,
    reply::Reply,
    send::describe,
    status::MAX_STATUS_BYTES,
    transport::{self, Lane},
};

/// How one watch request ended.
pub(super) enum End {
    /// The server closed it in good order, as it does every half hour.
    Closed,
    /// The connection broke, or the server is in trouble.
    Broken,
    /// The server has forgotten our resource version.
    Expired,
    /// It refuses for good.
    Refused(RequestError),
}

/// One watch request and what it changes.
pub(super) struct Session<'a> {
    pub(super) reflector: &'a Reflector,
    pub(super) known: &'a mut KnownObjects,
    pub(super) version: &'a mut String,
    pub(super) was_open: &'a mut bool,
    /// Since when nothing comes, when that was not the server's good order.
    pub(super) broken_at: &'a mut Option<TimeNs>,
}

impl Session<'_> {
    pub(super) async fn watch(&mut self, tell: &mut (impl FnMut(Signal<'_>) + Send)) -> End {
        let mut body = match self.open().await {
            Ok(body) => body,
            Err(end) => return end,
        };
        let clock = self.reflector.cluster.inner.clock;
        if self.broken_at.take().is_some() {
            // Nothing is missing, but what happened in between is seen too late.
            tell(Signal::Gap { at: clock.now(), reason: "connection lost", rows: Some(0), relisted: true });
        }
        if !std::mem::replace(self.was_open, true) {
            tell(Signal::Watching);
        }
        let mut lines = Lines::default();
        loop {
            let data = match body.frame().await {
                None => return End::Closed,
                Some(Err(_)) => return End::Broken,
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            let at = clock.now();
            let mut end = None;
            lines.feed(&data, |line| {
                if end.is_none() {
                    end = self.line(line, at, tell);
                }
            });
            if let Some(end) = end {
                return end;
            }
        }
    }

    async fn open(&self) -> Result<hyper::body::Incoming, End> {
        let Reflector { cluster, target, label_selector, field_selector, .. } = self.reflector;
        let inner = &cluster.inner;
        let query = path::query(&[
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self.version),
            ("labelSelector", label_selector),
            ("fieldSelector", field_selector),
        ]);
        let invalid = |error: path::PathError| {
            End::Refused(RequestError::InvalidArgument { message: error.to_string() })
        };
        let path = path::path(Verb::Watch, target, "", &query).map_err(invalid)?;
        let uri = inner.base.uri(path).map_err(invalid)?;
        inner.limiter.acquire().await;
        let headers = inner.credentials.headers(&inner.clock);
        let request = transport::request(Method::GET, uri, headers, "", Bytes::new());
        let sent = inner.clock.now();
        let answer =
            tokio::time::timeout(inner.request_timeout, inner.transport.send(Lane::Watches, request)).await;
        let Ok(Ok(answer)) = answer else {
            if let Ok(Err(error)) = answer {
                tracing::debug!(%target, error = describe(&error), "watch not opened");
            }
            inner.pulse.unanswered(sent);
            return Err(End::Broken);
        };
        inner.pulse.answered(inner.clock.now());
        let (parts, body) = answer.response.into_parts();
        if parts.status.is_success() {
            return Ok(body);
        }
        if parts.status == StatusCode::UNAUTHORIZED {
            inner.credentials.refused(&inner.clock);
        }
        let mut reply = Reply::empty(inner.clock.now());
        reply.http_status = parts.status.as_u16();
        let body = read_body(body, Keep::Whole(MAX_STATUS_BYTES)).await.unwrap_or_default();
        Err(match reply.fail_with_status(&body).into_result() {
            Err(error) if error.http_status() == 410 => End::Expired,
            Err(error) if is_final(&error) && !*self.was_open => End::Refused(error),
            Err(_) | Ok(_) => End::Broken,
        })
    }

    fn line(
        &mut self,
        line: Line<'_>,
        at: TimeNs,
        tell: &mut (impl FnMut(Signal<'_>) + Send),
    ) -> Option<End> {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                tell(Signal::Gap { at, reason: "event too large", rows: Some(1), relisted: false });
                return None;
            }
        };
        let Ok(Some((kind, row))) = self.reflector.projector.event(line, &self.reflector.cluster.inner.clock)
        else {
            tell(Signal::Gap { at, reason: "malformed event", rows: Some(1), relisted: false });
            return None;
        };
        let kind = match kind {
            EventKind::Error => return Some(error_event(line)),
            EventKind::Bookmark => RowKind::Initial,
            EventKind::Added => RowKind::Added,
            EventKind::Modified => RowKind::Modified,
            EventKind::Deleted => RowKind::Deleted,
        };
        if !row.resource_version.is_empty() {
            row.resource_version.as_ref().clone_into(self.version);
        }
        match kind {
            // A bookmark is no object.
            RowKind::Initial | RowKind::Gap => return None,
            RowKind::Deleted => self.known.forget(&row),
            RowKind::Added | RowKind::Modified => {
                self.known.see(&row);
            }
        }
        tell(Signal::Row { kind, row, at });
        None
    }
}

/// What an event of type `ERROR` means.
fn error_event(line: &[u8]) -> End {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        object: &'a RawValue,
    }
    let Ok(event) = serde_json::from_slice::<Event<'_>>(line) else { return End::Broken };
    let status = crate::status::parse(0, event.object.get().as_bytes());
    if status.code == 410 || status.reason == "Expired" || status.reason == "Gone" {
        End::Expired
    } else {
        End::Broken
    }
}
