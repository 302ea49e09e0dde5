//! The Job controller: runs pods until enough have succeeded.
//!
//! Pods carry the finalizer `batch.kubernetes.io/job-tracking` until they are counted, so that none is missed; which
//! ones are counted is remembered here, not in `status.uncountedTerminatedPods`. What is to be done is decided from
//! counts in `job/plan`. Not here: pod failure policies, success policies, a backoff limit for each index.

mod indexes;
mod plan;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use self::plan::{Counts, Failure, Plan, Wish, plan};
use super::conditions::{self, Condition, Times};
use super::context::{Context, SyncError};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::pod_template::{pod_from, set_metadata};
use super::pods::{Phase, Pod};
use super::queue::WorkQueue;
use super::replica_set::enqueue_owner;
use super::{Controller, Seen};
use crate::store::{ChangeKind, Object, Propagation};

const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
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

    fn write_status(&self, decided: Plan, context: &mut Context) -> Result<(), SyncError> {
        let now = context.clock.seconds();
        let mut status = self.old.as_object().cloned().unwrap_or_default();
        let suspended = conditions::is_true(&self.old, "Suspended");
        let condition = |status: &mut Map<String, Value>, kind, value, reason, message| {
            let condition = Condition {
                kind,
                status: value,
                reason: Some(reason),
                message: Some(message),
                observed_generation: None,
            };
            conditions::set(status, Times::Probe, condition, &now);
        };
        match decided {
            Plan::Suspend => {
                status.remove("startTime");
                condition(&mut status, "Suspended", "True", "JobSuspended", "Job suspended");
                if !suspended {
                    self.tell(false, "Suspended", "Job suspended", context);
                }
            }
            Plan::Run(_) if suspended => {
                condition(&mut status, "Suspended", "False", "JobResumed", "Job resumed");
                self.tell(false, "Resumed", "Job resumed", context);
            }
            Plan::Run(_) | Plan::Complete | Plan::Fail(_) => {}
        }
        if decided != Plan::Suspend && !status.contains_key("startTime") {
            status.insert("startTime".into(), now.as_str().into());
        }
        self.write_end(decided, &mut status, condition, context);
        let ready = self.pods.iter().filter(|pod| pod.is_active() && pod.is_ready()).count();
        for (field, count) in [
            ("active", self.counts.active),
            ("succeeded", self.counts.succeeded),
            ("failed", self.counts.failed),
        ] {
            status.remove(field);
            if count > 0 {
                status.insert(field.into(), count.into());
            }
        }
        status.insert("ready".into(), ready.into());
        status.insert("terminating".into(), self.counts.terminating.into());
        status.insert("uncountedTerminatedPods".into(), json!({}));
        if self.wire.spec.completion_mode == "Indexed" && !self.done_indexes.is_empty() {
            status.insert("completedIndexes".into(), indexes::format(&self.done_indexes).into());
        }
        context.update_status(self.job, status.into())
    }

    /// Writes the conditions of the end: what is bound to happen at once, the end itself when all pods are gone.
    fn write_end(
        &self,
        decided: Plan,
        status: &mut Map<String, Value>,
        condition: impl Fn(&mut Map<String, Value>, &'static str, &'static str, &'static str, &'static str),
        context: &mut Context,
    ) {
        let pods_gone = self.counts.active == 0 && self.counts.terminating == 0;
        let now = context.clock.seconds();
        match decided {
            Plan::Complete => {
                let (reason, message) = ("CompletionsReached", "Reached expected number of succeeded pods");
                condition(status, "SuccessCriteriaMet", "True", reason, message);
                if pods_gone {
                    condition(status, "Complete", "True", reason, message);
                    status.insert("completionTime".into(), now.into());
                    self.tell(false, "Completed", "Job completed", context);
                }
            }
            Plan::Fail(failure) => {
                condition(status, "FailureTarget", "True", failure.reason(), failure.message());
                if pods_gone {
                    condition(status, "Failed", "True", failure.reason(), failure.message());
                    self.tell(true, failure.reason(), failure.message(), context);
                }
            }
            Plan::Run(_) | Plan::Suspend => {}
        }
    }

    /// Creates and deletes pods.
    fn act(
        &self,
        decided: Plan,
        pause: Option<Instant>,
        queue: &mut WorkQueue<ObjectKey>,
        key: &ObjectKey,
        context: &mut Context,
    ) -> Result<(), SyncError> {
        let wanted = match decided {
            Plan::Complete | Plan::Fail(Failure::BackoffLimit | Failure::Deadline) | Plan::Suspend => 0,
            Plan::Run(wanted) => wanted,
        };
        if let Some(deadline) = self.deadline(context).or_else(|| {
            let seconds = self.wire.spec.active_deadline_seconds?;
            Some(context.clock.instant() + Duration::from_secs(seconds))
        }) {
            queue.add_at(key.clone(), deadline);
        }
        let active: Vec<_> = self.pods.iter().filter(|pod| pod.is_active()).collect();
        let wanted_len = usize::try_from(wanted).unwrap_or(0);
        for pod in active.iter().skip(wanted_len) {
            context.delete(&pod.object, None)?;
            self.tell(false, "SuccessfulDelete", &format!("Deleted pod: {}", pod.name()), context);
        }
        // Pods on their way out count until they are gone, so that parallelism is never exceeded by much.
        let missing = wanted_len.saturating_sub(active.len());
        if missing == 0 {
            return Ok(());
        }
        if let Some(pause) = pause.filter(|pause| *pause > context.clock.instant()) {
            queue.add_at(key.clone(), pause);
            return Ok(());
        }
        let free_indexes = self.free_indexes(&active);
        if self.wire.spec.completion_mode == "Indexed" {
            for index in free_indexes.into_iter().take(missing) {
                self.create(Some(index), context)?;
            }
        } else {
            for _ in 0..missing {
                self.create(None, context)?;
            }
        }
        Ok(())
    }

    fn free_indexes(&self, active: &[&Arc<Pod>]) -> Vec<u32> {
        let taken: BTreeSet<u32> = active.iter().filter_map(|pod| index_of(pod)).collect();
        let all = 0..u32::try_from(self.wire.spec.completions.unwrap_or(0)).unwrap_or(0);
        all.filter(|index| !taken.contains(index) && !self.done_indexes.contains(index)).collect()
    }

    fn create(&self, index: Option<u32>, context: &mut Context) -> Result<(), SyncError> {
        let job = self.job;
        let base = match index {
            Some(index) => format!("{}-{index}-", job.name),
            None => format!("{}-", job.name),
        };
        let name = context.generate_name(&job.namespace, &base);
        let mut pod = pod_from(&self.wire.spec.template, job, &name, &base);
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &job.uid),
            ("batch.kubernetes.io/job-name", &job.name),
            ("controller-uid", &job.uid),
            ("job-name", &job.name),
        ] {
            set_metadata(&mut pod, "labels", key, value);
        }
        if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
            let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
            if let Some(finalizers) = finalizers.as_array_mut() {
                finalizers.push(FINALIZER.into());
            }
        }
        if let Some(index) = index {
            let text = index.to_string();
            set_metadata(&mut pod, "annotations", INDEX, &text);
            set_metadata(&mut pod, "labels", INDEX, &text);
            set_index(&mut pod, &format!("{}-{index}", job.name));
        }
        let pods = context.kinds.pods.clone();
        context.create(&pods, &job.namespace, pod)?;
        self.tell(false, "SuccessfulCreate", &format!("Created pod: {name}"), context);
        Ok(())
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

