//! Drives measurements: their watches on the load runtime, their plugin on its own.
//!
//! One bounded queue leads from all watches of a measurement to its plugin. When the plugin is too slow, rows
//! are lost, the batch says `gap` and the run becomes invalid; the watch itself never waits.

mod notes;
mod probe;
mod watches;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bench_cluster::{WATCH_QUEUE, WatchHandle};
use bench_limiter::RunClock;
use bench_model::{EventBatch, Phase, RunEvent, TimeNs};
use bench_plugin_host::{CallError, HostError, InstanceContext, Measurement, MeasurementPlan};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::task::AbortOnDropHandle;

use self::{notes::Notes, probe::Probe, watches::open_watches};
use crate::{plan::PlannedMeasurement, run::RunParts};

/// The cluster is quiet when no watch said anything for so long.
const QUIET: Duration = Duration::from_millis(300);

/// Longest wait for quiet when a job does not say how long to settle.
const LONGEST_SETTLE: Duration = Duration::from_secs(10);

/// All measurements of a run.
pub(crate) struct Measurements {
    running: Vec<Running>,
    /// Only where something is watched.
    probe: Option<Probe>,
}

struct Running {
    name: String,
    watches: Vec<WatchHandle>,
    driver: JoinHandle<Result<String, CallError>>,
    last_event: Arc<AtomicI64>,
    notes: Arc<Notes>,
    /// Tells them while the run goes on.
    telling: AbortOnDropHandle<()>,
}

impl Measurements {
    /// Starts them all; when it returns, every watch has its initial list. One that cannot start halts the
    /// run.
    pub(crate) async fn start(parts: &Arc<RunParts>) -> Result<Self, HostError> {
        let mut running = Vec::new();
        for plan in &parts.plan.measurements {
            if parts.halt.is_cancelled() {
                break;
            }
            match start(parts, plan.clone()).await {
                Ok(measurement) => running.push(measurement),
                Err(error) => fail(parts, &plan.name, error).await?,
            }
        }
        let is_watching = running.iter().any(|one| !one.watches.is_empty());
        Ok(Self { running, probe: is_watching.then(|| Probe::start(parts)) })
    }

    /// Waits as long as the job says, or until no watch has anything new.
    pub(crate) async fn settle(&self, parts: &RunParts, settle: Option<Duration>) {
        if let Some(settle) = settle {
            tokio::select! {
                biased;
                () = parts.halt.cancelled() => {}
                () = tokio::time::sleep(settle) => {}
            }
            return;
        }
        let give_up = parts.clock.now() + LONGEST_SETTLE;
        loop {
            let last = self.running.iter().map(|one| one.last_event.load(Ordering::Relaxed)).max();
            let quiet_at = TimeNs(last.unwrap_or(0)) + QUIET;
            let now = parts.clock.now();
            if quiet_at <= now || now >= give_up || parts.halt.is_cancelled() {
                return;
            }
            tokio::time::sleep(quiet_at - now).await;
        }
    }

    /// Ends the watches, lets the plugins see every row that came, and records their reports.
    pub(crate) async fn finish(self, parts: &Arc<RunParts>) -> Result<(), HostError> {
        if let Some(probe) = self.probe {
            probe.stop().await;
        }
        for measurement in self.running {
            let Running { name, watches, driver, notes, telling, .. } = measurement;
            for watch in watches {
                watch.stop().await;
            }
            notes.tell(&parts.events()).await;
            end(telling).await;
            let result = match driver.await {
                Ok(result) => result,
                // Nothing cancels the task: the only error is a panic, which goes on here.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            match result {
                Ok(json) if json.is_empty() => {}
                Ok(json) => parts.emit(RunEvent::MeasurementReport { source: name, json }).await,
                Err(error) => fail(parts, &name, error).await?,
            }
        }
        Ok(())
    }
}

/// Ends a task and waits until all that it holds is let go: whoever keeps the record waits for the last sender.
pub(crate) async fn end(task: AbortOnDropHandle<()>) {
    task.abort();
    // Its own end is what was asked for.
    let _ = task.await;
}

