//! The garbage collector: dependents follow their owners.
//!
//! Keys are UIDs. A UID that no longer lives means: look at what named it as an owner. A living one means: look
//! whether its owners live, and whether its own deletion waits for dependents (`foregroundDeletion`) or wants to
//! leave them behind (`orphan`). As `pkg/controller/garbagecollector`, without its graph builder: the index in
//! `owners` is always as new as the store's feed.

use std::sync::Arc;

use serde_json::Value;

use super::context::{Context, SyncError};
use super::object_key::ObjectKey;
use super::owners::Node;
use super::queue::WorkQueue;
use super::{Controller, Seen};
use crate::store::{ChangeKind, Object, Propagation};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The garbage collector.
#[derive(Debug)]
pub(super) struct GarbageCollector {
    queue: WorkQueue<ObjectKey>,
}

impl GarbageCollector {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new() }
    }

    fn look_at(&mut self, uid: &str) {
        self.queue.add(ObjectKey::new("", uid));
    }
}

impl Controller for GarbageCollector {
    fn observe(&mut self, seen: Seen<'_>, context: &Context) {
        let object = &seen.change.object;
        match seen.change.kind {
            ChangeKind::Deleted => {
                if context.owners.has_dependents(&object.uid) {
                    self.look_at(&object.uid);
                }
                // An owner may have waited for this one.
                for owner in object.owner_uids.iter() {
                    if owner_waits(owner, context) {
                        self.look_at(owner);
                    }
                }
            }
            ChangeKind::Added | ChangeKind::Modified => {
                let was_deleting = seen.change.previous.as_ref().is_some_and(|previous| previous.deletion);
                let new_owners = seen
                    .change
                    .previous
                    .as_ref()
                    .is_none_or(|previous| previous.owner_uids != object.owner_uids);
                let lacks_owner = || object.owner_uids.iter().any(|owner| !context.owners.is_live(owner));
                if (object.deletion && !was_deleting && has_gc_finalizer(object))
                    || (new_owners && lacks_owner())
                {
                    self.look_at(&object.uid);
                }
            }
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let uid = &*key.name;
        let Some(node) = context.owners.find(uid).cloned() else {
            for dependent in context.owners.dependents(uid) {
                judge(&dependent, context)?;
            }
            return Ok(());
        };
        let Some(object) = load(&node, context) else { return Ok(()) };
        if object.deletion {
            let value = object.value();
            if has_finalizer(&value, ORPHAN) {
                return leave_dependents(&object, context);
            }
            if has_finalizer(&value, FOREGROUND) {
                return delete_dependents(&object, context);
            }
        }
        judge(&node, context)
    }
}

/// Deletes an object whose owners are all gone, or takes those that are gone from its references.
fn judge(node: &Node, context: &mut Context) -> Result<(), SyncError> {
    let Some(object) = load(node, context) else { return Ok(()) };
    if object.owner_uids.is_empty() {
        return Ok(());
    }
    let dead = |uid: &str, context: &Context| !context.owners.is_live(uid);
    let (gone, living): (Vec<_>, Vec<_>) = object.owner_uids.iter().partition(|uid| dead(uid, context));
    if living.is_empty() {
        if object.deletion {
            return Ok(());
        }
        return context.delete(&object, Some(Propagation::Background));
    }
    if gone.is_empty() {
        return Ok(());
    }
    let gone: Vec<&str> = gone.into_iter().map(|uid| &**uid).collect();
    drop_owners(&object, &gone, context)
}

/// Deletes what blocks the deletion of an owner; when nothing does, lets the owner go.
fn delete_dependents(owner: &Object, context: &mut Context) -> Result<(), SyncError> {
    let mut blocked = false;
    for node in context.owners.dependents(&owner.uid) {
        let Some(dependent) = load(&node, context) else { continue };
        let others_live = dependent
            .owner_uids
            .iter()
            .any(|uid| **uid != *owner.uid && context.owners.is_live(uid) && !owner_waits(uid, context));
        if others_live {
            drop_owners(&dependent, &[&owner.uid], context)?;
            continue;
        }
        if !dependent.deletion {
            let has_own = context.owners.has_dependents(&dependent.uid);
            let propagation = if has_own { Propagation::Foreground } else { Propagation::Background };
            context.delete(&dependent, Some(propagation))?;
        }
        let still_there = load(&node, context).is_some();
        blocked |= still_there && blocks(&dependent, &owner.uid);
    }
    if blocked {
        return Ok(());
    }
    context.remove_finalizer(owner, FOREGROUND)
}

/// Takes the owner from its dependents' references, then lets the owner go.
fn leave_dependents(owner: &Object, context: &mut Context) -> Result<(), SyncError> {
    for node in context.owners.dependents(&owner.uid) {
        if let Some(dependent) = load(&node, context) {
            drop_owners(&dependent, &[&owner.uid], context)?;
        }
    }
    context.remove_finalizer(owner, ORPHAN)
}

fn drop_owners(object: &Object, uids: &[&str], context: &mut Context) -> Result<(), SyncError> {
    let result = context.update(object, |value| {
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) else { return };
        owners
            .retain(|owner| owner.get("uid").and_then(Value::as_str).is_none_or(|uid| !uids.contains(&uid)));
        if owners.is_empty() {
            metadata.remove("ownerReferences");
        }
    });
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}

fn load(node: &Node, context: &Context) -> Option<Arc<Object>> {
    let kind = context.owners.kind(node.kind)?;
    context.get(kind, &node.key.namespace, &node.key.name).filter(|object| object.uid == node.uid)
}

/// Whether an owner is being deleted in the foreground.
fn owner_waits(uid: &str, context: &Context) -> bool {
    let Some(owner) = context.owners.find(uid).and_then(|node| load(node, context)) else { return false };
    owner.deletion && has_finalizer(&owner.value(), FOREGROUND)
}

fn has_gc_finalizer(object: &Object) -> bool {
    let value = object.value();
    has_finalizer(&value, FOREGROUND) || has_finalizer(&value, ORPHAN)
}

fn has_finalizer(value: &Value, finalizer: &str) -> bool {
    let list = value.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|name| name == finalizer))
}

fn blocks(dependent: &Object, owner: &str) -> bool {
    let value = dependent.value();
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|reference| {
        reference.get("uid").and_then(Value::as_str) == Some(owner)
            && reference.get("blockOwnerDeletion").and_then(Value::as_bool) == Some(true)
    })
}
