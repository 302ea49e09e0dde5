//! The Job controller: runs pods until enough have succeeded.
//!
//! Pods carry the finalizer `batch.kubernetes.io/job-tracking` until they are counted, so that none is missed; which
//! ones are counted is remembered here, not in `status.uncountedTerminatedPods`. What is to be done is decided from
//! counts in `job/plan`. Not here: pod failure policies, success policies, a backoff limit for each index.

mod indexes;
mod plan;
mod pods;
mod status;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use self::plan::{Counts, Wish, plan};
use self::pods::{free, free_orphans, has_finalizer, index_of};
use super::conditions;
use super::context::{Context, SyncError};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::pods::{Phase, Pod};
use super::queue::WorkQueue;
use super::replica_set::enqueue_owner;
use super::{Controller, Seen};
use crate::store::{ChangeKind, Object, Propagation};

const COMPONENT: &str = "job-controller";
/// `DefaultJobPodFailureBackOff` and `MaxJobPodFailureBackOff`.
const BACKOFF: Duration = Duration::from_secs(10);
const BACKOFF_MAX: Duration = Duration::from_secs(600);

/// The Job controller.
#[derive(Debug)]
pub(super) struct Jobs {
    queue: WorkQueue<ObjectKey>,
    memory: HashMap<Arc<str>, Memory>,
}

/// What is remembered of a Job.
#[derive(Debug, Default)]
struct Memory {
    /// Pods that are in the status' counts.
    counted: HashSet<Arc<str>>,
    failures_in_a_row: u32,
    last_failure: Option<Instant>,
}

#[derive(Deserialize)]
struct Wire {
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default = "one")]
    parallelism: i64,
    completions: Option<i64>,
    #[serde(default = "six")]
    backoff_limit: i64,
    active_deadline_seconds: Option<u64>,
    ttl_seconds_after_finished: Option<u64>,
    #[serde(default)]
    completion_mode: String,
    #[serde(default)]
    suspend: bool,
    #[serde(default)]
    template: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    start_time: Option<jiff::Timestamp>,
    succeeded: i64,
    failed: i64,
    completed_indexes: String,
}

fn one() -> i64 {
    1
}

fn six() -> i64 {
    6
}

/// Everything of one sync.
struct Run<'a> {
    job: &'a Object,
    old: Value,
    wire: Wire,
    pods: Vec<Arc<Pod>>,
    /// Pods that have ended and are to be counted.
    ended: Vec<Arc<Pod>>,
    counts: Counts,
    done_indexes: BTreeSet<u32>,
}

impl Jobs {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new(), memory: HashMap::new() }
    }
}