/// Sets host name and environment of the pod for an index.
fn set_index(pod: &mut Value, hostname: &str) {
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return };
    spec.entry("hostname").or_insert_with(|| hostname.into());
    let path = format!("metadata.labels['{INDEX}']");
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            let variables = container.entry("env").or_insert_with(|| json!([]));
            if let Some(variables) = variables.as_array_mut() {
                variables.push(json!({
                    "name": "JOB_COMPLETION_INDEX",
                    "valueFrom": { "fieldRef": { "fieldPath": path } },
                }));
            }
        }
    }
}

fn index_of(pod: &Pod) -> Option<u32> {
    pod.object.label(INDEX)?.parse().ok()
}

fn has_finalizer(pod: &Pod) -> bool {
    pod.finalizers.iter().any(|name| **name == *FINALIZER)
}

fn is_finished(status: &Value) -> bool {
    conditions::is_true(status, "Complete") || conditions::is_true(status, "Failed")
}

/// Takes the finalizer from pods.
fn free(pods: &[Arc<Pod>], context: &mut Context) -> Result<(), SyncError> {
    for pod in pods.iter().filter(|pod| has_finalizer(pod)) {
        context.remove_finalizer(&pod.object, FINALIZER)?;
    }
    Ok(())
}

/// Takes the finalizer from pods whose Job is gone.
fn free_orphans(key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
    let orphans: Vec<_> = context
        .pods
        .all()
        .filter(|pod| {
            pod.key.namespace == key.namespace
                && has_finalizer(pod)
                && pod.owner.as_ref().is_none_or(|owner| *owner.kind == *"Job" && *owner.name == *key.name)
        })
        .cloned()
        .collect();
    free(&orphans, context)
}
