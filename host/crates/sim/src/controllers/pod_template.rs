//! Pods from templates, and which pods belong to a controller.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::context::{Context, SyncError, controller_reference};
use super::labels::LabelSelector;
use super::pods::{Pod, by_labels};
use crate::random::{fnv1a, safe_encode};
use crate::store::Object;

/// Returns a pod made from a template for an owner; `generate_name` is `web-` or similar, may be empty.
pub(crate) fn pod_from(template: &Value, owner: &Object, name: &str, generate_name: &str) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".into(), name.into());
    if !generate_name.is_empty() {
        metadata.insert("generateName".into(), generate_name.into());
    }
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.pointer(&format!("/metadata/{field}")).filter(|value| !value.is_null())
        {
            metadata.insert(field.into(), value.clone());
        }
    }
    metadata.insert("ownerReferences".into(), json!([controller_reference(owner)]));
    json!({ "metadata": metadata, "spec": template.get("spec").cloned().unwrap_or_default() })
}

/// Sets a label or annotation (`field` is `labels` or `annotations`) in an object's or template's metadata.
pub(crate) fn set_metadata(object: &mut Value, field: &str, key: &str, value: &str) {
    let Some(fields) = object.as_object_mut() else { return };
    let Some(metadata) = fields.entry("metadata").or_insert_with(|| json!({})).as_object_mut() else {
        return;
    };
    let map = metadata.entry(field).or_insert_with(|| json!({}));
    if !map.is_object() {
        *map = json!({});
    }
    if let Some(map) = map.as_object_mut() {
        map.insert(key.into(), value.into());
    }
}

/// Returns the pods of a controller. Takes over pods that match and have no controller, gives up those that do not
/// match any more.
pub(crate) fn claim(
    owner: &Object,
    selector: &LabelSelector,
    context: &mut Context,
) -> Result<Vec<Arc<Pod>>, SyncError> {
    let mut claimed = Vec::new();
    let mut matches = by_labels(|pod| selector.matches(&pod.object));
    for pod in context.pods.owned_by(&owner.uid).cloned().collect::<Vec<_>>() {
        if matches(&pod) {
            claimed.push(pod);
        } else if !owner.deletion {
            release(&pod.object, &owner.uid, context)?;
        }
    }
    if owner.deletion || selector.is_empty() {
        return Ok(claimed);
    }
    for pod in context.pods.orphans_in(&owner.namespace) {
        if pod.is_active() && selector.matches(&pod.object) {
            let reference = controller_reference(owner);
            context.update(&pod.object, |value| {
                let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
                let owners = metadata.entry("ownerReferences").or_insert_with(|| json!([]));
                if let Some(owners) = owners.as_array_mut() {
                    owners.push(reference);
                }
            })?;
            claimed.push(pod);
        }
    }
    Ok(claimed)
}

fn release(object: &Object, owner: &str, context: &mut Context) -> Result<(), SyncError> {
    context.update(object, |value| {
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) else { return };
        owners.retain(|reference| reference.get("uid").and_then(Value::as_str) != Some(owner));
        if owners.is_empty() {
            metadata.remove("ownerReferences");
        }
    })?;
    Ok(())
}

/// A hash of a template in the letters of `pod-template-hash`. Not upstream's number, but made alike.
pub(crate) fn template_hash(template: &Value, collisions: i64) -> String {
    let text = format!("{template}{collisions}");
    let hash = fnv1a(text.as_bytes());
    safe_encode((hash ^ (hash >> 32)) as u32)
}
