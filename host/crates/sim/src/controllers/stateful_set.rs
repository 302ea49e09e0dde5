//! The StatefulSet controller: pods with fixed names, volumes of their own, one after the other or all at once.

mod pods;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::context::{Context, SyncError};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::labels::LabelSelector;
use super::object_key::ObjectKey;
use super::pod_template::claim;
use super::pods::{Pod, next_available};
use super::queue::WorkQueue;
use super::replica_set::enqueue_owner;
use super::revisions::{self, HASH_LABEL};
use super::{Controller, Seen};
use crate::store::Object;

const COMPONENT: &str = "statefulset-controller";

/// The StatefulSet controller.
#[derive(Debug)]
pub(super) struct StatefulSets {
    queue: WorkQueue<ObjectKey>,
}

#[derive(Deserialize)]
struct Wire {
    metadata: WireMetadata,
    spec: Spec,
    #[serde(default)]
    status: WireStatus,
}

#[derive(Deserialize)]
struct WireMetadata {
    #[serde(default)]
    generation: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default = "one")]
    replicas: u32,
    #[serde(default)]
    min_ready_seconds: i64,
    #[serde(default)]
    pod_management_policy: String,
    #[serde(default)]
    selector: LabelSelector,
    #[serde(default)]
    template: Value,
    #[serde(default)]
    volume_claim_templates: Vec<Value>,
    #[serde(default)]
    update_strategy: UpdateStrategy,
    #[serde(default)]
    ordinals: Ordinals,
    #[serde(default)]
    service_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UpdateStrategy {
    #[serde(rename = "type")]
    kind: String,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RollingUpdate {
    partition: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ordinals {
    start: u32,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireStatus {
    current_revision: String,
}

fn one() -> u32 {
    1
}

struct Sync {
    set: Arc<Object>,
    wire: Wire,
    pods: Vec<Arc<Pod>>,
    current: String,
    update: String,
}

impl StatefulSets {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new() }
    }
}

impl Controller for StatefulSets {
    fn observe(&mut self, seen: Seen<'_>, _context: &Context) {
        if let Some(pod) = seen.pod {
            enqueue_owner(&mut self.queue, pod, "StatefulSet");
        } else if seen.known == Some(Known::StatefulSet) {
            self.queue.add(ObjectKey::of(&seen.change.object));
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(set) = context.get(&context.kinds.stateful_sets, &key.namespace, &key.name) else {
            return Ok(());
        };
        let wire: Wire = set.decode()?;
        let pods = claim(&set, &wire.spec.selector, context)?;
        let in_use: Vec<String> =
            pods.iter().filter_map(|pod| pod.object.label(HASH_LABEL).map(str::to_owned)).collect();
        let update = if set.deletion {
            wire.status.current_revision.clone()
        } else {
            revisions::ensure(&set, &wire.spec.template, 10, &in_use, context)?
        };
        let present = &wire.status.current_revision;
        let current = if present.is_empty() { update.clone() } else { present.clone() };
        let mut sync = Sync { set, wire, pods, current, update };
        let done = if sync.set.deletion { Ok(()) } else { sync.act(context) };
        sync.report(context)?;
        let min_ready = sync.wire.spec.min_ready_seconds;
        if let Some(at) = next_available(sync.pods.iter(), min_ready, context.clock) {
            self.queue.add_at(key.clone(), at);
        }
        done
    }
}

impl Sync {
    fn report(&mut self, context: &mut Context) -> Result<(), SyncError> {
        let pods: Vec<_> = context
            .pods
            .owned_by(&self.set.uid)
            .filter(|pod| ordinal(&self.set, pod).is_some())
            .cloned()
            .collect();
        let now = context.clock.now();
        let living = |pod: &&Arc<Pod>| !pod.object.deletion && !pod.is_terminal();
        let revision = |pod: &Arc<Pod>, wanted: &str| pod.object.label(HASH_LABEL) == Some(wanted);
        let ready = pods.iter().filter(living).filter(|pod| pod.is_ready()).count();
        let min_ready = self.wire.spec.min_ready_seconds;
        let available = pods.iter().filter(living).filter(|pod| pod.is_available(min_ready, now)).count();
        let updated = pods.iter().filter(living).filter(|pod| revision(pod, &self.update)).count();
        let wished = usize::try_from(self.wire.spec.replicas).unwrap_or(usize::MAX);
        if updated == wished && ready == wished && pods.len() == wished {
            self.current.clone_from(&self.update);
        }
        let current = pods.iter().filter(living).filter(|pod| revision(pod, &self.current)).count();
        let mut status = Map::new();
        status.insert("observedGeneration".into(), self.wire.metadata.generation.into());
        status.insert("replicas".into(), pods.len().into());
        for (field, count) in
            [("readyReplicas", ready), ("currentReplicas", current), ("updatedReplicas", updated)]
        {
            if count > 0 {
                status.insert(field.into(), count.into());
            }
        }
        status.insert("currentRevision".into(), self.current.as_str().into());
        status.insert("updateRevision".into(), self.update.as_str().into());
        status.insert("collisionCount".into(), 0.into());
        status.insert("availableReplicas".into(), available.into());
        context.update_status(&self.set, status.into())
    }

    fn tell(&self, reason: &str, message: &str, context: &mut Context) {
        context.events.record(Report {
            about: &self.set,
            field_path: None,
            warning: false,
            reason,
            message,
            reporter: Reporter::Controller(COMPONENT),
        });
    }
}

/// The number at the end of a pod's name, if the rest is the set's name.
fn ordinal(set: &Object, pod: &Pod) -> Option<u32> {
    pod.name().strip_prefix(&*set.name)?.strip_prefix('-')?.parse().ok()
}
