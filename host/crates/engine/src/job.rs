//! Runs one job: its workload plugin, and the queues that the plugin fills.
//!
//! The plugin runs on the plugin runtime, the queues on the runtime that sends; between them are channels.
//! Preparing (`setup`) comes before any job's load, so that a job that cannot start stops the run early.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
};

use bench_model::{JobName, JobOutcome, QueueId, QueueName, QueueSpec, RunEvent};
use bench_plugin_host::{CallError, HostError, InstanceContext, QueueCommand, QueuePort, Workload};
use tokio::sync::{mpsc, watch};

use crate::{
    plan::PlannedJob,
    queue::{Queue, QueueSettings},
    run::RunParts,
    seed,
};

/// Commands that wait for the router of a queue; the plugin waits when they are full.
const COMMANDS: usize = 4;

/// A job that is prepared.
pub(crate) struct Job {
    plan: Arc<PlannedJob>,
    instance: Workload,
    queues: Vec<Queue>,
    may_start: watch::Sender<bool>,
}

/// How a call on the workload ended, in the record's words.
fn outcome(result: Result<(), CallError>, is_stopped: bool) -> Result<JobOutcome, HostError> {
    Ok(match result {
        Ok(()) if is_stopped => JobOutcome::Stopped,
        Ok(()) => JobOutcome::Completed,
        Err(CallError::Gave(_)) if is_stopped => JobOutcome::Stopped,
        Err(CallError::Gave(message)) => JobOutcome::Failed { message },
        Err(CallError::Abandoned) => JobOutcome::Stopped,
        Err(CallError::Fault(fault)) => JobOutcome::Faulted { fault },
        Err(CallError::Host(error)) => return Err(error),
    })
}

impl Job {
    /// Opens the queues, makes the instance and calls its `setup`.
    ///
    /// The inner error is the outcome of a job that cannot start; queues that were opened are closed.
    pub(crate) async fn prepare(
        parts: &RunParts,
        plan: Arc<PlannedJob>,
    ) -> Result<Result<Self, JobOutcome>, HostError> {
        let (may_start, started) = watch::channel(false);
        let (ports, queues) = open_queues(parts, &plan, &started).await;
        let context = InstanceContext {
            plugin: plan.plugin.name.clone(),
            user: plan.name.to_string(),
            grants: plan.plugin.grants.clone(),
            limits: plan.plugin.limits.clone(),
            services: parts.services(&[plan.name.as_str()], ports),
        };
        let made = parts.on_plugin_runtime(set_up(plan.clone(), context)).await;
        match made {
            Ok(instance) => Ok(Ok(Self { plan, instance, queues, may_start })),
            Err(error) => {
                close_all(queues).await;
                let stopped = parts.halt.is_cancelled();
                Ok(Err(outcome(Err(error), stopped)?))
            }
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &JobName {
        &self.plan.name
    }

    /// Its plan.
    pub(crate) fn plan(&self) -> &PlannedJob {
        &self.plan
    }

    /// Starts the load, runs the plugin to its end and waits until every answer is there.
    pub(crate) async fn run(self, parts: &RunParts) -> (Result<JobOutcome, HostError>, FinishedJob) {
        let Self { plan, mut instance, queues, may_start } = self;
        let at = parts.clock.now();
        parts.emit(RunEvent::JobStarted { job: plan.name.clone(), at }).await;
        may_start.send_replace(true);
        let (result, instance) = parts
            .on_plugin_runtime(async move {
                let result = instance.run().await;
                (result, instance)
            })
            .await;
        close_all(queues).await;
        (outcome(result, parts.halt.is_cancelled()), FinishedJob { plan, instance })
    }

    /// Closes a job that will not run.
    pub(crate) async fn skip(self) -> FinishedJob {
        close_all(self.queues).await;
        FinishedJob { plan: self.plan, instance: self.instance }
    }
}

/// A job whose load is over.
pub(crate) struct FinishedJob {
    plan: Arc<PlannedJob>,
    instance: Workload,
}

impl FinishedJob {
    /// Lets the plugin tidy up. Whatever it says, the run's objects are removed afterwards.
    pub(crate) async fn clean_up(self, parts: &RunParts) {
        if self.instance.fault().is_some() {
            return;
        }
        let Self { plan, mut instance } = self;
        let result = parts.on_plugin_runtime(async move { instance.cleanup().await }).await;
        if let Err(error) = result {
            tracing::warn!(job = %plan.name, %error, "the plugin failed to clean up; the run does it");
        }
    }
}

async fn set_up(plan: Arc<PlannedJob>, context: InstanceContext) -> Result<Workload, CallError> {
    let mut instance = plan.plugin.loaded.workload(context).await?;
    instance.setup(&plan.config).await?;
    Ok(instance)
}

async fn close_all(queues: Vec<Queue>) {
    for queue in queues {
        queue.close().await;
    }
}

async fn open_queues(
    parts: &RunParts,
    plan: &PlannedJob,
    may_start: &watch::Receiver<bool>,
) -> (BTreeMap<QueueName, QueuePort>, Vec<Queue>) {
    let mut ports = BTreeMap::new();
    let mut queues = Vec::new();
    let setup = (QueueName::setup(), QueueSpec::setup());
    let specs = plan.queues.iter().map(|(name, spec)| (name.clone(), *spec)).chain([setup]);
    for (name, spec) in specs {
        let id: QueueId = parts.next_queue();
        let event = RunEvent::QueueOpened {
            queue: id,
            job: plan.name.clone(),
            name: name.clone(),
            spec,
            at: parts.clock.now(),
        };
        parts.emit(event).await;
        let (sender, commands) = mpsc::channel::<QueueCommand>(COMMANDS);
        let settings = QueueSettings {
            id,
            spec,
            seed: seed::derive(parts.plan.seed, &[plan.name.as_str(), name.as_str()]),
            shard: parts.plan.shard,
            grants: plan.plugin.grants.clone(),
            may_start: may_start.clone(),
        };
        queues.push(Queue::spawn(parts.queue_services(), settings, commands));
        ports.insert(name, QueuePort { commands: sender, next_op: Arc::new(AtomicU64::new(0)) });
    }
    (ports, queues)
}
