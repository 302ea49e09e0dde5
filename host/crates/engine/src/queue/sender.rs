//! The task that works through the writes of a queue in order: waits for each due time, takes a place in the
//! in-flight window, launches the request.

use std::sync::Arc;

use bench_model::TimeNs;
use bench_plugin_host::WriteBatch;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{Shared, Work, body::Rows, counts::Counts, send};
use crate::{schedule::Schedule, timer::Timer};

/// The task and its place in the schedule.
pub(super) struct Sender {
    shared: Arc<Shared>,
    schedule: Schedule,
    timer: Timer,
    /// When the plugin had handed over the queue's first paced operation and the load might begin: due times
    /// count from it, so that neither the first call into a plugin nor what the plugin waited for before (pods
    /// that are ready, say, for a queue that deletes them) is taken for late load. It never moves.
    start: Option<TimeNs>,
    /// When the plugin handed over the current batch; the start of the run when it was waiting already.
    handed_over: TimeNs,
}

impl Sender {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let schedule = Schedule::new(&shared.settings.spec, shared.settings.seed, shared.settings.shard);
        let timer = Timer::new(shared.services.timing);
        Self { shared, schedule, timer, start: None, handed_over: TimeNs::ZERO }
    }

    pub(super) async fn run(mut self, mut work: mpsc::Receiver<Work>) {
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
        let mut rows = Rows::new(batch.action, &self.shared.services).await;
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
        if self.start.is_none() {
            let mut may_start = self.shared.settings.may_start.clone();
            tokio::select! {
                biased;
                () = self.shared.services.stop.cancelled() => return None,
                allowed = may_start.wait_for(|allowed| *allowed) => drop(allowed.ok()?),
            }
            self.start = Some(self.shared.services.clock.now());
        }
        self.start
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
        let Some(start) = self.start else { return };
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
