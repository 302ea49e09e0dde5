//! Keeps up with the objects of one target: list, watch, resume, relist.
//!
//! What it sees goes to a closure, in the order of the API server. After a break it goes on from the last
//! resource version; when the server has forgotten that one (410 `Expired`), it lists again and tells the
//! differences to what it knew. Whoever uses it decides what to keep: columns (`watch.rs`) or who is
//! ready (`wait.rs`).

mod known;
mod lines;

use std::{sync::Arc, time::Duration};

use bench_model::{ResourceRef, RowKind, TimeNs, Verb};
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Cluster, ListQuery, RequestError, path,
    projection::{EventKind, Projector, Row},
    reply::Reply,
    send::{describe, read_body},
    status::MAX_STATUS_BYTES,
    transport,
};

pub(crate) use known::Known;

use self::{
    known::{KnownObjects, Seen},
    lines::{Line, Lines},
};

/// Objects of a page, as client-go asks for.
const PAGE: u32 = 500;
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What to keep up with.
pub(crate) struct Reflector {
    pub(crate) cluster: Cluster,
    /// With its namespace; an empty one means all.
    pub(crate) target: ResourceRef,
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) projector: Arc<Projector>,
}

/// One thing that was seen.
pub(crate) enum Signal<'a> {
    /// An object was there, came, changed or went.
    Row { kind: RowKind, row: Row<'a>, at: TimeNs },
    /// An object went while nobody watched.
    Vanished { object: &'a Known, at: TimeNs },
    /// The first list is complete and the watch is open.
    Watching,
    /// Something may be missing.
    Gap { at: TimeNs, reason: &'static str, rows: Option<u64>, relisted: bool },
    /// It cannot go on.
    Failed(RequestError),
}

/// How one watch request ended.
enum End {
    /// The server closed it in good order, as it does every half hour.
    Closed,
    /// The connection broke, or the server is in trouble.
    Broken,
    /// The server has forgotten our resource version.
    Expired,
    /// It refuses for good.
    Refused(RequestError),
}

impl Reflector {
    /// Runs until it is cancelled or refused.
    pub(crate) async fn run(self, cancel: CancellationToken, mut tell: impl FnMut(Signal<'_>) + Send) {
        let mut broken_at = None;
        tokio::select! {
            biased;
            () = cancel.cancelled() => if let Some(at) = broken_at {
                tell(Signal::Gap { at, reason: "connection not restored", rows: None, relisted: false });
            },
            error = self.keep_up(&mut broken_at, &mut tell) => tell(Signal::Failed(error)),
        }
    }

    /// `broken_at` says since when nothing comes, when that is not the server's good order.
    async fn keep_up(
        &self,
        broken_at: &mut Option<TimeNs>,
        tell: &mut (impl FnMut(Signal<'_>) + Send),
    ) -> RequestError {
        let mut known = KnownObjects::default();
        let mut resource_version = match self.list(&mut known, None, tell).await {
            Ok(resource_version) => resource_version,
            Err(error) => return error,
        };
        let mut pause = SHORTEST_PAUSE;
        let mut was_open = false;
        loop {
            let opened = Instant::now();
            let mut session = Session {
                reflector: self,
                known: &mut known,
                version: &mut resource_version,
                was_open: &mut was_open,
                broken_at: &mut *broken_at,
            };
            let end = session.watch(tell).await;
            match end {
                End::Closed => {}
                End::Broken => *broken_at = broken_at.or(Some(self.cluster.inner.clock.now())),
                End::Refused(error) => return error,
                End::Expired => {
                    *broken_at = broken_at.or(Some(self.cluster.inner.clock.now()));
                    match self.list(&mut known, Some("watch expired"), tell).await {
                        Ok(version) => (resource_version, *broken_at) = (version, None),
                        Err(error) if is_final(&error) => return error,
                        Err(_) => {}
                    }
                }
            }
            pause = if opened.elapsed() > LONGEST_PAUSE {
                SHORTEST_PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
            if broken_at.is_some() || opened.elapsed() < SHORTEST_PAUSE {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Lists all objects and tells what is new; returns the version to watch from.
    ///
    /// `gap` is why it lists again; the gap is told before the differences, when the list is complete.
    async fn list(
        &self,
        known: &mut KnownObjects,
        gap: Option<&'static str>,
        tell: &mut (impl FnMut(Signal<'_>) + Send),
    ) -> Result<String, RequestError> {
        let (pages, version) = self.pages().await?;
        let clock = self.cluster.inner.clock;
        if let Some(reason) = gap {
            tell(Signal::Gap { at: clock.now(), reason, rows: None, relisted: true });
        }
        let malformed = |_| RequestError::Malformed { what: format!("the list of {}", self.target) };
        known.start_list();
        for (page, at) in &pages {
            let list: Items<'_> = serde_json::from_slice(page).map_err(malformed)?;
            for item in list.items.unwrap_or_default() {
                let mut item = serde_json::Deserializer::from_str(item.get());
                let row = self.projector.object(&mut item, &clock).map_err(malformed)?;
                let kind = match known.see(&row) {
                    Seen::Same => continue,
                    Seen::New if gap.is_none() => RowKind::Initial,
                    Seen::New => RowKind::Added,
                    Seen::Changed => RowKind::Modified,
                    Seen::Replaced(old) => {
                        tell(Signal::Vanished { object: &old, at: *at });
                        RowKind::Added
                    }
                };
                tell(Signal::Row { kind, row, at: *at });
            }
        }
        let at = clock.now();
        for object in known.end_list() {
            tell(Signal::Vanished { object: &object, at });
        }
        Ok(version)
    }

    /// All pages of a list, each with the time at which it was read. Starts again when the token expires.
    async fn pages(&self) -> Result<(Vec<(Bytes, TimeNs)>, String), RequestError> {
        let mut restarts = 0;
        let (mut pages, mut token, mut pause) = (Vec::new(), String::new(), SHORTEST_PAUSE);
        loop {
            let query = ListQuery {
                label_selector: &self.label_selector,
                field_selector: &self.field_selector,
                limit: PAGE,
                token: &token,
            };
            let page = match self.cluster.list_bytes(&self.target, query).await {
                Ok(page) => page,
                Err(error) if error.http_status() == 410 && restarts < 5 => {
                    restarts += 1;
                    pages.clear();
                    token.clear();
                    continue;
                }
                Err(error) if error.is_retryable() && pause <= LONGEST_PAUSE => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let at = self.cluster.inner.clock.now();
            let malformed = |_| RequestError::Malformed { what: format!("the list of {}", self.target) };
            let Head { metadata } = serde_json::from_slice(&page).map_err(malformed)?;
            pages.push((page, at));
            match metadata.r#continue.filter(|token| !token.is_empty()) {
                Some(next) => token = next,
                None => return Ok((pages, metadata.resource_version.unwrap_or_default())),
            }
        }
    }
}

/// One watch request and what it changes.
struct Session<'a> {
    reflector: &'a Reflector,
    known: &'a mut KnownObjects,
    version: &'a mut String,
    was_open: &'a mut bool,
    /// Since when nothing comes, when that was not the server's good order.
    broken_at: &'a mut Option<TimeNs>,
}

impl Session<'_> {
    async fn watch(&mut self, tell: &mut (impl FnMut(Signal<'_>) + Send)) -> End {
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
        let answer = tokio::time::timeout(inner.request_timeout, inner.transport.stream(request)).await;
        let Ok(Ok(answer)) = answer else {
            if let Ok(Err(error)) = answer {
                tracing::debug!(%target, error = describe(&error), "watch not opened");
            }
            inner.pulse.unanswered(sent);
            return Err(End::Broken);
        };
        inner.pulse.answered();
        let (parts, body) = answer.into_parts();
        if parts.status.is_success() {
            return Ok(body);
        }
        if parts.status == StatusCode::UNAUTHORIZED {
            inner.credentials.refused(&inner.clock);
        }
        let mut reply = Reply::empty(inner.clock.now());
        reply.http_status = parts.status.as_u16();
        let body = read_body(body, MAX_STATUS_BYTES).await.unwrap_or_default();
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

/// Whether asking again cannot help.
fn is_final(error: &RequestError) -> bool {
    !error.is_retryable()
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    metadata: HeadMetadata,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct HeadMetadata {
    resource_version: Option<String>,
    r#continue: Option<String>,
}

#[derive(Deserialize)]
struct Items<'a> {
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}
