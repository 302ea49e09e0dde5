//! Watches of measurements: rows into batches, batches into a bounded queue.
//!
//! A subscription may cover several namespaces: each has a watch of its own, and their rows share batches
//! and one string table. A batch leaves when it has 256 rows or 50 ms after its first. A receiver that
//! does not keep up loses batches, never slows the watch down, and is told by a gap row and a [`Gap`].

use std::{sync::Arc, time::Duration};

use bench_model::{EventBatch, Gap, ResourceRef, RowKind, Subscription, TimeNs};
use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc, watch},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    Cluster, CreateTimes, RequestError,
    batch::{BatchBuilder, MAX_ROWS, RowHead},
    projection::{ProjectionError, Projector},
    reflect::{Reflector, Signal},
};

/// Batches that a queue holds.
pub const WATCH_QUEUE: usize = 64;
const FLUSH_AFTER: Duration = Duration::from_millis(50);

/// What to watch, and for whom.
#[derive(Debug, Clone)]
pub struct WatchSpec {
    /// Name of the measurement; goes into gaps.
    pub measurement: String,
    /// Index into the plan's subscriptions; goes into batches.
    pub index: u32,
    /// Kind, namespaces, selectors and columns. No namespaces means one watch over all of them: whoever
    /// calls has checked the grant.
    pub subscription: Subscription,
}

/// Where batches and gaps go.
#[derive(Clone)]
pub struct WatchSink {
    /// Made with room for [`WATCH_QUEUE`].
    pub batches: mpsc::Sender<EventBatch>,
    /// Called where the watch runs: must not block.
    pub on_gap: Arc<dyn Fn(Gap) + Send + Sync>,
    /// Called there with each batch when somebody wants to know how late its events of new objects were, and when
    /// the batch left: must not block.
    pub on_lags: Option<Arc<OnLags>>,
}

/// Takes lags.
pub type OnLags = dyn Fn(&[WatchLag], TimeNs) + Send + Sync;

/// How long after a change its event came, in ns. The change was made at some time between the request's leaving and
/// its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchLag {
    /// Counted from the answer; 0 when the event came first.
    pub low: u64,
    /// Counted from when the request left.
    pub high: u64,
}

impl WatchLag {
    /// Of a change whose request left and was answered then, and whose event came `at`.
    pub fn between(sent: TimeNs, answered: TimeNs, at: TimeNs) -> Self {
        let since = |from: TimeNs| u64::try_from(at.0.saturating_sub(from.0)).unwrap_or(0);
        Self { low: since(answered), high: since(sent) }
    }

    fn of(times: CreateTimes, at: TimeNs) -> Option<Self> {
        (!times.sent.is_never()).then(|| Self::between(times.sent, times.answered, at))
    }
}

impl WatchSink {
    /// A sink that does not ask for lags, and the queue's other end.
    pub fn new(on_gap: impl Fn(Gap) + Send + Sync + 'static) -> (Self, mpsc::Receiver<EventBatch>) {
        let (batches, received) = mpsc::channel(WATCH_QUEUE);
        (Self { batches, on_gap: Arc::new(on_gap), on_lags: None }, received)
    }
}

/// A running watch; dropping it ends the watch and forgets rows that were not sent yet.
#[derive(Debug)]
pub struct WatchHandle {
    progress: watch::Receiver<Progress>,
    expected: usize,
    cancel: CancellationToken,
    tasks: Vec<AbortOnDropHandle<()>>,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    watching: usize,
    failed: Option<RequestError>,
}

impl WatchHandle {
    /// Waits until everything that was there is listed and every watch is open.
    ///
    /// # Errors
    /// When a watch cannot be opened: a kind that is not served, or a right that is missing.
    pub async fn ready(&mut self) -> Result<(), RequestError> {
        let expected = self.expected;
        let progress = self.progress.wait_for(|now| now.failed.is_some() || now.watching >= expected).await;
        // The other end goes with the tasks, which only end when they fail or are stopped.
        let progress = progress.map_err(|_| RequestError::Cancelled)?;
        progress.failed.clone().map_or(Ok(()), Err)
    }

    /// Ends the watch; rows that were seen are sent first, as far as the queue has room.
    pub async fn stop(self) {
        self.cancel.cancel();
        for task in self.tasks {
            // A task that panicked has said so on stderr; there is nothing left to end.
            let _ = task.await;
        }
    }
}

impl Cluster {
    /// Watches the objects of a subscription until the handle is dropped or stopped.
    ///
    /// # Errors
    /// When a projection is none. What the server has against the watch is told by
    /// [`WatchHandle::ready`].
    pub fn watch(&self, spec: WatchSpec, sink: WatchSink) -> Result<WatchHandle, ProjectionError> {
        self.watch_on(&self.inner.runtime, spec, sink)
    }

