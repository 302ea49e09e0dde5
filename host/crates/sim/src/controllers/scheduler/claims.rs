//! The volumes that a pod waits for (the plugin `VolumeBinding`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::wishes::NodeSelector;
use crate::controllers::context::{Context, SyncError};
use crate::controllers::pods::Pod;
use crate::store::Object;

/// The annotation that tells the provisioner where a volume is needed.
pub(crate) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// The claims of a pod, sorted by what is to be done.
#[derive(Debug, Default)]
pub(crate) struct PodClaims {
    /// Where the bound volumes can be used.
    pub(crate) affinities: Vec<NodeSelector>,
    /// Claims that get their volume once a node is chosen.
    pub(crate) unbound: Vec<Arc<Object>>,
}

/// Reads the claims of a pod.
///
/// # Errors
/// With the scheduler's message when one is missing, or unbound although nothing has to be waited for.
pub(crate) fn read(pod: &Pod, context: &Context) -> Result<PodClaims, String> {
    let mut found = PodClaims::default();
    for name in &pod.spec.claims {
        let claim = context.get(&context.kinds.claims, &pod.key.namespace, name);
        let Some(claim) = claim.filter(|claim| !claim.deletion) else {
            return Err(format!("persistentvolumeclaim \"{name}\" not found"));
        };
        let value = claim.value();
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
        if text("/status/phase") == "Bound" {
            let volume = context.get(&context.kinds.volumes, "", text("/spec/volumeName"));
            found.affinities.extend(volume.and_then(|volume| affinity(&volume)));
        } else if waits_for_consumer(text("/spec/storageClassName"), context) {
            found.unbound.push(claim);
        } else {
            return Err("pod has unbound immediate PersistentVolumeClaims".into());
        }
    }
    Ok(found)
}

fn affinity(volume: &Object) -> Option<NodeSelector> {
    let value = volume.value();
    let required = value.pointer("/spec/nodeAffinity/required")?;
    serde_json::from_value(required.clone()).ok()
}

/// Whether a storage class makes volumes for scheduled pods only.
pub(crate) fn waits_for_consumer(class: &str, context: &Context) -> bool {
    let class = context.get(&context.kinds.storage_classes, "", class);
    class.is_some_and(|class| {
        class.value().get("volumeBindingMode").and_then(Value::as_str) == Some("WaitForFirstConsumer")
    })
}

/// Writes the chosen node into the claims.
pub(crate) fn select_node(
    claims: &[Arc<Object>],
    node: &str,
    context: &mut Context,
) -> Result<(), SyncError> {
    for claim in claims {
        context.update(claim, |value| {
            let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
            let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
            if let Some(annotations) = annotations.as_object_mut() {
                annotations.insert(SELECTED_NODE.into(), node.into());
            }
        })?;
    }
    Ok(())
}
