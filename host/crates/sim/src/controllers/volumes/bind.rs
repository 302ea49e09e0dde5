//! Finds a volume for a claim among those that there are, and binds both to each other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Claim, VOLUME_PROTECTION, add_finalizer};
use crate::controllers::conditions::status_of;
use crate::controllers::context::{Context, SyncError};
use crate::controllers::pod_template::set_metadata;
use crate::controllers::quantity;
use crate::store::Object;

/// The volume that the claim names, or the smallest free one that is large enough.
pub(super) fn find_volume(
    claim: &Claim,
    class: &str,
    object: &Object,
    context: &Context,
) -> Option<Arc<Object>> {
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
pub(super) fn bind(
    claim: &Object,
    wire: &Claim,
    volume: &Object,
    context: &mut Context,
) -> Result<(), SyncError> {
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
