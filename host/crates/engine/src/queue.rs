//! Serves one queue of a job: takes what the plugin asks for, waits for each due time, keeps many requests
//! in flight, and says what became of every one.
//!
//! Open loop: the due time of an operation never moves. When the in-flight window, the run-wide limiter or
//! the plugin is late, the operation leaves late and its response time says so.
//!
//! Two tasks: the *router* answers completions at any time; the *sender* works through writes in order.

mod body;
mod counts;
mod send;
mod sender;

use std::{sync::Arc, time::Duration};

use bench_cluster::Cluster;
use bench_limiter::RunClock;
use bench_model::{Operation, QueueId, QueueSpec, QueueTotals, RunEvent, Shard};
use bench_plugin_host::{CompletionBatch, Grants, QueueCommand, RunNamespaces, WriteBatch};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use self::{counts::Counts, sender::Sender};
use crate::{
    journal::Journal, ledger::Ledger, operations::FLUSH_EVERY, operations::Operations, timer::Timing,
};

/// Writes that wait for the sender; the plugin waits when they are full.
const WRITES: usize = 64;

/// Counts are told once in so many flushes: four times a second.
const FLUSHES_A_COUNT: u32 = 5;

/// How long requests in flight may take to end after a stop.
const GRACE: Duration = Duration::from_secs(10);

/// What all queues of a run share.
#[derive(Clone)]
pub(crate) struct QueueServices {
    pub(crate) cluster: Cluster,
    pub(crate) clock: RunClock,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) journal: Journal,
    pub(crate) namespaces: RunNamespaces,
    pub(crate) events: mpsc::Sender<RunEvent>,
    pub(crate) timing: Timing,
    pub(crate) stop: CancellationToken,
    /// Cancelled when the run is given up: requests in flight have no grace then.
    pub(crate) abandoned: CancellationToken,
}

/// One queue: whose, how paced, and since when.
pub(crate) struct QueueSettings {
    pub(crate) id: QueueId,
    pub(crate) spec: QueueSpec,
    pub(crate) seed: u64,
    pub(crate) shard: Shard,
    pub(crate) grants: Grants,
    /// True when the job's load may begin.
    pub(crate) may_start: watch::Receiver<bool>,
}

/// What the tasks of one queue share.
struct Shared {
    services: QueueServices,
    settings: QueueSettings,
    counts: Counts,
    operations: Operations,
    window: Arc<Semaphore>,
    /// Cancelled when the job is over: what was asked for is still sent, then the tasks end.
    closing: CancellationToken,
    /// Cancelled when requests in flight are given up.
    give_up: CancellationToken,
}

/// A running queue.
pub(crate) struct Queue {
    shared: Arc<Shared>,
    router: JoinHandle<()>,
    sender: JoinHandle<()>,
    flusher: JoinHandle<()>,
}

impl Queue {
    /// Starts its tasks on the current runtime: the one that sends. They end when the queue is closed.
    pub(crate) fn spawn(
        services: QueueServices,
        settings: QueueSettings,
        commands: mpsc::Receiver<QueueCommand>,
    ) -> Self {
        let shared = Arc::new(Shared {
            operations: Operations::new(settings.id, services.events.clone()),
            window: Arc::new(Semaphore::new(window_size(&settings.spec))),
            counts: Counts::default(),
            closing: CancellationToken::new(),
            give_up: CancellationToken::new(),
            services,
            settings,
        });
        let (writes, waiting) = mpsc::channel(WRITES);
        let router = tokio::spawn(route(shared.clone(), commands, writes));
        let sender = tokio::spawn(Sender::new(shared.clone()).run(waiting));
        let flusher = tokio::spawn(flush_forever(shared.clone()));
        Self { shared, router, sender, flusher }
    }

