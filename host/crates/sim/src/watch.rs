//! `watch`: a stream of changes from a version on.
//!
//! A watcher is a cursor into the store's window of changes, not a queue: a slow client costs no memory, and one
//! that falls out of the window gets the same 410 as a late one. The JSON of an object is written once, when it is
//! stored; watchers copy its bytes. Selectors turn changes into events as upstream: an object that begins to match
//! is `ADDED`, one that stops matching is `DELETED`.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::list::parse_version;
use crate::registry::{Kind, KindRef};
use crate::render::Renderer;
use crate::route::Query;
use crate::selector::Selector;
use crate::status::{FieldError, FieldErrorKind, Status};
use crate::store::{Change, ChangeKind, Gone, Object, Store};

/// Bytes of the first objects that are sent at once.
const PIECE: usize = 64 << 10;
/// Changes that are taken at once.
const BATCH: usize = 256;
/// Time between two bookmarks, as upstream.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// Time after which a watch ends when the client names none (upstream: 30 to 60 minutes).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2700);
/// Longest time that is honored, so that it can be added to a moment.
const MAX_TIMEOUT: u64 = 1 << 30;

/// What a watch asks for, checked.
#[derive(Debug)]
pub(crate) struct WatchRequest {
    selector: Selector,
    from: From,
    bookmarks: bool,
    /// End the initial events with a bookmark that says so.
    mark_initial: bool,
    timeout: Duration,
}

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// All present objects first.
    Present,
    /// Changes after this version.
    Version(u64),
    /// Changes from now on.
    Now,
}

impl WatchRequest {
    pub(crate) fn parse(
        kind: &KindRef,
        namespace: Option<&str>,
        name: Option<&str>,
        query: &Query,
    ) -> Result<Self, Status> {
        check_options(query)?;
        let fields = match name {
            Some(name) => format!("metadata.name={name}"),
            None => query.get("fieldSelector").to_owned(),
        };
        let selector = Selector::parse(kind, namespace, query.get("labelSelector"), &fields)?;
        let version = parse_version(query.get("resourceVersion"))
            .map_err(|_| invalid_version(kind, query.get("resourceVersion")))?;
        let bookmarks = query.flag("allowWatchBookmarks");
        let from = match query.has("sendInitialEvents").then(|| query.flag("sendInitialEvents")) {
            Some(true) => From::Present,
            Some(false) if version == 0 => From::Now,
            Some(false) => From::Version(version),
            None if version == 0 => From::Present,
            None => From::Version(version),
        };
        let seconds = query.get("timeoutSeconds").parse::<u64>().unwrap_or(0);
        let timeout =
            if seconds == 0 { DEFAULT_TIMEOUT } else { Duration::from_secs(seconds.min(MAX_TIMEOUT)) };
        let mark_initial = query.flag("sendInitialEvents") && bookmarks;
        Ok(Self { selector, from, bookmarks, mark_initial, timeout })
    }

    /// Starts the watch. `cut` ends it early, without a word.
    pub(crate) fn start(
        self,
        store: &Store,
        namespace: Option<&str>,
        renderer: Renderer,
        shutdown: CancellationToken,
        cut: Option<Duration>,
    ) -> BoxStream<'static, Bytes> {
        let now = Instant::now();
        let mut watch = Watch {
            wake: store.wake(&renderer.kind),
            store: store.clone(),
            selector: self.selector,
            cursor: 0,
            bookmarks: self.bookmarks,
            next_bookmark: now + BOOKMARK_EVERY,
            deadline: now + self.timeout,
            cut: cut.map(|after| now + after),
            shutdown,
            columns_sent: false,
            initial: Vec::new().into_iter(),
            initial_end: None,
            ready: BytesMut::new(),
            ended: false,
            renderer,
        };
        watch.begin(self.from, namespace, self.mark_initial);
        stream::unfold(watch, |mut watch| async move { watch.next().await.map(|bytes| (bytes, watch)) })
            .boxed()
    }
}

fn invalid_version(kind: &Kind, text: &str) -> Status {
    let detail = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
    let error = FieldError::invalid("resourceVersion", &text.into(), detail);
    Status::invalid_named(&kind.plural, &kind.group, "", &[error])
}

