//! Runs a plan, from the first watch to the last deleted object.
//!
//! The order is the file: measurements watch before anything is created; every workload prepares before any
//! load; jobs run one after the other; the cluster settles; measurements finish; everything is removed, also
//! when something failed on the way. What happens is told as [`RunEvent`]s; the engine writes no file and no
//! terminal.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bench_cluster::Cluster;
use bench_limiter::RunClock;
use bench_model::{
    CleanupOutcome, CreatedNamespace, JobOutcome, Phase, QueueId, QueueName, RunEvent, RunId, StopReason,
    TimeNs,
};
use bench_plugin_host::{HostError, Ids, QueuePort, RunNamespaces, Services, UNKNOWN_OFFSET};
use bench_prometheus::Prometheus;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    job::{FinishedJob, Job},
    journal::Journal,
    ledger::Ledger,
    measurement::Measurements,
    plan::Plan,
    queue::QueueServices,
    seed,
    stop::Stop,
    timer::Timing,
};

/// Requests that narrow the bounds of the server's clock: enough for about a round trip.
const CLOCK_REQUESTS: u32 = 12;

/// Everything that a run needs from outside.
pub struct RunContext {
    /// Which run.
    pub run_id: RunId,
    /// What to do.
    pub plan: Plan,
    /// Where.
    pub cluster: Cluster,
    /// Endpoints by name.
    pub prometheus: Arc<BTreeMap<String, Prometheus>>,
    /// What the endpoint `""` means.
    pub default_prometheus: Option<String>,
    /// The only clock.
    pub clock: RunClock,
    /// Where everything that happens is told. When it closes, the run stops.
    pub events: mpsc::Sender<RunEvent>,
    /// Where everything that will be created is told first.
    pub journal: Journal,
    /// Where guests compute. May be the runtime that sends, when time is paused.
    pub plugin_runtime: Handle,
    /// How queues wait.
    pub timing: Timing,
    /// How the run is told to end early.
    pub stop: Stop,
}

/// How a run ended, besides what its events say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    /// Why it ended early.
    pub stopped: Option<StopReason>,
    /// What cleaning found; `None` when it was given up.
    pub cleanup: Option<CleanupOutcome>,
}

/// A failure of the host itself: a bug, or a machine that gave out.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A plugin could not be served.
    #[error("the plugin host failed")]
    PluginHost(#[from] HostError),
}

/// What all parts of a run share.
pub(crate) struct RunParts {
    pub(crate) plan: Plan,
    pub(crate) cluster: Cluster,
    pub(crate) clock: RunClock,
    /// Cancelled when load must end: by a stop, or by a measurement that broke.
    pub(crate) halt: CancellationToken,
    run_id: RunId,
    prometheus: Arc<BTreeMap<String, Prometheus>>,
    default_prometheus: Option<String>,
    events: mpsc::Sender<RunEvent>,
    journal: Journal,
    plugin_runtime: Handle,
    timing: Timing,
    ids: Arc<Ids>,
    queues: AtomicU32,
    ledger: Arc<Ledger>,
    namespaces: RunNamespaces,
    phase: watch::Sender<Phase>,
    clock_offset: watch::Sender<(TimeNs, TimeNs)>,
}

impl RunParts {
    pub(crate) async fn emit(&self, event: RunEvent) {
        if self.events.send(event).await.is_err() {
            self.halt.cancel();
        }
    }

    pub(crate) fn events(&self) -> mpsc::Sender<RunEvent> {
        self.events.clone()
    }

    pub(crate) fn run_id(&self) -> RunId {
        self.run_id
    }

