//! The Deployment controller: a ReplicaSet for each template, and the way from one to the next.

mod rolling;
mod set;
mod status;
mod strategy;

use std::sync::Arc;

use serde_json::{Value, json};

pub(super) use self::rolling::Bound;
use self::set::{Metadata, Set, SetSpec, Spec};
use super::context::{Context, SyncError, controller_reference};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::pod_template::{set_metadata, template_hash};
use super::queue::WorkQueue;
use super::spec_cache::SpecCache;
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
    specs: SpecCache<Spec>,
    sets: SpecCache<SetSpec>,
}

/// All there is to know in one sync.
struct Sync<'a> {
    deployment: Arc<Object>,
    spec: Arc<Spec>,
    metadata: Metadata,
    specs: &'a mut SpecCache<SetSpec>,
    /// The set with the present template.
    new: Option<Set>,
    /// The other sets, oldest first.
    old: Vec<Set>,
}

impl Deployments {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new(), specs: SpecCache::new(), sets: SpecCache::new() }
    }
}

impl Controller for Deployments {
    fn observe(&mut self, seen: Seen<'_>, context: &Context) {
        let object = &seen.change.object;
        match seen.known {
            Some(Known::Deployment) => {
                self.specs.observe(seen.change);
                self.queue.add(ObjectKey::of(object));
            }
            Some(Known::ReplicaSet) => {
                self.sets.observe(seen.change);
                for owner in object.owner_uids.iter() {
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
        let spec = self.specs.read(&deployment)?;
        let mut sync = Sync::load(deployment, spec, &mut self.sets, context)?;
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

impl<'a> Sync<'a> {
    fn load(
        deployment: Arc<Object>,
        spec: Arc<Spec>,
        specs: &'a mut SpecCache<SetSpec>,
        context: &Context,
    ) -> Result<Self, SyncError> {
        let metadata = deployment.decode_member("metadata")?;
        let kind = &context.kinds.replica_sets;
        let mut sets = Vec::new();
        for node in context.owners.dependents(&deployment.uid).iter().filter(|node| node.kind == kind.id) {
            if let Some(object) = context.get(kind, &node.key.namespace, &node.key.name) {
                sets.push(Set::read(object, specs)?);
            }
        }
        sets.sort_by(|left, right| {
            let revision = |set: &Set| set.annotation(REVISION).unwrap_or(0);
            left.created()
                .cmp(right.created())
                .then(revision(left).cmp(&revision(right)))
                .then_with(|| left.object.name.cmp(&right.object.name))
        });
        let place = sets.iter().position(|set| set.spec.template == spec.template);
        let new = place.map(|place| sets.remove(place));
        Ok(Self { deployment, spec, metadata, specs, new, old: sets })
    }

    fn act(&mut self, context: &mut Context) -> Result<(), SyncError> {
        if self.spec.paused || self.is_scaling() {
            return self.scale_only(context);
        }
        if self.spec.strategy.kind == "Recreate" {
            self.recreate(context)?;
        } else {
            self.roll(context)?;
        }
        self.clean_up(context)
    }

    fn newest_revision(&self) -> i64 {
        self.old.iter().filter_map(|set| set.annotation(REVISION)).max().unwrap_or(0)
    }

    fn create_new(&mut self, replicas: i64, context: &mut Context) -> Result<(), SyncError> {
        let mut template = self.spec.template.clone();
        let hash = template_hash(&template, 0);
        let name = format!("{}-{hash}", self.deployment.name);
        set_metadata(&mut template, "labels", HASH_LABEL, &hash);
        let mut selector = self.spec.selector.clone();
        if let Some(selector) = selector.as_object_mut() {
            let labels = selector.entry("matchLabels").or_insert_with(|| json!({}));
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(HASH_LABEL.into(), hash.as_str().into());
            }
        }
        let mut annotations = self.metadata.annotations.clone();
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        let revision = (self.newest_revision() + 1).to_string();
        annotations.insert(REVISION.into(), revision.as_str().into());
        annotations.insert(DESIRED.into(), self.spec.replicas.to_string().into());
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
                "minReadySeconds": self.spec.min_ready_seconds,
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
        self.new = Some(Set::read(created, self.specs)?);
        Ok(())
    }

    fn max_replicas(&self) -> i64 {
        self.spec.replicas + self.limits().surge
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
            self.new = Some(Set::read(written, self.specs)?);
        }
        self.write_revision(&revision.to_string(), context)
    }

    fn write_revision(&mut self, revision: &str, context: &mut Context) -> Result<(), SyncError> {
        if self.metadata.annotations.get(REVISION).and_then(Value::as_str) == Some(revision) {
            return Ok(());
        }
        context.update(&self.deployment, |value| set_metadata(value, "annotations", REVISION, revision))?;
        Ok(())
    }

    /// Sets the size of a set, and tells.
    fn resize(&mut self, set: &Set, to: i64, context: &mut Context) -> Result<(), SyncError> {
        let (desired, max) = (self.spec.replicas.to_string(), self.max_replicas().to_string());
        if to == set.wished && set.annotation(DESIRED) == Some(self.spec.replicas) {
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
        let written = Set::read(written, self.specs)?;
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
        let surplus = self.old.len().saturating_sub(self.spec.revision_history_limit);
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
