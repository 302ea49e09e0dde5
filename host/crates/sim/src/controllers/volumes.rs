//! Volumes: claims get a volume, made for them or free already; protection while in use; reclaiming.
//!
//! Plays the PersistentVolume controller, a provisioner and both protection controllers. Claims of a class with
//! `WaitForFirstConsumer` wait until the scheduler has written the node into them; their volume can then be used on
//! that node only.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::conditions::status_of;
use super::context::{Context, SyncError};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::pod_template::set_metadata;
use super::quantity;
use super::queue::WorkQueue;
use super::scheduler::{SELECTED_NODE, waits_for_consumer};
use super::{Controller, Seen};
use crate::store::{ChangeKind, Object};

const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// The volume controllers. Keys without a namespace are volumes.
#[derive(Debug)]
pub(super) struct Volumes {
    queue: WorkQueue<ObjectKey>,
    /// When the volumes of claims are ready, by the claim's UID.
    provisioning: HashMap<Arc<str>, Instant>,
}

#[derive(Debug, Deserialize)]
struct Claim {
    metadata: Metadata,
    spec: ClaimSpec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(default)]
    annotations: Map<String, Value>,
    #[serde(default)]
    finalizers: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimSpec {
    #[serde(default)]
    access_modes: Vec<String>,
    storage_class_name: Option<String>,
    #[serde(default)]
    volume_name: String,
    #[serde(default)]
    volume_mode: Option<String>,
    #[serde(default)]
    resources: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
}

impl Claim {
    fn asked(&self) -> &str {
        self.spec.resources.pointer("/requests/storage").and_then(Value::as_str).unwrap_or("0")
    }
}

impl Volumes {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new(), provisioning: HashMap::new() }
    }

    fn sync_claim(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(object) = context.get(&context.kinds.claims, &key.namespace, &key.name) else {
            return Ok(());
        };
        let claim: Claim = object.decode()?;
        if object.deletion {
            return release_claim(&object, context);
        }
        if !claim.metadata.finalizers.iter().any(|name| name == CLAIM_PROTECTION) {
            context.update(&object, |value| {
                add_finalizer(value, CLAIM_PROTECTION);
                if let Some(status) = status_of(value) {
                    status.entry("phase").or_insert_with(|| "Pending".into());
                }
            })?;
            return Ok(());
        }
        if claim.status.phase == "Bound" {
            return Ok(());
        }
        let Some(class) = claim.spec.storage_class_name.clone() else {
            return set_default_class(&object, context);
        };
        if let Some(volume) = find_volume(&claim, &class, &object, context) {
            return bind(&object, &claim, &volume, context);
        }
        self.provision(key, &object, &claim, &class, context)
    }

    /// Makes a volume after the time that takes.
    fn provision(
        &mut self,
        key: &ObjectKey,
        object: &Object,
        claim: &Claim,
        class: &str,
        context: &mut Context,
    ) -> Result<(), SyncError> {
        if !claim.spec.volume_name.is_empty() {
            // It waits for the volume that it names, without a word.
            return Ok(());
        }
        let Some(found) = context.get(&context.kinds.storage_classes, "", class) else {
            tell_no_class(object, class, context);
            return Ok(());
        };
        let node = claim.metadata.annotations.get(SELECTED_NODE).and_then(Value::as_str);
        if node.is_none() && waits_for_consumer(class, context) {
            let message = "waiting for first consumer to be created before binding";
            tell(object, "WaitForFirstConsumer", message, context);
            return Ok(());
        }
        let now = context.clock.instant();
        let due = match self.provisioning.get(&object.uid) {
            Some(due) => *due,
            None => {
                let parts = ["provisioning", &*object.namespace, &*object.name, &*object.uid];
                let takes = context.settings.storage.provisioning.draw(&mut context.random.stream(&parts));
                tell(object, "ExternalProvisioning", EXTERNAL_PROVISIONING, context);
                self.provisioning.insert(object.uid.clone(), now + takes);
                now + takes
            }
        };
        if due > now {
            self.queue.add_at(key.clone(), due);
            return Ok(());
        }
        let volume = volume_for(object, claim, class, &found, node, context);
        let kind = context.kinds.volumes.clone();
        let volume = match context.create(&kind, "", volume) {
            Err(error) if error.is_already_exists() => context.get(&kind, "", &format!("pvc-{}", object.uid)),
            other => Some(other?),
        };
        self.provisioning.remove(&object.uid);
        let message = format!("Successfully provisioned volume pvc-{}", object.uid);
        tell(object, "ProvisioningSucceeded", &message, context);
        match volume {
            Some(volume) => bind(object, claim, &volume, context),
            None => Ok(()),
        }
    }

    fn sync_volume(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(volume) = context.get(&context.kinds.volumes, "", &key.name) else { return Ok(()) };
        let value = volume.value();
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let claim = context
            .get(&context.kinds.claims, text("/spec/claimRef/namespace"), text("/spec/claimRef/name"))
            .filter(|claim| {
                text("/spec/claimRef/uid").is_empty() || *claim.uid == *text("/spec/claimRef/uid")
            });
        if volume.deletion {
            if claim.is_none() {
                context.remove_finalizer(&volume, VOLUME_PROTECTION)?;
            }
            return Ok(());
        }
        let phase = text("/status/phase");
        if value.pointer("/spec/claimRef/uid").is_none() {
            if phase != "Available" {
                set_phase(&volume, "Available", context)?;
            }
            return Ok(());
        }
        if claim.is_some() {
            return Ok(());
        }
        if text("/spec/persistentVolumeReclaimPolicy") == "Delete" {
            return context.delete(&volume, None);
        }
        set_phase(&volume, "Released", context)
    }
}