fn check_options(query: &Query) -> Result<(), Status> {
    const FIELD: &str = "resourceVersionMatch";
    let exactness = query.get(FIELD);
    let initial = query.has("sendInitialEvents");
    let mut errors = Vec::new();
    if initial && exactness != "NotOlderThan" {
        let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        errors.push(FieldError::forbidden(FIELD, detail));
    }
    if !exactness.is_empty() {
        if !initial {
            let detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            errors.push(FieldError::forbidden(FIELD, detail));
        }
        if exactness != "NotOlderThan" {
            let known = vec!["NotOlderThan".to_owned()];
            errors.push(FieldError {
                kind: FieldErrorKind::NotSupported(format!("{exactness:?}"), known),
                field: FIELD.to_owned(),
                detail: String::new(),
            });
        }
        if !query.get("continue").is_empty() {
            let detail = "resourceVersionMatch is forbidden when continue is provided";
            errors.push(FieldError::forbidden(FIELD, detail));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid_named("ListOptions", "meta.k8s.io", "", &errors))
}

struct Watch {
    store: Store,
    renderer: Renderer,
    selector: Selector,
    wake: Arc<Notify>,
    /// Version up to which everything was sent.
    cursor: u64,
    bookmarks: bool,
    next_bookmark: Instant,
    deadline: Instant,
    cut: Option<Instant>,
    shutdown: CancellationToken,
    columns_sent: bool,
    /// Objects that were there at the start and are still to be sent.
    initial: std::vec::IntoIter<Arc<Object>>,
    /// The version of the bookmark after them, if one was asked for.
    initial_end: Option<u64>,
    /// Lines to send next.
    ready: BytesMut,
    ended: bool,
}

/// Why a waiting watch goes on.
enum Woken {
    Change,
    Bookmark,
    Deadline,
    Cut,
}

impl Watch {
    fn begin(&mut self, from: From, namespace: Option<&str>, mark_initial: bool) {
        match from {
            From::Now => self.cursor = self.store.version(),
            From::Version(version) => self.cursor = version,
            From::Present => {
                let (version, objects) = self.store.snapshot(&self.renderer.kind, namespace);
                self.initial = objects.into_iter();
                self.cursor = version;
                self.initial_end = mark_initial.then_some(version);
            }
        }
    }

    /// Writes some of the objects that were there at the start: all of them at once may be many megabytes.
    fn write_initial(&mut self) {
        while self.ready.len() < PIECE {
            let Some(object) = self.initial.next() else {
                if let Some(version) = self.initial_end.take() {
                    self.renderer.write_bookmark(version, true, &mut self.ready);
                }
                return;
            };
            if self.selector.matches(&object) {
                self.write("ADDED", &object);
            }
        }
    }

    /// The next lines; `None` at the end of the watch.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.write_initial();
            if !self.ready.is_empty() {
                return Some(self.ready.split().freeze());
            }
            if self.ended || self.shutdown.is_cancelled() {
                return None;
            }
            let wake = self.wake.clone();
            let notified = wake.notified();
            tokio::pin!(notified);
            // Registered before reading, so that no change falls between reading and waiting.
            notified.as_mut().enable();
            self.read();
            if !self.ready.is_empty() || self.ended {
                continue;
            }
            let woken = self.wait(notified).await?;
            self.go_on(woken);
        }
    }

    async fn wait(&self, notified: impl Future<Output = ()>) -> Option<Woken> {
        let cut = self.cut.unwrap_or(self.deadline);
        let next = if self.bookmarks { self.next_bookmark.min(self.deadline) } else { self.deadline };
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => None,
            () = notified => Some(Woken::Change),
            () = tokio::time::sleep_until(cut.min(next)) => {
                let now = Instant::now();
                if self.cut.is_some_and(|cut| cut <= now) {
                    return Some(Woken::Cut);
                }
                Some(if self.deadline <= now { Woken::Deadline } else { Woken::Bookmark })
            }
        }
    }

    fn go_on(&mut self, woken: Woken) {
        match woken {
            Woken::Change => {}
            Woken::Bookmark => {
                self.next_bookmark += BOOKMARK_EVERY;
                self.renderer.write_bookmark(self.cursor, false, &mut self.ready);
            }
            Woken::Deadline => {
                self.ended = true;
                if self.bookmarks {
                    self.renderer.write_bookmark(self.cursor, false, &mut self.ready);
                }
            }
            Woken::Cut => self.ended = true,
        }
    }

    fn read(&mut self) {
        match self.store.changes_after(&self.renderer.kind, self.cursor, BATCH) {
            Ok((changes, reached)) => {
                for change in &changes {
                    self.write_change(change);
                }
                self.cursor = reached;
            }
            Err(Gone(oldest)) => {
                Renderer::write_error(&Status::too_old(self.cursor, oldest), &mut self.ready);
                self.ended = true;
            }
        }
    }

    fn write_change(&mut self, change: &Change) {
        let matched = change.previous.as_ref().is_some_and(|previous| self.selector.matches(previous));
        let matches = change.kind != ChangeKind::Deleted && self.selector.matches(&change.object);
        match (matched, matches) {
            (false, true) => self.write("ADDED", &change.object),
            (true, true) => self.write("MODIFIED", &change.object),
            (true, false) if change.kind == ChangeKind::Deleted => self.write("DELETED", &change.object),
            (true, false) => {
                if let Some(previous) = &change.previous {
                    // As it was, with a newer version: how upstream shows one that stopped matching.
                    self.write("DELETED", &previous.at_version(change.object.resource_version));
                }
            }
            (false, false) => {}
        }
    }

    fn write(&mut self, event: &str, object: &Object) {
        self.renderer.write_event(event, object, !self.columns_sent, &mut self.ready);
        self.columns_sent = true;
    }
}
