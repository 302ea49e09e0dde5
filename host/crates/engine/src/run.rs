//! Runs a plan, from the first watch to the last deleted object.
//!
//! The order is the file: measurements watch before anything is created; every workload prepares before any
//! load, and controllers furnish the new namespaces; jobs run one after the other; the cluster settles;
//! measurements finish; everything is removed, also when something failed on the way. What happens is told as
//! [`RunEvent`]s; the engine writes no file and no terminal.

mod new_namespaces;
mod parts;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bench_cluster::Cluster;
use bench_limiter::RunClock;
use bench_model::{CleanupOutcome, CreatedNamespace, JobOutcome, Phase, RunEvent, RunId, StopReason, TimeNs};
use bench_plugin_host::HostError;
use bench_prometheus::Prometheus;
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::parts::RunParts;
use crate::{
    job::{FinishedJob, Job},
    journal::Journal,
    measurement::{Measurements, end},
    plan::Plan,
    stop::Stop,
    timer::Timing,
};

/// Requests that narrow the bounds of the server's clock: enough for about a round trip.
const CLOCK_REQUESTS: u32 = 16;
/// Time from the end of one measurement of the clock to the next.
const CLOCK_EVERY: Duration = Duration::from_secs(60);

/// The cluster is lost when it answered nothing for so long, in ns: longer than an API server takes to start again, a
/// new leader to be found, or one request to time out.
const LOST_AFTER_NS: u64 = 90_000_000_000;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LAST_QUESTION: Duration = Duration::from_secs(10);

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

/// Runs a plan to its end.
///
/// # Errors
/// Only when the host itself fails. What the cluster refused, what a plugin broke and what could not be
/// cleaned up is told in events and in the outcome. Objects are removed in any case.
pub async fn run(context: RunContext) -> Result<RunOutcome, RunError> {
    let stop = context.stop.clone();
    let deadline = context.clock.instant(context.clock.now() + context.plan.deadline);
    let parts = Arc::new(RunParts::new(context));
    let deadline = AbortOnDropHandle::new(tokio::spawn(watch_deadline(deadline, stop.clone())));
    let cluster = AbortOnDropHandle::new(tokio::spawn(watch_cluster(parts.clone(), stop.clone())));
    let loaded = load_and_measure(&parts).await;
    end(deadline).await;
    end(cluster).await;
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

async fn watch_deadline(deadline: tokio::time::Instant, stop: Stop) {
    tokio::time::sleep_until(deadline).await;
    stop.stop(StopReason::Deadline);
}

/// Ends the run when nothing is answered any more: what is due would only fail, and nobody waits for that.
async fn watch_cluster(parts: Arc<RunParts>, stop: Stop) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(since) = parts.cluster.unanswered_since() else { continue };
        if parts.clock.now().since(since) < LOST_AFTER_NS {
            continue;
        }
        // Asked once more: a single request may have been lost, and none sent after it.
        if !answers(&parts).await {
            return stop.stop(StopReason::ClusterLost);
        }
    }
}

async fn answers(parts: &RunParts) -> bool {
    tokio::time::timeout(LAST_QUESTION, parts.cluster.answers()).await.unwrap_or(false)
}

/// Everything up to the end of the last observation.
async fn load_and_measure(parts: &Arc<RunParts>) -> Result<Vec<FinishedJob>, HostError> {
    parts.enter(Phase::Setup).await;
    let clock = measure_clock_offset(parts).await;
    let measurements = Measurements::start(parts).await?;
    let finished = match prepare_all(parts).await {
        Ok(jobs) => {
            parts.halt.run_until_cancelled(new_namespaces::furnished(parts)).await;
            run_jobs(parts, jobs, &measurements).await
        }
        Err(error) => Err(error),
    };
    end(clock).await;
    // A failure of the jobs is told before one of the measurements.
    let measured = measurements.finish(parts).await;
    let finished = finished?;
    measured.map(|()| finished)
}

/// Tells the bounds known from connecting, and narrows them again and again while the run goes on: each aimed
/// request waits for the next second of the server.
async fn measure_clock_offset(parts: &Arc<RunParts>) -> AbortOnDropHandle<()> {
    tell_clock_offset(parts, parts.cluster.clock_offset()).await;
    let parts = parts.clone();
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            let offset = parts.cluster.measure_clock_offset(CLOCK_REQUESTS).await;
            tell_clock_offset(&parts, offset).await;
            tokio::time::sleep(CLOCK_EVERY).await;
        }
    }))
}

async fn tell_clock_offset(parts: &RunParts, (low, high): (TimeNs, TimeNs)) {
    parts.set_clock_offset((low, high));
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
        end(warmup).await;
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
async fn warm_up(parts: &Arc<RunParts>, warmup: std::time::Duration) -> AbortOnDropHandle<()> {
    if warmup.is_zero() {
        parts.enter(Phase::Measure).await;
        return AbortOnDropHandle::new(tokio::spawn(async {}));
    }
    parts.enter(Phase::Warmup).await;
    let parts = parts.clone();
    AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::time::sleep(warmup).await;
        parts.enter(Phase::Measure).await;
    }))
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
        if stop.reason() == Some(StopReason::ClusterLost) && !answers(parts).await {
            return Cluster::not_cleaned(&parts.ledger().namespaces_made());
        }
        for job in finished {
            job.clean_up(parts).await;
        }
        let made: Vec<CreatedNamespace> = parts.ledger().namespaces_made();
        parts.cluster.cleanup(&parts.run_id(), &made).await
    };
    let outcome = tokio::select! {
        biased;
        () = stop.abandoned().cancelled() => return None,
        outcome = cleaning => outcome,
    };
    if outcome.is_complete() {
        let entry = bench_model::JournalEntry::CleanedUp { at: parts.clock.now() };
        let _ = parts.journal().write(entry).await;
    }
    parts.emit(RunEvent::CleanedUp { outcome: outcome.clone(), at: parts.clock.now() }).await;
    Some(outcome)
}
