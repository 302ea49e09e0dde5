//! Serves one queue of a job: takes what the plugin asks for, waits for each due time, keeps many requests
//! in flight, and says what became of every one.
//!
//! Open loop: the due time of an operation never moves. When the in-flight window, the run-wide limiter or
//! the plugin is late, the operation leaves late and its response time says so.
//!
//! Two tasks: the *router* answers completions at any time; the *sender* works through writes in order.

mod body;
mod send;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bench_cluster::Cluster;
use bench_limiter::RunClock;
use bench_model::{Operation, QueueId, QueueSpec, QueueTotals, RunEvent, TimeNs};
use bench_plugin_host::{CompletionBatch, Grants, QueueCommand, RunNamespaces, WriteBatch};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use self::body::Rows;
use crate::{
    journal::Journal, ledger::Ledger, operations::FLUSH_EVERY, operations::Operations, schedule::Schedule,
    timer::Timer, timer::Timing,
};

/// Writes that wait for the sender; the plugin waits when they are full.
const WRITES: usize = 64;

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
}

/// One queue: whose, how paced, and since when.
pub(crate) struct QueueSettings {
    pub(crate) id: QueueId,
    pub(crate) spec: QueueSpec,
    pub(crate) seed: u64,
    pub(crate) grants: Grants,
    /// True when the job's load may begin.
    pub(crate) may_start: watch::Receiver<bool>,
    /// When the plugin handed over the job's first paced operation: due times of all its queues count from
    /// it, so that the first call into a plugin is not taken for late load.
    pub(crate) start: Arc<OnceLock<TimeNs>>,
}

/// Counts of a queue; written by its tasks.
#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    due: AtomicU64,
    sent: AtomicU64,
    answered: AtomicU64,
    held_by_in_flight: AtomicU64,
    held_by_limiter: AtomicU64,
    late_plugin: AtomicU64,
}

impl Counts {
    fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    fn totals(&self) -> QueueTotals {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueueTotals {
            asked: of(&self.asked),
            due: of(&self.due),
            sent: of(&self.sent),
            answered: of(&self.answered),
            held_by_in_flight: of(&self.held_by_in_flight),
            held_by_limiter: of(&self.held_by_limiter),
            late_plugin: of(&self.late_plugin),
        }
    }
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
    /// After a stop, requests in flight have ten seconds to end; then they count as never answered.
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

async fn flush_forever(shared: Arc<Shared>) {
    let mut every = tokio::time::interval(FLUSH_EVERY);
    loop {
        every.tick().await;
        shared.operations.flush().await;
    }
}

/// The task that works through writes in order.
struct Sender {
    shared: Arc<Shared>,
    schedule: Schedule,
    timer: Timer,
    /// When the plugin handed over the current batch; the start of the run when it was waiting already.
    handed_over: TimeNs,
}

impl Sender {
    fn new(shared: Arc<Shared>) -> Self {
        let schedule = Schedule::new(&shared.settings.spec, shared.settings.seed);
        let timer = Timer::new(shared.services.timing);
        Self { shared, schedule, timer, handed_over: TimeNs::ZERO }
    }

    async fn run(mut self, mut work: mpsc::Receiver<Work>) {
        loop {
            let (next, waited) = match work.try_recv() {
                Ok(next) => (Some(next), false),
                Err(_) => (work.recv().await, true),
            };
            self.handed_over = if waited { self.shared.services.clock.now() } else { TimeNs::ZERO };
            match next {
                Some(Work::Write(batch)) => self.write(batch).await,
                Some(Work::Drain(reply)) => {
                    self.shared.wait_for_answers().await;
                    self.shared.operations.flush().await;
                    let _ = reply.send(());
                }
                None => return,
            }
        }
    }

    async fn write(&mut self, batch: WriteBatch) {
        let mut rows = Rows::new(batch.action);
        for row in 0..batch.rows {
            if self.shared.services.stop.is_cancelled() {
                self.abandon(&rows, batch.first_op + row, batch.rows - row).await;
                return;
            }
            // Rendered before its due time, so that rendering is not part of the lag.
            let prepared = rows.prepare(row, &self.shared).await;
            let Some(due) = self.wait_until_due().await else {
                self.abandon(&rows, batch.first_op + row, batch.rows - row).await;
                return;
            };
            let Some(permit) = self.window().await else {
                self.abandon_due(&rows, batch.first_op + row, due).await;
                self.abandon(&rows, batch.first_op + row + 1, batch.rows - row - 1).await;
                return;
            };
            // A closed loop has no schedule: an operation is due when there is room for it.
            let due = due.unwrap_or_else(|| self.shared.services.clock.now());
            Counts::add(&self.shared.counts.due, 1);
            send::launch(self.shared.clone(), batch.first_op + row, due, prepared, permit).await;
        }
    }

    /// Waits for the due time of the next operation: `Some(None)` when the queue is unpaced, `None` when the
    /// run stops first.
    async fn wait_until_due(&mut self) -> Option<Option<TimeNs>> {
        let Some(offset) = self.schedule.next_due() else { return Some(None) };
        let start = self.start().await?;
        let due = start + offset;
        if self.handed_over > due {
            Counts::add(&self.shared.counts.late_plugin, 1);
        }
        let deadline = self.shared.services.clock.instant(due);
        tokio::select! {
            biased;
            () = self.shared.services.stop.cancelled() => None,
            () = self.timer.sleep_until(deadline) => Some(Some(due)),
        }
    }

    async fn start(&mut self) -> Option<TimeNs> {
        if let Some(start) = self.shared.settings.start.get() {
            return Some(*start);
        }
        let mut may_start = self.shared.settings.may_start.clone();
        tokio::select! {
            biased;
            () = self.shared.services.stop.cancelled() => return None,
            allowed = may_start.wait_for(|allowed| *allowed) => drop(allowed.ok()?),
        }
        Some(*self.shared.settings.start.get_or_init(|| self.shared.services.clock.now()))
    }

    /// A place in the in-flight window; `None` when the run stops first.
    async fn window(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.shared.window.clone().try_acquire_owned() {
            return Some(permit);
        }
        if self.schedule.is_paced() {
            Counts::add(&self.shared.counts.held_by_in_flight, 1);
        }
        tokio::select! {
            biased;
            () = self.shared.services.stop.cancelled() => None,
            permit = self.shared.window.clone().acquire_owned() => permit.ok(),
        }
    }

    /// Records operations that were due before the stop and never left; later ones were not due.
    async fn abandon(&mut self, rows: &Rows, first: u64, n: u64) {
        let now = self.shared.services.clock.now();
        let Some(start) = self.shared.settings.start.get().copied() else { return };
        for index in first..first + n {
            let Some(due) = self.schedule.next_due().map(|offset| start + offset).filter(|due| *due <= now)
            else {
                return;
            };
            self.abandon_due(rows, index, Some(due)).await;
        }
    }

    async fn abandon_due(&self, rows: &Rows, index: u64, due: Option<TimeNs>) {
        let Some(due) = due else { return };
        Counts::add(&self.shared.counts.due, 1);
        send::record_unsent(&self.shared, index, due, rows).await;
    }
}
