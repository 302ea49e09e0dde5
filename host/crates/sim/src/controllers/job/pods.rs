//! The pods of a Job: making and deleting them, the index of each, and the finalizer that keeps them until they are
//! counted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Run;
use super::plan::{Failure, Plan};
use crate::controllers::context::{Context, SyncError};
use crate::controllers::object_key::ObjectKey;
use crate::controllers::pod_template::{pod_from, set_metadata};
use crate::controllers::pods::Pod;
use crate::controllers::queue::WorkQueue;

const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

impl Run<'_> {
    /// Creates and deletes pods.
    pub(super) fn act(
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

pub(super) fn index_of(pod: &Pod) -> Option<u32> {
    pod.object.label(INDEX)?.parse().ok()
}

pub(super) fn has_finalizer(pod: &Pod) -> bool {
    pod.finalizers.iter().any(|name| **name == *FINALIZER)
}

/// Takes the finalizer from pods.
pub(super) fn free(pods: &[Arc<Pod>], context: &mut Context) -> Result<(), SyncError> {
    for pod in pods.iter().filter(|pod| has_finalizer(pod)) {
        context.remove_finalizer(&pod.object, FINALIZER)?;
    }
    Ok(())
}

/// Takes the finalizer from pods whose Job is gone.
pub(super) fn free_orphans(key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
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