/// Records that a measurement ended early, and halts the run: without it the run has no result.
async fn fail(parts: &RunParts, name: &str, error: CallError) -> Result<(), HostError> {
    let (message, fault) = match error {
        CallError::Gave(message) => (message, None),
        CallError::Abandoned => ("the run was given up".to_owned(), None),
        CallError::Fault(fault) => (fault.to_string(), Some(fault)),
        CallError::Host(error) => return Err(error),
    };
    let at = parts.clock.now();
    parts.emit(RunEvent::MeasurementFailed { source: name.to_owned(), at, message, fault }).await;
    parts.halt.cancel();
    Ok(())
}

async fn start(parts: &Arc<RunParts>, plan: Arc<PlannedMeasurement>) -> Result<Running, CallError> {
    let context = InstanceContext {
        plugin: plan.plugin.name.clone(),
        user: plan.name.clone(),
        grants: plan.plugin.grants.clone(),
        limits: plan.plugin.limits.clone(),
        services: parts.services(&[&plan.name], std::collections::BTreeMap::new()),
    };
    let (instance, wanted) = parts.on_plugin_runtime(set_up(plan.clone(), context)).await?;
    let (batches, received) = mpsc::channel(WATCH_QUEUE);
    let last_event = Arc::new(AtomicI64::new(0));
    let driver = Driver {
        instance,
        batches: received,
        tick_every: wanted.tick_every,
        phase: parts.phase(),
        clock: parts.clock,
        last_event: last_event.clone(),
    };
    let notes = Arc::new(Notes::new(&plan.name, parts.next_instrument()));
    let telling = AbortOnDropHandle::new(tokio::spawn(notes.clone().tell_forever(parts.events())));
    let watches = open_watches(parts, &plan, wanted.subscriptions, batches, &notes).await?;
    let (failed, failure) = oneshot::channel();
    let driver = parts.spawn_plugin(async move {
        let result = driver.run().await;
        // A fault in the middle must end the load at once; the error itself is taken at the end.
        if result.is_err() {
            let _ = failed.send(());
        }
        result
    });
    let halt = parts.halt.clone();
    tokio::spawn(async move {
        if failure.await.is_ok() {
            halt.cancel();
        }
    });
    Ok(Running { name: plan.name.clone(), watches, driver, last_event, notes, telling })
}

async fn set_up(
    plan: Arc<PlannedMeasurement>,
    context: InstanceContext,
) -> Result<(Measurement, MeasurementPlan), CallError> {
    let mut instance = plan.plugin.loaded.measurement(context).await?;
    let wanted = instance.setup(&plan.config).await?;
    Ok((instance, wanted))
}

/// Calls the plugin for whatever comes next.
struct Driver {
    instance: Measurement,
    batches: mpsc::Receiver<EventBatch>,
    tick_every: Option<Duration>,
    phase: watch::Receiver<Phase>,
    clock: RunClock,
    last_event: Arc<AtomicI64>,
}

/// What the plugin is called for.
enum Call {
    Events(EventBatch),
    Tick,
    Phase(Phase),
    Finish,
}

impl Driver {
    async fn run(mut self) -> Result<String, CallError> {
        let mut tick = self.tick_every.map(|every| {
            let mut tick = tokio::time::interval(every);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            tick
        });
        loop {
            match self.next(&mut tick).await {
                Call::Events(batch) => {
                    self.last_event.store(self.clock.now().0, Ordering::Relaxed);
                    self.instance.on_events(batch).await?;
                }
                Call::Tick => self.instance.on_tick(self.clock.now()).await?,
                Call::Phase(phase) => self.instance.on_phase(phase, self.clock.now()).await?,
                Call::Finish => return self.instance.finish().await,
            }
        }
    }

    async fn next(&mut self, tick: &mut Option<tokio::time::Interval>) -> Call {
        let ticking = async {
            match tick {
                Some(tick) => drop(tick.tick().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Ok(()) = self.phase.changed() => Call::Phase(*self.phase.borrow_and_update()),
            batch = self.batches.recv() => batch.map_or(Call::Finish, Call::Events),
            () = ticking => Call::Tick,
        }
    }
}
