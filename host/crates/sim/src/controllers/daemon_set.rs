//! The DaemonSet controller: one pod for each node that may have it.
//!
//! Pods are made with a node affinity for their node and are then scheduled like any other.

mod placement;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::placement::{affects_daemons, pin, place, should_run, without_affinity_fields};
use super::context::{Context, SyncError};
use super::deployment::Bound;
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::labels::LabelSelector;
use super::object_key::ObjectKey;
use super::pod_template::{claim, pod_from, set_metadata};
use super::pods::{Pod, next_available};
use super::queue::WorkQueue;
use super::replica_set::{delete_pod, enqueue_owner};
use super::revisions::{self, HASH_LABEL};
use super::scheduler::Wishes;
use super::{Controller, Seen};
use crate::store::{ChangeKind, Object};

const COMPONENT: &str = "daemonset-controller";
/// What daemon pods tolerate (`AddOrUpdateDaemonPodTolerations`).
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// The DaemonSet controller.
#[derive(Debug)]
pub(super) struct DaemonSets {
    queue: WorkQueue<ObjectKey>,
    known: BTreeSet<ObjectKey>,
}

#[derive(Deserialize)]
struct Wire {
    metadata: WireMetadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct WireMetadata {
    #[serde(default)]
    generation: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    min_ready_seconds: i64,
    #[serde(default)]
    selector: LabelSelector,
    #[serde(default)]
    template: Value,
    #[serde(default)]
    update_strategy: Value,
}

impl DaemonSets {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new(), known: BTreeSet::new() }
    }
}

impl Controller for DaemonSets {
    fn observe(&mut self, seen: Seen<'_>, _context: &Context) {
        let change = seen.change;
        if let Some(pod) = seen.pod {
            enqueue_owner(&mut self.queue, pod, "DaemonSet");
        } else if seen.known == Some(Known::DaemonSet) {
            let key = ObjectKey::of(&change.object);
            if change.kind == ChangeKind::Deleted {
                self.known.remove(&key);
            } else {
                self.known.insert(key.clone());
            }
            self.queue.add(key);
        } else if seen.known == Some(Known::Node) && affects_daemons(seen) {
            for key in &self.known {
                self.queue.add(key.clone());
            }
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(set) = context.get(&context.kinds.daemon_sets, &key.namespace, &key.name) else {
            return Ok(());
        };
        if set.deletion {
            return Ok(());
        }
        let wire: Wire = set.decode()?;
        let pods = claim(&set, &wire.spec.selector, context)?;
        let in_use: Vec<String> =
            pods.iter().filter_map(|pod| pod.object.label(HASH_LABEL).map(str::to_owned)).collect();
        let revision = revisions::ensure(&set, &wire.spec.template, 10, &in_use, context)?;
        let hash = revision.strip_prefix(&format!("{}-", set.name)).unwrap_or(&revision).to_owned();
        if let Some(at) = next_available(pods.iter(), wire.spec.min_ready_seconds, context.clock) {
            self.queue.add_at(key.clone(), at);
        }
        let sync = Sync { set, wire, hash, placed: place(&pods), eligible: BTreeSet::new() };
        sync.run(context)
    }
}

struct Sync {
    set: Arc<Object>,
    wire: Wire,
    hash: String,
    placed: BTreeMap<String, Vec<Arc<Pod>>>,
    eligible: BTreeSet<String>,
}

impl Sync {
    fn run(mut self, context: &mut Context) -> Result<(), SyncError> {
        let nodes = context.store.list(&context.kinds.nodes, None);
        let sample = self.pod_for("", "sample");
        let wishes: Wishes = sample
            .get("spec")
            .and_then(|spec| serde_json::from_value(without_affinity_fields(spec.clone())).ok())
            .unwrap_or_default();
        let mut missing = Vec::new();
        for node in &nodes {
            if should_run(node, &wishes) {
                self.eligible.insert(node.name.to_string());
                // A pod on its way out keeps the place until it is gone.
                if self.placed.get(&*node.name).is_none_or(Vec::is_empty) {
                    missing.push(node.name.to_string());
                }
            }
        }
        self.remove_superfluous(context)?;
        for node in missing {
            let base = format!("{}-", self.set.name);
            let name = context.generate_name(&self.set.namespace, &base);
            let pod = self.pod_for(&node, &name);
            let kind = context.kinds.pods.clone();
            context.create(&kind, &self.set.namespace, pod)?;
            context.events.record(Report {
                about: &self.set,
                field_path: None,
                warning: false,
                reason: "SuccessfulCreate",
                message: &format!("Created pod: {name}"),
                reporter: Reporter::Controller(COMPONENT),
            });
        }
        self.update(context)?;
        self.report(context)
    }

