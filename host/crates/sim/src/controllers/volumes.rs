//! Volumes: claims get a volume, made for them or free already; protection while in use; reclaiming.
//!
//! Plays the PersistentVolume controller, a provisioner and both protection controllers. Claims of a class with
//! `WaitForFirstConsumer` wait until the scheduler has written the node into them; their volume can then be used on
//! that node only.

mod bind;
mod provision;

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use self::bind::{bind, find_volume};
use super::conditions::status_of;
use super::context::{Context, SyncError};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::queue::WorkQueue;
use super::{Controller, Seen};
use crate::store::{ChangeKind, Object};

const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";
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
