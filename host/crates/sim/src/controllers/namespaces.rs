//! Deletes what is in a namespace, then lets the namespace go.
//!
//! Pods go first and everything else waits for them (ordered namespace deletion, KEP-5080). Conditions tell what
//! remains. At the end `kubernetes` is taken from `spec.finalizers`, upon which the store removes the object.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::conditions::{self, Condition, Times};
use super::context::{Context, SyncError};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::queue::WorkQueue;
use super::settings::NamespaceWait;
use super::{Controller, Seen};
use crate::registry::KindRef;
use crate::store::{ChangeKind, Object, Propagation};

/// The namespace controller.
#[derive(Debug)]
pub(super) struct Namespaces {
    queue: WorkQueue<ObjectKey>,
    /// Namespaces on their way out.
    terminating: HashSet<Arc<str>>,
}

/// What is left of one kind.
struct Remaining {
    resource: String,
    objects: Vec<Arc<Object>>,
}

impl Namespaces {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new(), terminating: HashSet::new() }
    }
}

impl Controller for Namespaces {
    fn observe(&mut self, seen: Seen<'_>, context: &Context) {
        let object = &seen.change.object;
        if seen.known == Some(Known::Namespace) {
            let key = ObjectKey::of(object);
            if seen.change.kind == ChangeKind::Deleted {
                self.terminating.remove(&key.name);
            } else if object.deletion && self.terminating.insert(key.name.clone()) {
                self.queue.add(key);
            }
            return;
        }
        let waits_for_events = context.settings.namespace_wait == NamespaceWait::Event;
        if seen.change.kind == ChangeKind::Deleted
            && waits_for_events
            && self.terminating.contains(&*object.namespace)
        {
            self.queue.add(ObjectKey::new("", &object.namespace));
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(namespace) = context.get(&context.kinds.namespaces, "", &key.name) else {
            context.forget_names(&key.name);
            return Ok(());
        };
        if !namespace.deletion {
            return Ok(());
        }
        let pods = context.kinds.pods.clone();
        let mut remaining = delete_all(&pods, &key.name, context)?.into_iter().collect::<Vec<_>>();
        if remaining.is_empty() {
            for kind in context.store.kinds() {
                if kind.namespaced && kind != pods {
                    remaining.extend(delete_all(&kind, &key.name, context)?);
                }
            }
        }
        if remaining.is_empty() {
            return finalize(&namespace, context);
        }
        report(&namespace, &remaining, context)?;
        let now = context.clock.instant();
        match context.settings.namespace_wait {
            // Something with a finalizer of its own may go without this controller's doing.
            NamespaceWait::Event => {}
            NamespaceWait::Upstream => self.queue.add_at(key.clone(), now + upstream_wait(&remaining)),
        }
        Ok(())
    }
}

/// Deletes the objects of a kind in a namespace; returns those that are still there afterwards.
fn delete_all(
    kind: &KindRef,
    namespace: &str,
    context: &mut Context,
) -> Result<Option<Remaining>, SyncError> {
    for object in context.store.list(kind, Some(namespace)) {
        if !object.deletion {
            context.delete(&object, Some(Propagation::Background))?;
        }
    }
    let objects = context.store.list(kind, Some(namespace));
    let resource = kind.resource();
    Ok((!objects.is_empty()).then_some(Remaining { resource, objects }))
}

/// Half the longest grace period of what is left, and a second.
fn upstream_wait(remaining: &[Remaining]) -> Duration {
    let objects = remaining.iter().flat_map(|kind| &kind.objects);
    let grace = |object: &Arc<Object>| {
        object.value().pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64)
    };
    Duration::from_secs(objects.filter_map(grace).max().unwrap_or(0) / 2 + 1)
}

fn report(namespace: &Object, remaining: &[Remaining], context: &mut Context) -> Result<(), SyncError> {
    let (mut content, mut finalizers) = (Vec::new(), Vec::<(String, usize)>::new());
    for kind in remaining {
        content.push(format!("{}. has {} resource instances", kind.resource, kind.objects.len()));
        for object in &kind.objects {
            let value = object.value();
            let names = value.pointer("/metadata/finalizers").and_then(Value::as_array);
            for name in names.into_iter().flatten().filter_map(Value::as_str) {
                match finalizers.iter_mut().find(|(known, _)| known == name) {
                    Some((_, count)) => *count += 1,
                    None => finalizers.push((name.to_owned(), 1)),
                }
            }
        }
    }
    finalizers.sort();
    let mut held = String::new();
    for (idx, (name, count)) in finalizers.iter().enumerate() {
        let comma = if idx == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(held, "{comma}{name} in {count} resource instances");
    }
    let content = format!("Some resources are remaining: {}", content.join(", "));
    let held =
        (!held.is_empty()).then(|| format!("Some content in the namespace has finalizers remaining: {held}"));
    write_conditions(namespace, Some(&content), held.as_deref(), context)
}

fn write_conditions(
    namespace: &Object,
    remaining: Option<&str>,
    finalizers: Option<&str>,
    context: &mut Context,
) -> Result<(), SyncError> {
    let now = context.clock.seconds();
    let rows = [
        (
            "NamespaceDeletionDiscoveryFailure",
            false,
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            false,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        match remaining {
            Some(message) => ("NamespaceContentRemaining", true, "SomeResourcesRemain", message),
            None => {
                ("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed")
            }
        },
        match finalizers {
            Some(message) => ("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", message),
            None => (
                "NamespaceFinalizersRemaining",
                false,
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
        },
    ];
    let mut status: Map<String, Value> = namespace.decode_member("status").unwrap_or_default();
    for (kind, holds, reason, message) in rows {
        let condition = Condition {
            kind,
            status: if holds { "True" } else { "False" },
            reason: Some(reason),
            message: Some(message),
            observed_generation: None,
        };
        conditions::set(&mut status, Times::TransitionOnly, condition, &now);
    }
    context.update_status(namespace, Value::Object(status))
}

/// Says that all is gone, and takes the finalizer away.
fn finalize(namespace: &Object, context: &mut Context) -> Result<(), SyncError> {
    write_conditions(namespace, None, None, context)?;
    context.update(namespace, |value| {
        if let Some(finalizers) = value.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut) {
            finalizers.retain(|name| name != "kubernetes");
        }
    })?;
    context.forget_names(&namespace.name);
    Ok(())
}
