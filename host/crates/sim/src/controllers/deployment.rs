//! The Deployment controller: a ReplicaSet for each template, and the way from one to the next.

mod rolling;
mod status;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use self::rolling::Bound;
use self::rolling::{Limits, SetSize};
use super::context::{Context, SyncError, controller_reference};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::pod_template::{set_metadata, template_hash};
use super::queue::WorkQueue;
use super::{Controller, Seen};
use crate::store::Object;

const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const COMPONENT: &str = "deployment-controller";

/// The Deployment controller.
#[derive(Debug)]
pub(super) struct Deployments {
    queue: WorkQueue<ObjectKey>,
}

#[derive(Debug, Deserialize)]
struct Wire {
    metadata: WireMetadata,
    spec: WireSpec,
}

#[derive(Debug, Deserialize)]
struct WireMetadata {
    #[serde(default)]
    generation: i64,
    #[serde(default)]
    annotations: serde_json::Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSpec {
    #[serde(default = "one")]
    replicas: i64,
    #[serde(default)]
    min_ready_seconds: i64,
    #[serde(default)]
    selector: Value,
    #[serde(default)]
    template: Value,
    #[serde(default)]
    strategy: Strategy,
    #[serde(default)]
    paused: bool,
    #[serde(default = "ten")]
    revision_history_limit: usize,
    #[serde(default = "ten_minutes")]
    progress_deadline_seconds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Strategy {
    #[serde(rename = "type")]
    kind: String,
    rolling_update: Option<Value>,
}

fn one() -> i64 {
    1
}

fn ten() -> usize {
    10
}

fn ten_minutes() -> u64 {
    600
}

/// A ReplicaSet of a deployment.
#[derive(Debug, Clone)]
struct Set {
    object: Arc<Object>,
    value: Value,
    wished: i64,
}

impl Set {
    fn read(object: Arc<Object>) -> Self {
        let value = object.value();
        let wished = value.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        Self { object, value, wished }
    }

    fn status(&self, field: &str) -> i64 {
        self.value.get("status").and_then(|status| status.get(field)).and_then(Value::as_i64).unwrap_or(0)
    }

    /// The size for the arithmetic. Replicas that the set was told to give up do not count as available, even while
    /// its status still does.
    fn size(&self) -> SetSize {
        let available = self.status("availableReplicas").min(self.wished);
        SetSize { wished: self.wished, available }
    }

    fn annotation(&self, key: &str) -> Option<i64> {
        let annotations = self.value.pointer("/metadata/annotations")?.as_object()?;
        annotations.get(key)?.as_str()?.parse().ok()
    }

    fn created(&self) -> &str {
        self.value.pointer("/metadata/creationTimestamp").and_then(Value::as_str).unwrap_or_default()
    }

    /// The template without the hash, as it stands in the deployment.
    fn template(&self) -> Value {
        let mut template = self.value.pointer("/spec/template").cloned().unwrap_or_default();
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove(HASH_LABEL);
        }
        template
    }
}

/// All there is to know in one sync.
struct Sync {
    deployment: Arc<Object>,
    wire: Wire,
    /// The set with the present template.
    new: Option<Set>,
    /// The other sets, oldest first.
    old: Vec<Set>,
}

impl Deployments {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new() }
    }
}

impl Controller for Deployments {
    fn observe(&mut self, seen: Seen<'_>, context: &Context) {
        let object = &seen.change.object;
        match seen.known {
            Some(Known::Deployment) => self.queue.add(ObjectKey::of(object)),
            Some(Known::ReplicaSet) => {
                for owner in &object.owner_uids {
                    if let Some(node) = context.owners.find(owner)
                        && node.kind == context.kinds.deployments.id
                    {
                        self.queue.add(node.key.clone());
                    }
                }
            }
            // `Recreate` waits for the last old pod.
            Some(Known::Pod) => {
                let pod = seen.pod.filter(|change| change.after.as_ref().is_none_or(|pod| pod.is_terminal()));
                let owner = pod.and_then(|change| change.pod()).and_then(|pod| pod.owner.as_ref());
                if let Some(set) = owner.filter(|owner| &*owner.kind == "ReplicaSet")
                    && let Some(node) = context.owners.find(&set.uid)
                    && let Some(set) =
                        context.get(&context.kinds.replica_sets, &node.key.namespace, &node.key.name)
                    && let Some(node) = set.owner_uids.first().and_then(|uid| context.owners.find(uid))
                    && node.kind == context.kinds.deployments.id
                {
                    self.queue.add(node.key.clone());
                }
            }
            Some(_) | None => {}
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(deployment) = context.get(&context.kinds.deployments, &key.namespace, &key.name) else {
            return Ok(());
        };
        let wire: Wire = deployment.decode()?;
        let mut sync = Sync::load(deployment, wire, context);
        if !sync.deployment.deletion {
            sync.act(context)?;
        }
        let again = status::write(&sync, context)?;
        if let Some(again) = again {
            self.queue.add_at(key.clone(), again);
        }
        Ok(())
    }
}

impl Sync {
    fn load(deployment: Arc<Object>, wire: Wire, context: &Context) -> Self {
        let kind = &context.kinds.replica_sets;
        let dependents = context.owners.dependents(&deployment.uid);
        let dependents = dependents.iter().filter(|node| node.kind == kind.id);
        let mut sets: Vec<Set> = dependents
            .filter_map(|node| context.get(kind, &node.key.namespace, &node.key.name))
            .map(Set::read)
            .collect();
        sets.sort_by(|left, right| {
            let revision = |set: &Set| set.annotation(REVISION).unwrap_or(0);
            left.created()
                .cmp(right.created())
                .then(revision(left).cmp(&revision(right)))
                .then_with(|| left.object.name.cmp(&right.object.name))
        });
        let place = sets.iter().position(|set| set.template() == wire.spec.template);
        let new = place.map(|place| sets.remove(place));
        Self { deployment, wire, new, old: sets }
    }

