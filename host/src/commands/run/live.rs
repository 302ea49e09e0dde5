//! The live view on a thread of its own: keys in, pictures out, and the pods that it shows.
//!
//! The thread has a runtime of its own, on which it reads a watch of the run's pods, so that neither drawing nor
//! reading pods takes time from the one that sends. The watch is there only while the view is; like every request
//! it goes through the run's limiter, and the record says that there was a view. What a key means to the run goes
//! the way that it goes without a view: stopping as a signal does, marks as events of the run.

use std::{pin::pin, thread::JoinHandle, time::Duration};

use bench_cluster::{Cluster, WatchHandle, WatchSink, WatchSpec};
use bench_engine::Stop;
use bench_limiter::RunClock;
use bench_model::{EventBatch, RunEvent, RunId, TimeNs};
use bench_report::{Action, LiveView, Shown};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use super::showing::Opened;
use crate::diagnostics::{Hold, Ui};

/// How often keys are read.
const KEYS_EVERY: Duration = Duration::from_millis(50);
/// A picture is made once in so many looks at the keys: five times a second.
const LOOKS_A_PICTURE: u32 = 4;

/// What the view reaches of the run.
pub struct Wiring {
    /// Where the pods are.
    pub cluster: Cluster,
    /// Whose.
    pub run_id: RunId,
    /// The only clock.
    pub clock: RunClock,
    /// Nodes of the cluster.
    pub nodes: Vec<String>,
    /// Whether the run was told to stop.
    pub stop: Stop,
    /// Where presses of the key that stops go.
    pub press: mpsc::Sender<()>,
    /// Where marks go; weak, because the record ends with its last sender.
    pub marks: mpsc::WeakSender<RunEvent>,
}

/// A view that is shown.
pub struct Live {
    thread: Option<JoinHandle<()>>,
    ended: CancellationToken,
    shown: Shown,
    hold: Hold,
}

impl Live {
    /// Starts the thread; without one the terminal is given back, and the run goes on unseen.
    pub fn start(opened: Opened, wiring: Wiring) -> Self {
        let Opened { view, shown, hold } = opened;
        let ended = CancellationToken::new();
        let until = ended.clone();
        let thread = std::thread::Builder::new().name("live".to_owned()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return tracing::warn!(%error, "failed to start the runtime of the live view"),
            };
            if let Err(error) = runtime.block_on(show(view, wiring, until)) {
                tracing::warn!(%error, "the live view ended early");
            }
        });
        let thread = thread.map_err(|error| tracing::warn!(%error, "failed to start the live view")).ok();
        Self { thread, ended, shown, hold }
    }

    /// Gives the terminal back, and leaves on it what happened.
    pub fn finish(self, ui: &Ui) {
        self.ended.cancel();
        if let Some(thread) = self.thread {
            // A panic of the thread was printed by itself.
            let _ = thread.join();
        }
        drop(self.hold);
        let lines = self.shown.lines();
        if !lines.is_empty() {
            ui.note(lines.trim_end());
        }
    }
}

/// Shows the run until it ends.
async fn show(mut view: LiveView, wiring: Wiring, ended: CancellationToken) -> std::io::Result<()> {
    let Wiring { cluster, run_id, clock, nodes, stop, press, marks } = wiring;
    view.nodes(nodes);
    let (mut batches, mut watching) = match watch(&cluster, run_id) {
        Ok((watch, batches)) => (Some(batches), Some(watch)),
        Err(error) => {
            view.no_pods(&error);
            (None, None)
        }
    };
    let opened = async {
        match &mut watching {
            Some(watch) => watch.ready().await,
            None => Ok(()),
        }
    };
    let mut opened = pin!(opened);
    let (mut is_opened, mut looks) = (false, 0_u32);
    let mut marks = Marks { events: marks, clock, number: 0, waiting: Vec::new() };
    let mut every = tokio::time::interval(KEYS_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = ended.cancelled() => return Ok(()),
            _ = every.tick() => {
                for action in view.keys()? {
                    match action {
                        // More than two presses mean nothing.
                        Action::Stop => {
                            let _ = press.try_send(());
                        }
                        Action::Mark => marks.add(),
                    }
                }
                marks.send();
                if let Some(reason) = stop.reason() {
                    view.stopping(reason);
                }
                if looks.is_multiple_of(LOOKS_A_PICTURE) {
                    view.draw()?;
                }
                looks = looks.wrapping_add(1);
            }
            result = &mut opened, if !is_opened => {
                is_opened = true;
                if let Err(error) = result {
                    view.no_pods(&format!("pods cannot be watched: {error}"));
                }
            }
            Some(batch) = next(&mut batches) => view.pods(&batch),
        }
    }
}

async fn next(batches: &mut Option<mpsc::Receiver<EventBatch>>) -> Option<EventBatch> {
    match batches {
        Some(batches) => batches.recv().await,
        None => None,
    }
}

/// Opens the watch of the run's pods on this runtime. What it misses while nobody keeps up is missing on the
/// screen until the pod changes again, and nowhere else.
fn watch(cluster: &Cluster, run_id: RunId) -> Result<(WatchHandle, mpsc::Receiver<EventBatch>), String> {
    let (sink, batches) =
        WatchSink::new(|gap| tracing::debug!(reason = gap.reason, "the live view missed pods"));
    let subscription = LiveView::subscription(run_id);
    let spec = WatchSpec { measurement: "live view".to_owned(), index: 0, subscription };
    let watch = cluster.watch_on(&tokio::runtime::Handle::current(), spec, sink);
    watch.map(|watch| (watch, batches)).map_err(|error| error.to_string())
}

/// Marks on their way into the record.
struct Marks {
    events: mpsc::WeakSender<RunEvent>,
    clock: RunClock,
    number: u32,
    waiting: Vec<(u32, TimeNs)>,
}

impl Marks {
    fn add(&mut self) {
        self.number += 1;
        self.waiting.push((self.number, self.clock.now()));
    }

    /// Sends those that wait; they keep their time when the record is behind.
    fn send(&mut self) {
        let Some(events) = self.events.upgrade() else { return };
        while let Some((number, at)) = self.waiting.first().copied() {
            match events.try_send(RunEvent::Marked { number, at }) {
                Ok(()) => {
                    self.waiting.remove(0);
                }
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => return,
            }
        }
    }
}
