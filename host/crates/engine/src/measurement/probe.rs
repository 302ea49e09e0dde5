//! Measures how late watches are: an object of the run's own is changed twice a second, and watched.
//!
//! Latencies of pods end when an event arrives; how much of that is the event's own way is what this tells, also for
//! objects that controllers make. The object is a ConfigMap in the first namespace that the run makes, and goes with
//! it. A run without a namespace, or whose user may not write ConfigMaps, has no such number.

use std::{sync::Arc, time::Duration};

use bench_cluster::{Reply, Request, RequestError, WatchHandle, WatchLag, WatchSink, WatchSpec};
use bench_model::{EventBatch, HOST_SOURCE, NEVER, ResourceRef, RowKind, Subscription, TimeNs, Verb};
use bench_template::RUN_ID_LABEL;
use bytes::Bytes;
use serde_json::json;
use tokio::{sync::mpsc, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;

use super::notes::Notes;
use crate::run::RunParts;

/// Time from one change to the next: tells a stall of a second, and is no load.
const EVERY: Duration = Duration::from_millis(500);
/// What the event of the last change gets when the run is over.
const LAST: Duration = Duration::from_secs(1);
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The running probe.
pub(super) struct Probe {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Probe {
    /// Begins as soon as the run has a namespace.
    pub(super) fn start(parts: &Arc<RunParts>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(parts.clone(), stop.clone()));
        Self { stop, task }
    }

    /// Ends it; everything that it saw is told.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn run(parts: Arc<RunParts>, stop: CancellationToken) {
    let notes = Notes::new(HOST_SOURCE, parts.next_instrument());
    let Some(Some(mut probing)) = stop.run_until_cancelled(Probing::open(&parts, &notes)).await else {
        return;
    };
    stop.run_until_cancelled(probing.measure()).await;
    probing.end().await;
}

/// A change that the server made, and its place among all changes.
#[derive(Debug, Clone, Copy)]
struct Change {
    version: u64,
    sent: TimeNs,
    answered: TimeNs,
}

struct Probing<'a> {
    parts: &'a RunParts,
    notes: &'a Notes,
    target: ResourceRef,
    name: String,
    /// Keeps the watch open.
    _watch: WatchHandle,
    batches: mpsc::Receiver<EventBatch>,
    /// Whose event did not come yet.
    waiting: Option<Change>,
}

impl<'a> Probing<'a> {
    /// Makes the object and watches it; says why when that cannot be done.
    async fn open(parts: &'a RunParts, notes: &'a Notes) -> Option<Self> {
        let namespace = loop {
            match parts.ledger().first_namespace() {
                Some(namespace) => break namespace,
                None => time::sleep(EVERY).await,
            }
        };
        let [group, version, plural] = ["", "v1", "configmaps"].map(str::to_owned);
        let target = ResourceRef { group, version, plural, namespace };
        let name = format!("bench-watch-probe-{}", parts.plan.shard.index());
        match Self::watched(parts, &target, &name).await {
            Ok((watch, batches)) => {
                Some(Self { parts, notes, target, name, _watch: watch, batches, waiting: None })
            }
            Err(error) => {
                parts.warn(format!("how late watches are is not known: {error}")).await;
                None
            }
        }
    }

    async fn watched(
        parts: &RunParts,
        target: &ResourceRef,
        name: &str,
    ) -> Result<(WatchHandle, mpsc::Receiver<EventBatch>), String> {
        let labels = json!({ RUN_ID_LABEL: parts.run_id().to_string() });
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "labels": labels }, "data": {},
        });
        let made = send(parts, Verb::Create, target, name, "application/json", object.to_string()).await;
        made.map_err(|error| error.to_string())?;
        let subscription = Subscription {
            group: target.group.clone(),
            version: target.version.clone(),
            plural: target.plural.clone(),
            namespaces: vec![target.namespace.clone()],
            label_selector: String::new(),
            field_selector: format!("metadata.name={name}"),
            projections: Vec::new(),
        };
        // What is missing from this watch is missing from no measurement: its next event is late, and that is told.
        let (sink, batches) = WatchSink::new(|_| ());
        let spec = WatchSpec { measurement: HOST_SOURCE.to_owned(), index: 0, subscription };
        let mut watch = parts.cluster.watch(spec, sink).map_err(|error| error.to_string())?;
        watch.ready().await.map_err(|error| error.to_string())?;
        Ok((watch, batches))
    }

    /// Changes the object and waits for its event, again and again. What is not answered tells nothing; what is refused for
    /// good would be refused again.
    async fn measure(&mut self) {
        let mut tick = time::interval(EVERY);
        tick.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
        for number in 0_u64.. {
            tick.tick().await;
            let body = json!({ "data": { "change": number.to_string() } }).to_string();
            let reply = send(self.parts, Verb::Patch, &self.target, &self.name, MERGE_PATCH, body).await;
            let change = match reply {
                Ok(reply) => Change::of(&reply),
                Err(error) if error.is_retryable() => None,
                Err(_) => return,
            };
            let Some(change) = change else { continue };
            self.waiting = Some(change);
            self.arrival(change).await;
        }
    }

    /// Waits until the watch has seen a change, and tells how long that took.
    async fn arrival(&mut self, change: Change) {
        while let Some(batch) = self.batches.recv().await {
            if let Some(at) = arrived(&batch, change.version) {
                self.waiting = None;
                self.tell(change.lag(at)).await;
                return;
            }
        }
    }

    /// Gives the event of the last change a little time; what is not there then has a lower bound only.
    async fn end(mut self) {
        let Some(change) = self.waiting else { return };
        if time::timeout(LAST, self.arrival(change)).await.is_err() {
            self.tell(WatchLag { high: NEVER, ..change.lag(self.parts.clock.now()) }).await;
        }
    }

    async fn tell(&self, lag: WatchLag) {
        self.notes.lags(&[lag], self.parts.clock.now());
        self.notes.tell(&self.parts.events()).await;
    }
}

impl Change {
    fn of(reply: &Reply) -> Option<Self> {
        let object: serde_json::Value = serde_json::from_slice(&reply.body).ok()?;
        let version = object.pointer("/metadata/resourceVersion")?.as_str()?.parse().ok()?;
        Some(Self { version, sent: reply.sent, answered: reply.done })
    }

    fn lag(self, at: TimeNs) -> WatchLag {
        WatchLag::between(self.sent, self.answered, at)
    }
}

/// When the object was seen at this version or a later one, as after a watch that had to list again.
fn arrived(batch: &EventBatch, version: u64) -> Option<TimeNs> {
    let rows = batch.kind.iter().zip(&batch.resource_version).zip(&batch.observed_at);
    rows.filter(|((kind, _), _)| **kind != RowKind::Gap as u8)
        .find(|((_, found), _)| **found >= version)
        .map(|(_, at)| *at)
}

async fn send(
    parts: &RunParts,
    verb: Verb,
    target: &ResourceRef,
    name: &str,
    content_type: &str,
    body: String,
) -> Result<Reply, RequestError> {
    let body = Bytes::from(body);
    parts.cluster.call(Request { verb, target, name, query: "", content_type, body, keep_body: true }).await
}
