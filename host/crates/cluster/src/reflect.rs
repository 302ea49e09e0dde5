//! Keeps up with the objects of one target: list, watch, resume, relist.
//!
//! What it sees goes to a closure, in the order of the API server. After a break it goes on from the last
//! resource version; when the server has forgotten that one (410 `Expired`), it lists again and tells the
//! differences to what it knew. Whoever uses it decides what to keep: columns (`watch.rs`) or who is
//! ready (`wait.rs`).

mod known;
mod session;

use std::{sync::Arc, time::Duration};

use bench_model::{ResourceRef, RowKind, TimeNs};
use bytes::Bytes;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Cluster, ListQuery, RequestError,
    projection::{Projector, Row},
};

pub(crate) use known::Known;

use self::{
    known::{KnownObjects, Seen},
    session::{End, Session},
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
            for item in page {
                let row = self.projector.object(item, &clock).map_err(malformed)?;
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

    /// The objects of all pages of a list, and when each page was read. Starts again when the token expires.
    async fn pages(&self) -> Result<(Vec<(Vec<Bytes>, TimeNs)>, String), RequestError> {
        let mut restarts = 0;
        let (mut pages, mut token, mut pause) = (Vec::new(), String::new(), SHORTEST_PAUSE);
        loop {
            let query = ListQuery {
                label_selector: &self.label_selector,
                field_selector: &self.field_selector,
                limit: PAGE,
                token: &token,
            };
            let part = |page: &Bytes, item: &str| page.slice_ref(item.as_bytes());
            let page = match self.cluster.list_items(&self.target, query, part).await {
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
            pages.push((page.items, page.at));
            if page.token.is_empty() {
                return Ok((pages, page.resource_version));
            }
            token = page.token;
        }
    }
}

/// Whether asking again cannot help.
fn is_final(error: &RequestError) -> bool {
    !error.is_retryable()
}
