//! The ReplicaSet controller: as many pods as wished.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::context::{Context, SyncError};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::labels::LabelSelector;
use super::object_key::ObjectKey;
use super::pod_template::{claim, pod_from};
use super::pods::{Phase, Pod, PodChange, by_labels, next_available};
use super::queue::WorkQueue;
use super::spec_cache::SpecCache;
use super::{Controller, Seen};
use crate::store::Object;

/// Most pods that one sync creates or deletes (`burstReplicas`).
const BURST: usize = 500;
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The ReplicaSet controller.
#[derive(Debug)]
pub(super) struct ReplicaSets {
    queue: WorkQueue<ObjectKey>,
    specs: SpecCache<WireSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSpec {
    #[serde(default = "one")]
    replicas: usize,
    #[serde(default)]
    min_ready_seconds: i64,
    #[serde(default)]
    selector: LabelSelector,
    #[serde(default)]
    template: Value,
}

fn one() -> usize {
    1
}

impl ReplicaSets {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new(), specs: SpecCache::new() }
    }
}

/// Adds the controllers of a pod before and after a change, if they are of a kind and the change is one that
/// controllers of pods care about.
pub(super) fn enqueue_owner(queue: &mut WorkQueue<ObjectKey>, change: &PodChange, kind: &str) {
    if let (Some(before), Some(after)) = (&change.before, &change.after)
        && before.looks_as(after)
    {
        return;
    }
    let mut last = None;
    for pod in [&change.before, &change.after].into_iter().flatten() {
        if let Some(owner) = pod.owner.as_ref().filter(|owner| *owner.kind == *kind)
            && last != Some(&owner.uid)
        {
            queue.add(ObjectKey { namespace: pod.key.namespace.clone(), name: (&*owner.name).into() });
            last = Some(&owner.uid);
        }
    }
}

impl Controller for ReplicaSets {
    fn observe(&mut self, seen: Seen<'_>, _context: &Context) {
        if let Some(pod) = seen.pod {
            enqueue_owner(&mut self.queue, pod, "ReplicaSet");
        } else if seen.known == Some(Known::ReplicaSet) {
            self.specs.observe(seen.change);
            self.queue.add(ObjectKey::of(&seen.change.object));
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(set) = context.get(&context.kinds.replica_sets, &key.namespace, &key.name) else {
            return Ok(());
        };
        let spec = self.specs.read(&set)?;
        let pods = claim(&set, &spec.selector, context)?;
        let active: Vec<Arc<Pod>> = pods.into_iter().filter(|pod| pod.is_active()).collect();
        let done = if set.deletion { Ok(()) } else { self.scale(&set, &spec, &active, context) };
        self.report(key, &set, &spec, &active, context)?;
        done
    }
}

impl ReplicaSets {
    /// Creates what is missing or deletes what is too much.
    fn scale(
        &mut self,
        set: &Object,
        spec: &WireSpec,
        active: &[Arc<Pod>],
        context: &mut Context,
    ) -> Result<(), SyncError> {
        let missing = spec.replicas.saturating_sub(active.len());
        for _ in 0..missing.min(BURST) {
            create_pod(set, &spec.template, "replicaset-controller", context)?;
        }
        let surplus = active.len().saturating_sub(spec.replicas);
        if surplus > 0 {
            let mut ranked: Vec<_> = active.to_vec();
            let now = context.clock.now();
            ranked.sort_by(|left, right| deletion_order(left, right, now));
            for pod in ranked.iter().take(surplus.min(BURST)) {
                delete_pod(set, pod, "replicaset-controller", context)?;
            }
        }
        if missing.max(surplus) > BURST {
            self.queue.add(ObjectKey::of(set));
        }
        Ok(())
    }

