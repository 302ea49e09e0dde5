//! Makes volumes for claims, as the provisioner of their class would, after the time that it takes.

use serde_json::{Value, json};

use super::bind::bind;
use super::{Claim, VOLUME_PROTECTION, Volumes, tell, tell_no_class};
use crate::controllers::context::{Context, SyncError};
use crate::controllers::object_key::ObjectKey;
use crate::controllers::scheduler::{SELECTED_NODE, waits_for_consumer};
use crate::store::Object;

const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
const EXTERNAL_PROVISIONING: &str = "Waiting for a volume to be created either by the external provisioner \
    'sim.bench.dev/provisioner' or manually by the system administrator. If volume creation is delayed, please verify \
    that the provisioner is running and correctly registered.";

impl Volumes {
    /// Makes a volume after the time that takes.
    pub(super) fn provision(
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