    fn act(&mut self, context: &mut Context) -> Result<(), SyncError> {
        if self.wire.spec.paused || self.is_scaling() {
            return self.scale_only(context);
        }
        if self.wire.spec.strategy.kind == "Recreate" {
            self.recreate(context)?;
        } else {
            self.roll(context)?;
        }
        self.clean_up(context)
    }

    fn limits(&self) -> Limits {
        let strategy = &self.wire.spec.strategy;
        if strategy.kind == "Recreate" {
            return Limits { surge: 0, unavailable: 0 };
        }
        let rolling = strategy.rolling_update.as_ref();
        let bound = |field: &str| {
            rolling.and_then(|rolling| rolling.get(field)).and_then(Bound::read).unwrap_or(Bound::Percent(25))
        };
        Limits::resolve(bound("maxSurge"), bound("maxUnavailable"), self.wire.spec.replicas)
    }

    /// Whether the wished number has changed since the sets were sized.
    fn is_scaling(&self) -> bool {
        let sets = self.new.iter().chain(&self.old).filter(|set| set.wished > 0);
        let mut sizes = sets.filter_map(|set| set.annotation(DESIRED));
        sizes.any(|desired| desired != self.wire.spec.replicas)
    }

    /// Shares a changed number among the sets, without going on with an update.
    fn scale_only(&mut self, context: &mut Context) -> Result<(), SyncError> {
        let desired = self.wire.spec.replicas;
        let allowed = if desired > 0 { desired + self.limits().surge } else { 0 };
        let active: Vec<Set> =
            self.old.iter().chain(&self.new).filter(|set| set.wished > 0).cloned().collect();
        match active.as_slice() {
            [] => {
                if let Some(new) = self.new.clone() {
                    self.resize(&new, desired, context)?;
                }
            }
            [only] => self.resize(only, desired, context)?,
            several => {
                // The newest sets get the difference first, in proportion to what they have.
                let total: i64 = several.iter().map(|set| set.wished).sum();
                let mut left = allowed - total;
                for set in several.iter().rev() {
                    let share = (set.wished * allowed / total.max(1)) - set.wished;
                    let part = if left >= 0 { share.clamp(0, left) } else { share.clamp(left, 0) };
                    let part = if std::ptr::eq(set, several.first().unwrap_or(set)) { left } else { part };
                    left -= part;
                    self.resize(set, (set.wished + part).max(0), context)?;
                }
            }
        }
        Ok(())
    }

    fn roll(&mut self, context: &mut Context) -> Result<(), SyncError> {
        let (desired, limits) = (self.wire.spec.replicas, self.limits());
        let old: Vec<SetSize> = self.old.iter().map(Set::size).collect();
        let new = match self.new.clone() {
            None => {
                let first = rolling::next_new(desired, limits, SetSize { wished: 0, available: 0 }, &old);
                return self.create_new(first, context);
            }
            Some(new) => new,
        };
        self.adopt_revision(&new, context)?;
        let next = rolling::next_new(desired, limits, new.size(), &old);
        if next != new.wished {
            return self.resize(&new, next, context);
        }
        for (set, next) in self.old.clone().iter().zip(rolling::next_old(desired, limits, new.size(), &old)) {
            if next != set.wished {
                self.resize(set, next, context)?;
            }
        }
        Ok(())
    }

    fn recreate(&mut self, context: &mut Context) -> Result<(), SyncError> {
        for set in self.old.clone().iter().filter(|set| set.wished > 0) {
            self.resize(set, 0, context)?;
        }
        let running = self
            .old
            .iter()
            .any(|set| context.pods.owned_by(&set.object.uid).iter().any(|pod| !pod.is_terminal()));
        if running {
            return Ok(());
        }
        let desired = self.wire.spec.replicas;
        match self.new.clone() {
            None => self.create_new(desired, context),
            Some(new) => {
                self.adopt_revision(&new, context)?;
                self.resize(&new, desired, context)
            }
        }
    }