    /// Writes the status for the pods that there were when the sync began; what it changed brings the key back.
    fn report(
        &mut self,
        key: &ObjectKey,
        set: &Object,
        spec: &WireSpec,
        pods: &[Arc<Pod>],
        context: &mut Context,
    ) -> Result<(), SyncError> {
        let now = context.clock.now();
        let template_labels = spec.template.pointer("/metadata/labels").and_then(Value::as_object);
        let mut fully_labeled = by_labels(|pod| {
            let mut labels = template_labels.into_iter().flatten();
            labels.all(|(key, value)| pod.object.label(key) == value.as_str())
        });
        let mut status = serde_json::Map::new();
        let mut put = |field: &str, count: usize| {
            if count > 0 {
                status.insert(field.into(), count.into());
            }
        };
        put("fullyLabeledReplicas", pods.iter().filter(|pod| fully_labeled(pod)).count());
        put("readyReplicas", pods.iter().filter(|pod| pod.is_ready()).count());
        let available = |pod: &&Arc<Pod>| pod.is_available(spec.min_ready_seconds, now);
        put("availableReplicas", pods.iter().filter(available).count());
        status.insert("replicas".into(), pods.len().into());
        status.insert("observedGeneration".into(), set.generation.into());
        if let Some(at) = next_available(pods.iter(), spec.min_ready_seconds, context.clock) {
            self.queue.add_at(key.clone(), at);
        }
        context.update_status(set, status.into())
    }
}

/// Creates a pod with a generated name, and tells.
pub(super) fn create_pod(
    owner: &Object,
    template: &Value,
    component: &str,
    context: &mut Context,
) -> Result<(), SyncError> {
    let base = format!("{}-", owner.name);
    let name = context.generate_name(&owner.namespace, &base);
    let pod = pod_from(template, owner, &name, &base);
    let pods = context.kinds.pods.clone();
    let created = context.create(&pods, &owner.namespace, pod);
    let message = match &created {
        Ok(_) => format!("Created pod: {name}"),
        Err(SyncError::Refused(status)) if !status.message.contains("being terminated") => {
            format!("Error creating: {status}")
        }
        Err(_) => return created.map(drop),
    };
    let failed = created.is_err();
    context.events.record(Report {
        about: owner,
        field_path: None,
        warning: failed,
        reason: if failed { "FailedCreate" } else { "SuccessfulCreate" },
        message: &message,
        reporter: Reporter::Controller(component),
    });
    created.map(drop)
}

/// Deletes a pod, and tells.
pub(super) fn delete_pod(
    owner: &Object,
    pod: &Pod,
    component: &str,
    context: &mut Context,
) -> Result<(), SyncError> {
    context.delete(&pod.object, None)?;
    let message = format!("Deleted pod: {}", pod.name());
    context.events.record(Report {
        about: owner,
        field_path: None,
        warning: false,
        reason: "SuccessfulDelete",
        message: &message,
        reporter: Reporter::Controller(component),
    });
    Ok(())
}

/// Which pod goes first (`ActivePodsWithRanks`).
pub(super) fn deletion_order(left: &Pod, right: &Pod, now: Timestamp) -> Ordering {
    let phase = |pod: &Pod| match pod.phase {
        Phase::Pending => 0,
        Phase::Unknown => 1,
        Phase::Running | Phase::Succeeded | Phase::Failed => 2,
    };
    left.node
        .is_some()
        .cmp(&right.node.is_some())
        .then(phase(left).cmp(&phase(right)))
        .then(left.is_ready().cmp(&right.is_ready()))
        .then(deletion_cost(left).cmp(&deletion_cost(right)))
        .then_with(|| match (left.ready_since, right.ready_since) {
            (Some(left), Some(right)) => age(left, now).cmp(&age(right, now)),
            _ => Ordering::Equal,
        })
        .then(right.restarts.cmp(&left.restarts))
        .then_with(|| age(left.created, now).cmp(&age(right.created, now)))
        .then_with(|| left.uid().cmp(right.uid()))
}

/// Ages are compared by their logarithm (`LogarithmicScaleDown`).
fn age(since: Timestamp, now: Timestamp) -> u32 {
    let seconds = u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0);
    seconds.checked_ilog2().map_or(0, |power| power + 1)
}

fn deletion_cost(pod: &Pod) -> i64 {
    let value = pod.object.value();
    let annotations = value.pointer("/metadata/annotations").and_then(Value::as_object);
    let cost = annotations.and_then(|annotations| annotations.get(DELETION_COST)).and_then(Value::as_str);
    cost.and_then(|cost| cost.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(spec: Value, status: Value) -> Pod {
        crate::controllers::tests::pod(json!({ "spec": spec, "status": status }))
    }

    #[test]
    fn pods_without_a_node_go_first_and_ready_ones_last() {
        let now = Timestamp::UNIX_EPOCH;
        let ready = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] });
        let unassigned = pod(json!({}), json!({ "phase": "Pending" }));
        let pending = pod(json!({ "nodeName": "n" }), json!({ "phase": "Pending" }));
        let running = pod(json!({ "nodeName": "n" }), json!({ "phase": "Running" }));
        let ready = pod(json!({ "nodeName": "n" }), ready);
        let mut pods = [&ready, &running, &pending, &unassigned];
        pods.sort_by(|left, right| deletion_order(left, right, now));
        let order: Vec<_> = pods.iter().map(|pod| (pod.node.is_some(), pod.phase, pod.is_ready())).collect();
        assert_eq!(
            order,
            [
                (false, Phase::Pending, false),
                (true, Phase::Pending, false),
                (true, Phase::Running, false),
                (true, Phase::Running, true),
            ]
        );
    }
}
