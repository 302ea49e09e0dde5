//! Deleting objects: preconditions, grace, finalizers and propagation (`registry/rest/delete.go` upstream).
//!
//! An object is removed at once unless it has finalizers, is a namespace with content to remove, or is a pod
//! that a node still has to stop. Dependents are the garbage collector's business, not this file's.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::write::{bump_generation, is_finished};
use super::{Draft, Object, Store};
use crate::clock;
use crate::registry::KindRef;
use crate::status::Status;

/// Seconds a pod gets when neither it nor the request says otherwise.
const DEFAULT_GRACE: i64 = 30;

/// What happens to the dependents of a deleted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They stay, without the reference.
    Orphan,
    /// They are removed afterwards.
    Background,
    /// They are removed before it.
    Foreground,
}

/// `metav1.DeleteOptions`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeleteOptions {
    /// Seconds until a pod is removed by force; 0 removes at once.
    pub grace_period_seconds: Option<i64>,
    /// What happens to dependents; absent means the kind's default (background for all kinds here).
    pub propagation: Option<Propagation>,
    /// Only if the object has this UID.
    pub uid: Option<String>,
    /// Only if the object has this version.
    pub resource_version: Option<String>,
    /// Do everything but the deletion.
    pub dry_run: bool,
}

/// The result of a deletion.
#[derive(Debug, Clone)]
pub(crate) struct Deleted {
    /// The state afterwards; the last state when it is gone.
    pub(crate) object: Arc<Object>,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

impl Store {
    /// Deletes an object, or marks it when something has to happen before. Returns its last state.
    ///
    /// # Errors
    /// When the object does not exist or a precondition does not hold.
    pub fn delete(
        &self,
        kind: &KindRef,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Arc<Object>, Status> {
        self.delete_as(kind, namespace, name, options).map(|deleted| deleted.object)
    }

    /// Ends the graceful deletion of an object; it stays only when it has finalizers.
    ///
    /// # Errors
    /// When the object does not exist.
    pub fn remove_now(&self, kind: &KindRef, namespace: &str, name: &str) -> Result<Arc<Object>, Status> {
        let options = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
        self.delete(kind, namespace, name, &options)
    }

    pub(crate) fn delete_as(
        &self,
        kind: &KindRef,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        let mut inner = self.shared.inner.lock();
        let current = inner.object(kind, namespace, name).ok_or_else(|| Status::not_found(kind, name))?;
        check_preconditions(&current, options)?;
        let mut draft = Draft::new(&current);
        set_finalizers(draft.metadata(), options.propagation);
        let grace = grace(&current, options);
        mark(&mut draft, grace, self.clock());
        let (limits, gone) = (self.shared.limits, is_finished(&mut draft));
        // The deletion of a pod is written before it is done, also where nothing holds it up.
        let is_written = draft.is_changed() && (!gone || kind.is("", "pods"));
        if options.dry_run {
            let object = if is_written { Arc::new(draft.finish(current.resource_version)) } else { current };
            return Ok(Deleted { object, gone });
        }
        let current = if is_written { inner.write(&current, draft, limits) } else { current };
        let object = if gone { inner.remove(&current, limits) } else { current };
        Ok(Deleted { object, gone })
    }
}

fn check_preconditions(current: &Object, options: &DeleteOptions) -> Result<(), Status> {
    if let Some(uid) = &options.uid
        && **uid != *current.uid
    {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have \
             been deleted and then recreated",
            current.uid
        );
        return Err(Status::precondition(&current.kind, &current.name, &why));
    }
    let version = current.resource_version.to_string();
    if let Some(wanted) = &options.resource_version
        && *wanted != version
    {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
             ({version}). The object might have been modified"
        );
        return Err(Status::precondition(&current.kind, &current.name, &why));
    }
    Ok(())
}

/// `orphan` and `foregroundDeletion` are requests to the garbage collector, written as finalizers.
fn set_finalizers(metadata: &mut Map<String, Value>, propagation: Option<Propagation>) {
    let Some(propagation) = propagation else { return };
    let mut finalizers: Vec<Value> =
        metadata.get("finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    finalizers.retain(|name| name != "orphan" && name != "foregroundDeletion");
    match propagation {
        Propagation::Orphan => finalizers.push("orphan".into()),
        Propagation::Foreground => finalizers.push("foregroundDeletion".into()),
        Propagation::Background => {}
    }
    if finalizers.is_empty() {
        metadata.remove("finalizers");
    } else {
        metadata.insert("finalizers".into(), finalizers.into());
    }
}

/// Seconds until the object is removed by force; 0 for all but pods that a node runs.
fn grace(object: &Object, options: &DeleteOptions) -> i64 {
    if !object.kind.is("", "pods") {
        return 0;
    }
    let assigned = object.field("spec.nodeName").is_some_and(|node| !node.is_empty());
    if !assigned || matches!(object.field("status.phase"), Some("Succeeded" | "Failed")) {
        return 0;
    }
    let own = || object.decode_member::<PodSpec>("spec").ok()?.termination_grace_period_seconds;
    let wanted = options.grace_period_seconds.or_else(own).unwrap_or(DEFAULT_GRACE);
    // A negative number means "at once, but not by force" upstream, where it becomes 1.
    if wanted < 0 { 1 } else { wanted }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    termination_grace_period_seconds: Option<i64>,
}

/// Sets the deletion timestamp. A deletion under way can only be made shorter.
fn mark(draft: &mut Draft<'_>, grace: i64, clock: clock::Clock) {
    let fields = draft.metadata();
    let present = fields
        .get("deletionTimestamp")
        .filter(|at| !at.is_null())
        .map(|_| fields.get("deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0));
    if present.is_some_and(|present| present <= grace) {
        return;
    }
    let wait = Duration::from_secs(u64::try_from(grace).unwrap_or(0));
    let at = clock.now().saturating_add(wait).unwrap_or(jiff::Timestamp::MAX);
    fields.insert("deletionTimestamp".into(), clock::seconds(at).into());
    fields.insert("deletionGracePeriodSeconds".into(), grace.into());
    if present.is_none() && fields.contains_key("generation") {
        bump_generation(fields);
    }
    if draft.object().kind.is("", "namespaces") {
        draft.status().insert("phase".into(), "Terminating".into());
    }
}