const EXTERNAL_PROVISIONING: &str = "Waiting for a volume to be created either by the external provisioner \
    'sim.bench.dev/provisioner' or manually by the system administrator. If volume creation is delayed, please verify \
    that the provisioner is running and correctly registered.";

impl Controller for Volumes {
    fn observe(&mut self, seen: Seen<'_>, context: &Context) {
        let object = &seen.change.object;
        match seen.known {
            Some(Known::Claim) => {
                if seen.change.kind == ChangeKind::Deleted {
                    self.provisioning.remove(&object.uid);
                    let value = object.value();
                    let volume = value.pointer("/spec/volumeName").and_then(Value::as_str);
                    if let Some(volume) = volume.filter(|name| !name.is_empty()) {
                        self.queue.add(ObjectKey::new("", volume));
                    }
                }
                self.queue.add(ObjectKey::of(object));
            }
            Some(Known::Volume) => {
                self.queue.add(ObjectKey::of(object));
                if seen.change.kind == ChangeKind::Added {
                    // A claim may have waited for it.
                    for claim in context.store.list(&context.kinds.claims, None) {
                        self.queue.add(ObjectKey::of(&claim));
                    }
                }
            }
            Some(Known::Pod) => {
                let ended = seen.pod.and_then(|change| match (&change.before, &change.after) {
                    (Some(before), None) => Some(before),
                    (_, Some(after)) if after.is_terminal() => Some(after),
                    _ => None,
                });
                if let Some(pod) = ended {
                    for claim in &pod.spec.claims {
                        self.queue.add(ObjectKey::new(&pod.key.namespace, claim));
                    }
                }
            }
            Some(_) | None => {}
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        if key.namespace.is_empty() { self.sync_volume(key, context) } else { self.sync_claim(key, context) }
    }
}

/// Lets a claim go that no pod uses any more.
fn release_claim(claim: &Object, context: &mut Context) -> Result<(), SyncError> {
    let used = context.pods.all().any(|pod| {
        pod.key.namespace.as_ref() == &*claim.namespace
            && !pod.is_terminal()
            && pod.spec.claims.iter().any(|name| **name == *claim.name)
    });
    if used {
        return Ok(());
    }
    context.remove_finalizer(claim, CLAIM_PROTECTION)
}

fn set_default_class(claim: &Object, context: &mut Context) -> Result<(), SyncError> {
    let classes = context.store.list(&context.kinds.storage_classes, None);
    let is_default = |class: &&Arc<Object>| {
        let value = class.value();
        let annotations = value.pointer("/metadata/annotations").and_then(Value::as_object);
        annotations.and_then(|map| map.get(DEFAULT_CLASS)).and_then(Value::as_str) == Some("true")
    };
    let Some(class) = classes.iter().find(is_default) else {
        tell_no_class(claim, "", context);
        return Ok(());
    };
    let name = class.name.to_string();
    context.update(claim, |value| {
        if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("storageClassName".into(), name.into());
        }
    })?;
    Ok(())
}

/// The volume that the claim names, or the smallest free one that is large enough.
fn find_volume(claim: &Claim, class: &str, object: &Object, context: &Context) -> Option<Arc<Object>> {
    if !claim.spec.volume_name.is_empty() {
        return context.get(&context.kinds.volumes, "", &claim.spec.volume_name);
    }
    let asked = quantity::whole(claim.asked()).unwrap_or(0);
    let mut fitting: Vec<(i64, Arc<Object>)> = Vec::new();
    for volume in context.store.list(&context.kinds.volumes, None) {
        let value = volume.value();
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let size = quantity::whole(text("/spec/capacity/storage")).unwrap_or(0);
        let (reserved_in, reserved) = (text("/spec/claimRef/namespace"), text("/spec/claimRef/name"));
        let for_us = *reserved_in == *object.namespace && *reserved == *object.name;
        let uid = text("/spec/claimRef/uid");
        if for_us && (uid.is_empty() || *uid == *object.uid) {
            return Some(volume);
        }
        let modes = value.pointer("/spec/accessModes").and_then(Value::as_array);
        let has_modes = claim
            .spec
            .access_modes
            .iter()
            .all(|mode| modes.is_some_and(|modes| modes.iter().any(|present| present == mode.as_str())));
        if reserved.is_empty()
            && !volume.deletion
            && text("/spec/storageClassName") == class
            && size >= asked
            && has_modes
        {
            fitting.push((size, volume));
        }
    }
    fitting.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| left.1.name.cmp(&right.1.name)));
    fitting.into_iter().next().map(|(_, volume)| volume)
}