    /// As [`Cluster::watch`], with events read on another runtime than the one that sends.
    ///
    /// # Errors
    /// As there.
    pub fn watch_on(
        &self,
        runtime: &Handle,
        spec: WatchSpec,
        sink: WatchSink,
    ) -> Result<WatchHandle, ProjectionError> {
        let WatchSpec { measurement, index, subscription } = spec;
        let projector = Arc::new(Projector::compile(&subscription.projections)?);
        let target = ResourceRef {
            group: subscription.group,
            version: subscription.version,
            plural: subscription.plural,
            namespace: String::new(),
        };
        let builder = BatchBuilder::new(index, &target.group, &target.plural, projector.kinds().collect());
        let (progress, progressed) = watch::channel(Progress::default());
        let output = Arc::new(Output {
            cluster: self.clone(),
            measurement,
            target: target.clone(),
            sink,
            state: Mutex::new(State { builder, gaps: Vec::new(), lags: Vec::new() }),
            first_row: Notify::new(),
            progress,
        });
        let namespaces =
            if subscription.namespaces.is_empty() { vec![String::new()] } else { subscription.namespaces };
        let cancel = CancellationToken::new();
        let mut tasks = Vec::with_capacity(namespaces.len() + 1);
        let spawn = |future| AbortOnDropHandle::new(runtime.spawn(future));
        for namespace in &namespaces {
            let reflector = Reflector {
                cluster: self.clone(),
                target: target.in_namespace(namespace),
                label_selector: subscription.label_selector.clone(),
                field_selector: subscription.field_selector.clone(),
                projector: Arc::clone(&projector),
            };
            let (output, cancel) = (Arc::clone(&output), cancel.clone());
            tasks.push(spawn(futures::future::FutureExt::boxed(async move {
                reflector.run(cancel, |signal| output.take(signal)).await;
                output.flush();
            })));
        }
        let flusher = flush_regularly(output, cancel.clone());
        tasks.push(spawn(futures::future::FutureExt::boxed(flusher)));
        Ok(WatchHandle { progress: progressed, expected: namespaces.len(), cancel, tasks })
    }
}

async fn flush_regularly(output: Arc<Output>, cancel: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            () = output.first_row.notified() => {}
        }
        tokio::time::sleep(FLUSH_AFTER).await;
        output.flush();
    }
}

/// What all watches of a subscription share.
struct Output {
    cluster: Cluster,
    measurement: String,
    target: ResourceRef,
    sink: WatchSink,
    /// Held for microseconds, never across an await.
    state: Mutex<State>,
    first_row: Notify,
    progress: watch::Sender<Progress>,
}

struct State {
    builder: BatchBuilder,
    /// To be told with the next batch, one for each reason.
    gaps: Vec<Gap>,
    /// To be told with the next batch.
    lags: Vec<WatchLag>,
}

impl Output {
    fn take(&self, signal: Signal<'_>) {
        let mut state = self.state.lock();
        match signal {
            Signal::Row { kind, row, at } => {
                let created = state.builder.push(kind, row, at, self.cluster.own_creates());
                if self.sink.on_lags.is_some() {
                    state.lags.extend(created.and_then(|times| WatchLag::of(times, at)));
                }
            }
            Signal::Vanished { object, at } => state.builder.push_bare(&RowHead {
                kind: RowKind::Deleted,
                namespace: &object.namespace,
                name: &object.name,
                uid: &object.uid,
                resource_version: &object.resource_version,
                at,
            }),
            Signal::Gap { at, reason, rows, relisted } => {
                state.builder.push_gap(at);
                self.note(&mut state.gaps, at, reason, rows, relisted);
            }
            Signal::Watching => {
                self.progress.send_modify(|progress| progress.watching += 1);
                return;
            }
            Signal::Failed(error) => {
                let at = self.cluster.clock().now();
                state.builder.push_gap(at);
                self.note(&mut state.gaps, at, &format!("watch failed: {error}"), None, false);
                self.progress.send_modify(|progress| progress.failed = Some(error));
            }
        }
        match state.builder.rows() {
            0 => {}
            1 => self.first_row.notify_one(),
            MAX_ROWS.. => self.send(&mut state),
            _ => {}
        }
    }

    fn note(&self, gaps: &mut Vec<Gap>, at: TimeNs, reason: &str, rows: Option<u64>, relisted: bool) {
        if let Some(gap) = gaps.iter_mut().find(|gap| gap.reason == reason) {
            gap.rows = gap.rows.zip(rows).map(|(before, more)| before + more);
            gap.relisted &= relisted;
            return;
        }
        let (measurement, target) = (self.measurement.clone(), self.target.clone());
        gaps.push(Gap { measurement, target, at, reason: reason.to_owned(), rows, relisted });
    }

    fn flush(&self) {
        self.send(&mut self.state.lock());
    }

    fn send(&self, state: &mut State) {
        let Some(batch) = state.builder.take() else { return };
        let rows = batch.kind.iter().filter(|kind| **kind != RowKind::Gap as u8).count() as u64;
        match self.sink.batches.try_reserve() {
            Ok(place) => {
                place.send(batch);
            }
            Err(mpsc::error::TrySendError::Full(())) => {
                let at = self.cluster.clock().now();
                self.note(&mut state.gaps, at, "queue overflow", Some(rows), false);
                // The receiver lacks the strings of this batch, and must learn that rows are missing.
                state.builder.restart_strings();
                state.builder.push_gap(at);
                self.first_row.notify_one();
            }
            // Nobody listens any more.
            Err(mpsc::error::TrySendError::Closed(())) => state.builder.restart_strings(),
        }
        for gap in state.gaps.drain(..) {
            (self.sink.on_gap)(gap);
        }
        if let Some(on_lags) = self.sink.on_lags.as_ref().filter(|_| !state.lags.is_empty()) {
            on_lags(&state.lags, self.cluster.clock().now());
            state.lags.clear();
        }
    }
}
