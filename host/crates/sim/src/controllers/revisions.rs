//! ControllerRevisions: the numbered templates of StatefulSets and DaemonSets.

use std::sync::Arc;

use serde_json::{Value, json};

use super::context::{Context, SyncError, controller_reference};
use super::pod_template::template_hash;
use crate::store::Object;

/// Label of pods with the name or hash of their revision.
pub(super) const HASH_LABEL: &str = "controller-revision-hash";

/// Makes sure that there is a revision for the present template; returns its name. Removes the oldest beyond a limit.
pub(super) fn ensure(
    owner: &Object,
    template: &Value,
    keep: usize,
    in_use: &[String],
    context: &mut Context,
) -> Result<String, SyncError> {
    let hash = template_hash(template, 0);
    let name = format!("{}-{hash}", owner.name);
    let kind = context.kinds.revisions.clone();
    let mut known = owned(owner, context);
    known.sort_by_key(|revision| number(revision));
    let newest = known.last().map_or(0, |revision| number(revision));
    match known.iter().find(|revision| *revision.name == *name) {
        Some(revision) if number(revision) < newest => {
            context.update(revision, |value| {
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("revision".into(), (newest + 1).into());
                }
            })?;
        }
        Some(_) => {}
        None => {
            let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(HASH_LABEL.into(), hash.as_str().into());
            }
            let revision = json!({
                "metadata": {
                    "name": name,
                    "labels": labels,
                    "ownerReferences": [controller_reference(owner)],
                },
                "data": { "spec": { "template": template } },
                "revision": newest + 1,
            });
            context.create(&kind, &owner.namespace, revision)?;
        }
    }
    let old: Vec<_> = known
        .iter()
        .filter(|revision| *revision.name != *name && !in_use.iter().any(|used| **used == *revision.name))
        .collect();
    for revision in old.iter().take(old.len().saturating_sub(keep)) {
        context.delete(revision, None)?;
    }
    Ok(name)
}

fn owned(owner: &Object, context: &Context) -> Vec<Arc<Object>> {
    let kind = &context.kinds.revisions;
    let dependents = context.owners.dependents(&owner.uid);
    let dependents = dependents.iter().filter(|node| node.kind == kind.id);
    dependents.filter_map(|node| context.get(kind, &node.key.namespace, &node.key.name)).collect()
}

fn number(revision: &Object) -> i64 {
    revision.value().get("revision").and_then(Value::as_i64).unwrap_or(0)
}