/// Binds both to each other.
fn bind(claim: &Object, wire: &Claim, volume: &Object, context: &mut Context) -> Result<(), SyncError> {
    let reference = json!({
        "kind": "PersistentVolumeClaim",
        "namespace": claim.namespace,
        "name": claim.name,
        "uid": claim.uid,
        "apiVersion": "v1",
        "resourceVersion": claim.resource_version.to_string(),
    });
    let now = context.clock.seconds();
    let bound = context.update(volume, |value| {
        add_finalizer(value, VOLUME_PROTECTION);
        if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("claimRef".into(), reference);
        }
        if let Some(status) = status_of(value) {
            status.insert("phase".into(), "Bound".into());
            status.insert("lastPhaseTransitionTime".into(), now.into());
        }
    })?;
    let name = bound.name.to_string();
    let capacity = bound.value().pointer("/spec/capacity").cloned().unwrap_or_default();
    let modes = wire.spec.access_modes.clone();
    context.update(claim, |value| {
        set_metadata(value, "annotations", "pv.kubernetes.io/bind-completed", "yes");
        set_metadata(value, "annotations", "pv.kubernetes.io/bound-by-controller", "yes");
        if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("volumeName".into(), name.into());
        }
        if let Some(status) = status_of(value) {
            status.insert("phase".into(), "Bound".into());
            status.insert("accessModes".into(), json!(modes));
            status.insert("capacity".into(), capacity);
        }
    })?;
    Ok(())
}

fn volume_for(
    claim: &Object,
    wire: &Claim,
    class_name: &str,
    class: &Object,
    node: Option<&str>,
    context: &Context,
) -> Value {
    let class = class.value();
    let policy = class.get("reclaimPolicy").cloned().unwrap_or_else(|| "Delete".into());
    let provisioner = class.get("provisioner").cloned().unwrap_or_default();
    let name = format!("pvc-{}", claim.uid);
    let mut spec = json!({
        "capacity": { "storage": wire.asked() },
        "accessModes": wire.spec.access_modes,
        "persistentVolumeReclaimPolicy": policy,
        "storageClassName": class_name,
        "volumeMode": wire.spec.volume_mode.as_deref().unwrap_or("Filesystem"),
        "csi": { "driver": provisioner, "volumeHandle": name },
    });
    if let (Some(node), Some(spec)) = (node, spec.as_object_mut()) {
        let expression = json!({ "key": "kubernetes.io/hostname", "operator": "In", "values": [node] });
        let terms = json!([{ "matchExpressions": [expression] }]);
        spec.insert("nodeAffinity".into(), json!({ "required": { "nodeSelectorTerms": terms } }));
    }
    json!({
        "metadata": {
            "name": name,
            "annotations": { PROVISIONED_BY: provisioner },
            "finalizers": [VOLUME_PROTECTION],
        },
        "spec": spec,
        "status": { "phase": "Pending", "lastPhaseTransitionTime": context.clock.seconds() },
    })
}

fn set_phase(volume: &Object, phase: &str, context: &mut Context) -> Result<(), SyncError> {
    let now = context.clock.seconds();
    context.update(volume, |value| {
        let Some(status) = status_of(value) else { return };
        if status.get("phase").and_then(Value::as_str) != Some(phase) {
            status.insert("phase".into(), phase.into());
            status.insert("lastPhaseTransitionTime".into(), now.into());
        }
    })?;
    Ok(())
}

fn add_finalizer(object: &mut Value, finalizer: &str) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
    if let Some(finalizers) = finalizers.as_array_mut()
        && !finalizers.iter().any(|name| name == finalizer)
    {
        finalizers.push(finalizer.into());
    }
}

/// Says that nobody makes a volume for a claim.
fn tell_no_class(claim: &Object, class: &str, context: &mut Context) {
    if class.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        return tell(claim, "FailedBinding", message, context);
    }
    let message = format!("storageclass.storage.k8s.io {class:?} not found");
    report(claim, true, "ProvisioningFailed", &message, context);
}

fn tell(claim: &Object, reason: &str, message: &str, context: &mut Context) {
    report(claim, false, reason, message, context);
}

fn report(claim: &Object, warning: bool, reason: &str, message: &str, context: &mut Context) {
    context.events.record(Report {
        about: claim,
        field_path: None,
        warning,
        reason,
        message,
        reporter: Reporter::Controller("persistentvolume-controller"),
    });
}