    /// Waits until everything asked for is sent and answered, or the run stops; then tells the totals.
    /// After a stop, requests in flight have ten seconds to end, and none when the run is given up; then they
    /// count as never answered.
    pub(crate) async fn close(self) {
        let Self { shared, router, sender, flusher } = self;
        shared.closing.cancel();
        // Task failures are panics, which the runtime has already reported.
        let _ = router.await;
        let _ = sender.await;
        shared.wait_for_answers().await;
        flusher.abort();
        shared.operations.flush().await;
        let totals = shared.counts.totals();
        let event =
            RunEvent::QueueClosed { queue: shared.settings.id, totals, at: shared.services.clock.now() };
        let _ = shared.services.events.send(event).await;
    }
}

fn window_size(spec: &QueueSpec) -> usize {
    usize::try_from(spec.in_flight.get()).unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS)
}

impl Shared {
    /// Returns when no request is in flight.
    async fn wait_for_answers(&self) {
        let all = self.settings.spec.in_flight.get();
        let mut idle = std::pin::pin!(self.window.acquire_many(all));
        let stopped = async {
            self.services.stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            _ = &mut idle => return,
            () = self.services.abandoned.cancelled() => self.give_up.cancel(),
            () = stopped => self.give_up.cancel(),
        }
        let _ = idle.await;
    }

    fn completion_batch(&self, operations: &[Operation]) -> CompletionBatch {
        let mut batch = CompletionBatch { reasons: vec![String::new()], ..CompletionBatch::default() };
        for operation in operations {
            let reason = self.services.ledger.reason_text(operation.reason);
            let known = batch.reasons.iter().position(|text| *text == reason);
            let position = known.unwrap_or_else(|| {
                batch.reasons.push(reason);
                batch.reasons.len() - 1
            });
            batch.op.push(operation.index);
            batch.due_at.push(operation.due);
            batch.sent_at.push(operation.sent);
            batch.done_at.push(operation.done);
            batch.http_status.push(operation.http_status);
            batch.attempts.push(operation.attempts);
            batch.reason.push(u32::try_from(position).unwrap_or(u32::MAX));
        }
        batch
    }
}

/// What the sender works through.
enum Work {
    Write(WriteBatch),
    Drain(oneshot::Sender<()>),
}

async fn route(shared: Arc<Shared>, mut commands: mpsc::Receiver<QueueCommand>, writes: mpsc::Sender<Work>) {
    while let Some(command) = next_command(&shared, &mut commands).await {
        let work = match command {
            QueueCommand::Write(batch) => {
                Counts::add(&shared.counts.asked, batch.rows);
                Work::Write(batch)
            }
            QueueCommand::Drain { reply } => Work::Drain(reply),
            QueueCommand::Completions { max, timeout, reply } => {
                let max = usize::try_from(max).unwrap_or(usize::MAX);
                let operations = shared.operations.completed(max, timeout).await;
                let _ = reply.send(shared.completion_batch(&operations));
                continue;
            }
        };
        if writes.send(work).await.is_err() {
            return;
        }
    }
}

/// What the plugin asks next; `None` when the job is over and everything it asked was taken.
async fn next_command(shared: &Shared, commands: &mut mpsc::Receiver<QueueCommand>) -> Option<QueueCommand> {
    tokio::select! {
        biased;
        command = commands.recv() => command,
        () = shared.closing.cancelled() => None,
    }
}

/// Hands over what ended, and now and then what the queue did so far; ended when the queue closes.
async fn flush_forever(shared: Arc<Shared>) {
    let mut every = tokio::time::interval(FLUSH_EVERY);
    let mut told = QueueTotals::default();
    loop {
        for _ in 0..FLUSHES_A_COUNT {
            every.tick().await;
            shared.operations.flush().await;
        }
        let totals = shared.counts.totals();
        if totals != told {
            told = totals;
            let (queue, at) = (shared.settings.id, shared.services.clock.now());
            // A closed channel means that the recorder failed; the run is stopped by whoever owns it.
            let _ = shared.services.events.send(RunEvent::QueueCounted { queue, totals, at }).await;
        }
    }
}