impl Controller for Jobs {
    fn observe(&mut self, seen: Seen<'_>, _context: &Context) {
        if let Some(pod) = seen.pod {
            enqueue_owner(&mut self.queue, pod, "Job");
        } else if seen.known == Some(Known::Job) {
            if seen.change.kind == ChangeKind::Deleted {
                self.memory.remove(&seen.change.object.uid);
            }
            self.queue.add(ObjectKey::of(&seen.change.object));
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(job) = context.get(&context.kinds.jobs, &key.namespace, &key.name) else {
            return free_orphans(key, context);
        };
        let old = job.value().get("status").cloned().unwrap_or_default();
        let pods = context.pods.owned_by(&job.uid).cloned().collect::<Vec<_>>();
        if is_finished(&old) {
            free(&pods, context)?;
            return self.expire(key, &job, &old, context);
        }
        if job.deletion {
            return free(&pods, context);
        }
        let wire: Wire = job.decode()?;
        let memory = self.memory.entry(job.uid.clone()).or_default();
        let run = Run::new(&job, old, wire, pods, memory);
        let now = context.clock.instant();
        for pod in &run.ended {
            if pod.phase == Phase::Succeeded {
                memory.failures_in_a_row = 0;
            } else if !memory.counted.contains(pod.uid()) {
                memory.failures_in_a_row = memory.failures_in_a_row.saturating_add(1);
                memory.last_failure = Some(now);
            }
        }
        let pause = memory.last_failure.filter(|_| memory.failures_in_a_row > 0).map(|last| {
            let power = 2u32.saturating_pow(memory.failures_in_a_row - 1);
            last + BACKOFF.saturating_mul(power).min(BACKOFF_MAX)
        });
        let wish = run.wish(context);
        let decided = plan(wish, run.counts);
        run.write_status(decided, context)?;
        memory.counted.extend(run.ended.iter().map(|pod| pod.object.uid.clone()));
        free(&run.ended, context)?;
        run.act(decided, pause, &mut self.queue, key, context)
    }
}

impl Jobs {
    /// Deletes a finished Job when its time to live is over.
    fn expire(
        &mut self,
        key: &ObjectKey,
        job: &Object,
        status: &Value,
        context: &mut Context,
    ) -> Result<(), SyncError> {
        let wire: Wire = job.decode()?;
        let Some(ttl) = wire.spec.ttl_seconds_after_finished.filter(|_| !job.deletion) else { return Ok(()) };
        let list = status.get("conditions").and_then(Value::as_array);
        let finished = list.into_iter().flatten().find(|condition| {
            matches!(condition.get("type").and_then(Value::as_str), Some("Complete" | "Failed"))
        });
        let at = finished.and_then(|condition| condition.get("lastTransitionTime")?.as_str()?.parse().ok());
        let Some(at) = at else { return Ok(()) };
        let due = context.clock.instant_at(at) + Duration::from_secs(ttl);
        if due > context.clock.instant() {
            self.queue.add_at(key.clone(), due);
            return Ok(());
        }
        context.delete(job, Some(Propagation::Foreground))
    }
}

impl<'a> Run<'a> {
    fn new(job: &'a Object, old: Value, wire: Wire, pods: Vec<Arc<Pod>>, memory: &Memory) -> Self {
        let ended: Vec<_> =
            pods.iter().filter(|pod| pod.is_terminal() && has_finalizer(pod)).cloned().collect();
        let fresh = || ended.iter().filter(|pod| !memory.counted.contains(pod.uid()));
        let completions = wire.spec.completions.unwrap_or(0);
        let bound = u32::try_from(completions).unwrap_or(u32::MAX);
        let mut done_indexes = indexes::parse(&wire.status.completed_indexes, bound);
        let mut succeeded = wire.status.succeeded;
        for pod in fresh().filter(|pod| pod.phase == Phase::Succeeded) {
            if wire.spec.completion_mode == "Indexed" {
                done_indexes.extend(index_of(pod).filter(|index| *index < bound));
            } else {
                succeeded += 1;
            }
        }
        if wire.spec.completion_mode == "Indexed" {
            succeeded = i64::try_from(done_indexes.len()).unwrap_or(i64::MAX);
        }
        let count = |wanted: &dyn Fn(&Pod) -> bool| {
            i64::try_from(pods.iter().filter(|pod| wanted(pod)).count()).unwrap_or(i64::MAX)
        };
        let newly_failed = fresh().filter(|pod| pod.phase == Phase::Failed).count();
        let counts = Counts {
            active: count(&|pod| pod.is_active()),
            terminating: count(&|pod| pod.object.deletion && !pod.is_terminal()),
            succeeded,
            failed: wire.status.failed + i64::try_from(newly_failed).unwrap_or(0),
            restarts: pods.iter().filter(|pod| pod.is_active()).map(|pod| i64::from(pod.restarts)).sum(),
        };
        Self { job, old, wire, pods, ended, counts, done_indexes }
    }

    fn wish(&self, context: &Context) -> Wish {
        let spec = &self.wire.spec;
        let deadline = self.deadline(context);
        Wish {
            parallelism: spec.parallelism,
            completions: spec.completions,
            backoff_limit: spec.backoff_limit,
            suspended: spec.suspend,
            overdue: deadline.is_some_and(|deadline| deadline <= context.clock.instant()),
        }
    }

    fn deadline(&self, context: &Context) -> Option<Instant> {
        let seconds = self.wire.spec.active_deadline_seconds?;
        Some(context.clock.instant_at(self.wire.status.start_time?) + Duration::from_secs(seconds))
    }

    fn tell(&self, warning: bool, reason: &str, message: &str, context: &mut Context) {
        context.events.record(Report {
            about: self.job,
            field_path: None,
            warning,
            reason,
            message,
            reporter: Reporter::Controller(COMPONENT),
        });
    }
}

fn is_finished(status: &Value) -> bool {
    conditions::is_true(status, "Complete") || conditions::is_true(status, "Failed")
}