    pub(crate) fn namespaces(&self) -> &RunNamespaces {
        &self.namespaces
    }

    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(crate) fn next_queue(&self) -> QueueId {
        QueueId(self.queues.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs guest code where guests compute.
    pub(crate) async fn on_plugin_runtime<F>(&self, call: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.plugin_runtime.spawn(call).await {
            Ok(output) => output,
            // Nothing cancels these tasks: the only error is a panic, which goes on here.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    pub(crate) fn spawn_plugin<F>(&self, call: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.plugin_runtime.spawn(call)
    }

    /// What an instance acts through; `names` make its seed.
    pub(crate) fn services(&self, names: &[&str], queues: BTreeMap<QueueName, QueuePort>) -> Services {
        let shard = self.plan.shard;
        Services {
            clock: self.clock,
            cluster: Some(self.cluster.clone()),
            prometheus: self.prometheus.clone(),
            default_prometheus: self.default_prometheus.clone(),
            events: self.events.clone(),
            ids: self.ids.clone(),
            run_id: self.run_id,
            seed: seed::derive(self.plan.seed, names),
            instance: (shard.index(), shard.total().get()),
            stop: self.halt.clone(),
            phase: self.phase.subscribe(),
            queues,
            namespaces: self.namespaces.clone(),
            clock_offset: self.clock_offset.subscribe(),
        }
    }

    pub(crate) fn queue_services(&self) -> QueueServices {
        QueueServices {
            cluster: self.cluster.clone(),
            clock: self.clock,
            ledger: self.ledger.clone(),
            journal: self.journal.clone(),
            namespaces: self.namespaces.clone(),
            events: self.events.clone(),
            timing: self.timing,
            stop: self.halt.clone(),
        }
    }

    async fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
        self.emit(RunEvent::PhaseStarted { phase, at: self.clock.now() }).await;
    }
}

/// Runs a plan to its end.
///
/// # Errors
/// Only when the host itself fails. What the cluster refused, what a plugin broke and what could not be
/// cleaned up is told in events and in the outcome. Objects are removed in any case.
pub async fn run(context: RunContext) -> Result<RunOutcome, RunError> {
    let stop = context.stop.clone();
    let deadline = context.clock.instant(context.clock.now() + context.plan.deadline);
    let parts = Arc::new(parts(context));
    let watchdog = tokio::spawn(watch_deadline(deadline, stop.clone()));
    let loaded = load_and_measure(&parts).await;
    watchdog.abort();
    let (finished, error) = match loaded {
        Ok(finished) => (finished, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let cleanup = tear_down(&parts, finished, &stop).await;
    match error {
        Some(error) => Err(error.into()),
        None => Ok(RunOutcome { stopped: stop.reason(), cleanup }),
    }
}

fn parts(context: RunContext) -> RunParts {
    let RunContext {
        run_id,
        plan,
        cluster,
        prometheus,
        default_prometheus,
        clock,
        events,
        journal,
        plugin_runtime,
        timing,
        stop,
    } = context;
    let (phase, _) = watch::channel(Phase::Setup);
    let (clock_offset, _) = watch::channel(UNKNOWN_OFFSET);
    RunParts {
        ledger: Arc::new(Ledger::new(plan.caps.objects, plan.caps.namespaces)),
        halt: stop.token().child_token(),
        plan,
        cluster,
        clock,
        run_id,
        prometheus,
        default_prometheus,
        events,
        journal,
        plugin_runtime,
        timing,
        ids: Arc::default(),
        queues: AtomicU32::new(0),
        namespaces: RunNamespaces::default(),
        phase,
        clock_offset,
    }
}

async fn watch_deadline(deadline: tokio::time::Instant, stop: Stop) {
    tokio::time::sleep_until(deadline).await;
    stop.stop(StopReason::Deadline);
}

/// Everything up to the end of the last observation.
async fn load_and_measure(parts: &Arc<RunParts>) -> Result<Vec<FinishedJob>, HostError> {
    parts.enter(Phase::Setup).await;
    let clock = measure_clock_offset(parts).await;
    let measurements = Measurements::start(parts).await?;
    let finished = match prepare_all(parts).await {
        Ok(jobs) => run_jobs(parts, jobs, &measurements).await,
        Err(error) => Err(error),
    };
    drop(clock);
    // A failure of the jobs is told before one of the measurements.
    let measured = measurements.finish(parts).await;
    let finished = finished?;
    measured.map(|()| finished)
}

/// Tells the bounds known from connecting, and narrows them while the run goes on: each aimed request waits
/// for the next second of the server.
async fn measure_clock_offset(parts: &Arc<RunParts>) -> AbortOnDropHandle<()> {
    tell_clock_offset(parts, parts.cluster.clock_offset()).await;
    let parts = parts.clone();
    AbortOnDropHandle::new(tokio::spawn(async move {
        let offset = parts.cluster.measure_clock_offset(CLOCK_REQUESTS).await;
        tell_clock_offset(&parts, offset).await;
    }))
}

async fn tell_clock_offset(parts: &RunParts, (low, high): (TimeNs, TimeNs)) {
    parts.clock_offset.send_replace((low, high));
    parts.emit(RunEvent::ClockOffset { at: parts.clock.now(), low, high }).await;
}

/// Prepares every job, or tells why one cannot start and closes the others.
async fn prepare_all(parts: &Arc<RunParts>) -> Result<Vec<Job>, HostError> {
    let mut jobs: Vec<Job> = Vec::new();
    for plan in &parts.plan.jobs {
        if parts.halt.is_cancelled() {
            finish_job(parts, plan.name.clone(), JobOutcome::Skipped).await;
            continue;
        }
        match Job::prepare(parts, plan.clone()).await? {
            Ok(job) => jobs.push(job),
            Err(outcome) => {
                finish_job(parts, plan.name.clone(), outcome).await;
                // No load for a run that is not what the scenario says.
                parts.halt.cancel();
            }
        }
    }
    Ok(jobs)
}

async fn run_jobs(
    parts: &Arc<RunParts>,
    jobs: Vec<Job>,
    measurements: &Measurements,
) -> Result<Vec<FinishedJob>, HostError> {
    let mut finished = Vec::new();
    for job in jobs {
        let name = job.name().clone();
        if parts.halt.is_cancelled() {
            finished.push(job.skip().await);
            finish_job(parts, name, JobOutcome::Skipped).await;
            continue;
        }
        let settle = job.plan().settle;
        let warmup = warm_up(parts, job.plan().warmup).await;
        let (outcome, job) = job.run(parts).await;
        warmup.abort();
        finished.push(job);
        let outcome = outcome?;
        let failed = !matches!(outcome, JobOutcome::Completed);
        finish_job(parts, name, outcome).await;
        parts.enter(Phase::Settle).await;
        measurements.settle(parts, settle).await;
        if failed {
            parts.halt.cancel();
        }
    }
    Ok(finished)
}

/// Enters the phase that counts, at once or when the warm-up is over.
async fn warm_up(parts: &Arc<RunParts>, warmup: std::time::Duration) -> tokio::task::JoinHandle<()> {
    if warmup.is_zero() {
        parts.enter(Phase::Measure).await;
        return tokio::spawn(async {});
    }
    parts.enter(Phase::Warmup).await;
    let parts = parts.clone();
    tokio::spawn(async move {
        tokio::time::sleep(warmup).await;
        parts.enter(Phase::Measure).await;
    })
}

async fn finish_job(parts: &RunParts, job: bench_model::JobName, outcome: JobOutcome) {
    parts.emit(RunEvent::JobFinished { job, at: parts.clock.now(), outcome }).await;
}

/// Removes everything that carries the run's label; `None` when that was given up.
async fn tear_down(parts: &Arc<RunParts>, finished: Vec<FinishedJob>, stop: &Stop) -> Option<CleanupOutcome> {
    parts.enter(Phase::Teardown).await;
    if let Some(reason) = stop.reason() {
        parts.emit(RunEvent::Stopping { reason, at: parts.clock.now() }).await;
    }
    let cleaning = async {
        for job in finished {
            job.clean_up(parts).await;
        }
        let made: Vec<CreatedNamespace> = parts.ledger.namespaces_made();
        parts.cluster.cleanup(&parts.run_id, &made, |_| {}).await
    };
    let outcome = tokio::select! {
        biased;
        () = stop.abandoned().cancelled() => return None,
        outcome = cleaning => outcome,
    };
    if outcome.is_complete() {
        let entry = bench_model::JournalEntry::CleanedUp { at: parts.clock.now() };
        let _ = parts.journal.write(entry).await;
    }
    parts.emit(RunEvent::CleanedUp { outcome: outcome.clone(), at: parts.clock.now() }).await;
    Some(outcome)
}