    fn newest_revision(&self) -> i64 {
        self.old.iter().filter_map(|set| set.annotation(REVISION)).max().unwrap_or(0)
    }

    fn create_new(&mut self, replicas: i64, context: &mut Context) -> Result<(), SyncError> {
        let mut template = self.wire.spec.template.clone();
        let hash = template_hash(&template, 0);
        let name = format!("{}-{hash}", self.deployment.name);
        set_metadata(&mut template, "labels", HASH_LABEL, &hash);
        let mut selector = self.wire.spec.selector.clone();
        if let Some(selector) = selector.as_object_mut() {
            let labels = selector.entry("matchLabels").or_insert_with(|| json!({}));
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(HASH_LABEL.into(), hash.as_str().into());
            }
        }
        let mut annotations = self.wire.metadata.annotations.clone();
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        let revision = (self.newest_revision() + 1).to_string();
        annotations.insert(REVISION.into(), revision.as_str().into());
        annotations.insert(DESIRED.into(), self.wire.spec.replicas.to_string().into());
        annotations.insert(MAX.into(), self.max_replicas().to_string().into());
        let set = json!({
            "metadata": {
                "name": name,
                "labels": template.pointer("/metadata/labels").cloned().unwrap_or_default(),
                "annotations": annotations,
                "ownerReferences": [controller_reference(&self.deployment)],
            },
            "spec": {
                "replicas": replicas,
                "minReadySeconds": self.wire.spec.min_ready_seconds,
                "selector": selector,
                "template": template,
            },
        });
        let kind = context.kinds.replica_sets.clone();
        let created = context.create(&kind, &self.deployment.namespace, set)?;
        self.write_revision(&revision, context)?;
        if replicas > 0 {
            self.tell(&format!("Scaled up replica set {name} from 0 to {replicas}"), context);
        }
        self.new = Some(Set::read(created));
        Ok(())
    }

    fn max_replicas(&self) -> i64 {
        self.wire.spec.replicas + self.limits().surge
    }

    /// Gives the new set, which may have been an old one, the highest revision.
    fn adopt_revision(&mut self, new: &Set, context: &mut Context) -> Result<(), SyncError> {
        let newest = self.newest_revision();
        let mut revision = new.annotation(REVISION).unwrap_or(0);
        if revision <= newest {
            revision = newest + 1;
            let text = revision.to_string();
            let written = context.update(&new.object, |value| {
                set_metadata(value, "annotations", REVISION, &text);
            })?;
            self.new = Some(Set::read(written));
        }
        self.write_revision(&revision.to_string(), context)
    }

    fn write_revision(&mut self, revision: &str, context: &mut Context) -> Result<(), SyncError> {
        if self.wire.metadata.annotations.get(REVISION).and_then(Value::as_str) == Some(revision) {
            return Ok(());
        }
        context.update(&self.deployment, |value| set_metadata(value, "annotations", REVISION, revision))?;
        Ok(())
    }

    /// Sets the size of a set, and tells.
    fn resize(&mut self, set: &Set, to: i64, context: &mut Context) -> Result<(), SyncError> {
        let (desired, max) = (self.wire.spec.replicas.to_string(), self.max_replicas().to_string());
        if to == set.wished && set.annotation(DESIRED) == Some(self.wire.spec.replicas) {
            return Ok(());
        }
        let written = context.update(&set.object, |value| {
            set_metadata(value, "annotations", DESIRED, &desired);
            set_metadata(value, "annotations", MAX, &max);
            if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
                spec.insert("replicas".into(), to.into());
            }
        })?;
        if to != set.wished {
            let way = if to > set.wished { "up" } else { "down" };
            let name = &set.object.name;
            self.tell(&format!("Scaled {way} replica set {name} from {} to {to}", set.wished), context);
        }
        let written = Set::read(written);
        for known in self.new.iter_mut().chain(&mut self.old) {
            if known.object.uid == written.object.uid {
                *known = written.clone();
            }
        }
        Ok(())
    }

    /// Deletes the oldest empty sets beyond the history limit.
    fn clean_up(&mut self, context: &mut Context) -> Result<(), SyncError> {
        let empty = |set: &&Set| set.wished == 0 && set.status("replicas") == 0 && !set.object.deletion;
        let idle: Vec<Set> = self.old.iter().filter(empty).cloned().collect();
        let surplus = self.old.len().saturating_sub(self.wire.spec.revision_history_limit);
        for set in idle.iter().take(surplus) {
            context.delete(&set.object, None)?;
        }
        Ok(())
    }

    fn tell(&self, message: &str, context: &mut Context) {
        context.events.record(Report {
            about: &self.deployment,
            field_path: None,
            warning: false,
            reason: "ScalingReplicaSet",
            message,
            reporter: Reporter::Controller(COMPONENT),
        });
    }
}