    fn living(&self, node: &str) -> impl Iterator<Item = &Arc<Pod>> {
        self.placed.get(node).into_iter().flatten().filter(|pod| pod.is_active())
    }

    fn pod_for(&self, node: &str, name: &str) -> Value {
        let mut pod = pod_from(&self.wire.spec.template, &self.set, name, &format!("{}-", self.set.name));
        set_metadata(&mut pod, "labels", HASH_LABEL, &self.hash);
        set_metadata(
            &mut pod,
            "labels",
            "pod-template-generation",
            &self.wire.metadata.generation.to_string(),
        );
        let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return pod };
        let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
        if let Some(tolerations) = tolerations.as_array_mut() {
            for (key, effect) in TOLERATED {
                tolerations.push(json!({ "key": key, "operator": "Exists", "effect": effect }));
            }
        }
        pin(spec, node);
        pod
    }

    /// Deletes pods on nodes that may not have one, ended ones, and all but one on a node.
    fn remove_superfluous(&self, context: &mut Context) -> Result<(), SyncError> {
        for (node, pods) in &self.placed {
            let mut keep = usize::from(self.eligible.contains(node));
            for pod in pods.iter().filter(|pod| !pod.object.deletion) {
                if pod.is_terminal() || keep == 0 {
                    delete_pod(&self.set, pod, COMPONENT, context)?;
                } else {
                    keep -= 1;
                }
            }
        }
        Ok(())
    }

    /// Replaces pods of an older template, as many at once as may be unavailable.
    fn update(&self, context: &mut Context) -> Result<(), SyncError> {
        let strategy = &self.wire.spec.update_strategy;
        if strategy.get("type").and_then(Value::as_str) == Some("OnDelete") {
            return Ok(());
        }
        let wished = i64::try_from(self.eligible.len()).unwrap_or(i64::MAX);
        let bound = strategy.pointer("/rollingUpdate/maxUnavailable").and_then(Bound::read);
        let allowed = bound.unwrap_or(Bound::Number(1)).rounded_up(wished).max(1);
        let now = context.clock.now();
        let min_ready = self.wire.spec.min_ready_seconds;
        let available = |node: &String| self.living(node).any(|pod| pod.is_available(min_ready, now));
        let unavailable = self.eligible.iter().filter(|node| !available(node)).count();
        let mut room = allowed - i64::try_from(unavailable).unwrap_or(i64::MAX);
        for node in &self.eligible {
            for pod in self.living(node) {
                if pod.object.label(HASH_LABEL) == Some(&self.hash) {
                    continue;
                }
                let is_available = pod.is_available(min_ready, now);
                if is_available && room <= 0 {
                    continue;
                }
                room -= i64::from(is_available);
                delete_pod(&self.set, pod, COMPONENT, context)?;
            }
        }
        Ok(())
    }

    fn report(&self, context: &mut Context) -> Result<(), SyncError> {
        let now = context.clock.now();
        let min_ready = self.wire.spec.min_ready_seconds;
        let count = |wanted: &dyn Fn(&Pod) -> bool| {
            self.eligible.iter().filter(|node| self.living(node).any(|pod| wanted(pod))).count()
        };
        let wished = self.eligible.len();
        let (current, ready) = (count(&|_| true), count(&|pod| pod.is_ready()));
        let available = count(&|pod| pod.is_available(min_ready, now));
        let updated = count(&|pod| pod.object.label(HASH_LABEL) == Some(&self.hash));
        let elsewhere = self.placed.keys().filter(|node| !self.eligible.contains(*node));
        let misscheduled = elsewhere.filter(|node| self.living(node).next().is_some()).count();
        let mut status = Map::new();
        status.insert("currentNumberScheduled".into(), current.into());
        status.insert("numberMisscheduled".into(), misscheduled.into());
        status.insert("desiredNumberScheduled".into(), wished.into());
        status.insert("numberReady".into(), ready.into());
        status.insert("observedGeneration".into(), self.wire.metadata.generation.into());
        for (field, count) in [
            ("updatedNumberScheduled", updated),
            ("numberAvailable", available),
            ("numberUnavailable", wished.saturating_sub(available)),
        ] {
            if count > 0 {
                status.insert(field.into(), count.into());
            }
        }
        context.update_status(&self.set, status.into())
    }
}
