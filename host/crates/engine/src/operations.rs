//! Collects operations that ended: batches for the record, and a short memory for plugins that ask.

use std::{collections::VecDeque, time::Duration};

use bench_model::{Operation, QueueId, RunEvent};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

/// Operations in one event.
const BATCH: usize = 256;

/// Completions kept for a plugin that asks late; older ones are forgotten, never the record.
const REMEMBERED: usize = 16_384;

/// How long an operation may wait for its batch to fill.
pub(crate) const FLUSH_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Operations {
    queue: QueueId,
    events: mpsc::Sender<RunEvent>,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<Operation>,
    remembered: VecDeque<Operation>,
}

impl Operations {
    pub(crate) fn new(queue: QueueId, events: mpsc::Sender<RunEvent>) -> Self {
        Self { queue, events, state: Mutex::default(), arrived: Notify::new() }
    }

    /// Adds one; waits only when the record is far behind.
    pub(crate) async fn push(&self, operation: Operation) {
        let full = {
            let mut state = self.state.lock();
            if state.remembered.len() == REMEMBERED {
                state.remembered.pop_front();
            }
            state.remembered.push_back(operation);
            state.pending.push(operation);
            state.pending.len() >= BATCH
        };
        self.arrived.notify_one();
        if full {
            self.flush().await;
        }
    }

    /// Sends what is there to the record.
    pub(crate) async fn flush(&self) {
        let operations = std::mem::take(&mut self.state.lock().pending);
        if !operations.is_empty() {
            // A closed channel means that the recorder failed; the run is stopped by whoever owns it.
            let _ = self.events.send(RunEvent::Operations { queue: self.queue, operations }).await;
        }
    }

    /// Up to `max` operations that ended since the last call; waits for the first for at most `timeout`.
    pub(crate) async fn completed(&self, max: usize, timeout: Duration) -> Vec<Operation> {
        let deadline = tokio::time::Instant::now() + timeout;
        loop {
            let taken: Vec<_> = {
                let mut state = self.state.lock();
                let n = max.min(state.remembered.len());
                state.remembered.drain(..n).collect()
            };
            if !taken.is_empty() || tokio::time::timeout_at(deadline, self.arrived.notified()).await.is_err()
            {
                return taken;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bench_model::{ReasonId, ResourceId, TimeNs, Verb};

    use super::*;

    fn operation(index: u64) -> Operation {
        Operation {
            index,
            due: TimeNs(0),
            sent: TimeNs(1),
            done: TimeNs(2),
            http_status: 201,
            attempts: 1,
            verb: Verb::Create,
            resource: ResourceId(0),
            reason: ReasonId::NONE,
        }
    }

    #[tokio::test]
    async fn a_full_batch_goes_out_by_itself_and_the_rest_on_flush() {
        let (sender, mut events) = mpsc::channel(8);
        let operations = Operations::new(QueueId(3), sender);
        for index in 0..300 {
            operations.push(operation(index)).await;
        }
        operations.flush().await;
        let mut sizes = Vec::new();
        while let Ok(RunEvent::Operations { operations, .. }) = events.try_recv() {
            sizes.push(operations.len());
        }
        assert_eq!(sizes, [256, 44]);
    }

    #[tokio::test(start_paused = true)]
    async fn completions_wait_for_the_first_and_give_up_in_time() {
        let (sender, _events) = mpsc::channel(8);
        let operations = Operations::new(QueueId(0), sender);
        assert_eq!(operations.completed(10, Duration::from_secs(1)).await, []);
        operations.push(operation(0)).await;
        operations.push(operation(1)).await;
        assert_eq!(operations.completed(1, Duration::from_secs(1)).await, [operation(0)]);
        assert_eq!(operations.completed(9, Duration::from_secs(1)).await, [operation(1)]);
    }
}
