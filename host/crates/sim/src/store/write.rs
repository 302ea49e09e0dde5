//! Creating and changing objects.
//!
//! A change is a function on the JSON tree, run under the lock, so that read and write are one step. What a
//! client may not touch (`uid`, `creationTimestamp`, `generation`, …) is put back afterwards.

use std::sync::Arc;

use rand::Rng;
use serde_json::{Map, Value};

use super::{Change, ChangeKind, Inner, Object, Store};
use crate::admission;
use crate::registry::{Kind, KindRef};
use crate::status::Status;

/// Tries before a generated name that exists already is reported (upstream has the same number).
const NAME_TRIES: usize = 8;

/// Whether a write is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteMode {
    /// It is.
    Keep,
    /// `dryRun=All`: everything but the last step.
    DryRun,
}

impl Store {
    /// Creates an object. Sets name (from `generateName`), uid, version, timestamp, generation and defaults.
    ///
    /// # Errors
    /// When the object is invalid, exists, or its namespace does not exist or is being deleted.
    pub fn create(&self, kind: &KindRef, namespace: &str, object: Value) -> Result<Arc<Object>, Status> {
        self.create_as(kind, namespace, object, WriteMode::Keep)
    }

    pub(crate) fn create_as(
        &self,
        kind: &KindRef,
        namespace: &str,
        mut object: Value,
        mode: WriteMode,
    ) -> Result<Arc<Object>, Status> {
        admission::prepare_create(kind, namespace, &mut object)?;
        let mut inner = self.shared.inner.lock();
        inner.check_namespace(self, kind, namespace, &object)?;
        inner.name(kind, namespace, &mut object)?;
        admission::check_create(kind, &object)?;
        inner.addresses.assign(kind, &mut object)?;
        let uid = inner.uid();
        let metadata = metadata(&mut object);
        metadata.insert("uid".into(), uid.into());
        metadata.insert("creationTimestamp".into(), self.clock().seconds().into());
        if kind.has_generation {
            metadata.insert("generation".into(), 1.into());
        }
        admission::finish_create(kind, &mut object);
        if mode == WriteMode::DryRun {
            admission::order(&mut object);
            return Ok(Arc::new(Object::new(kind, &object, 0)));
        }
        let created = inner.seal(kind, object);
        let change = Change { kind: ChangeKind::Added, object: created.clone(), previous: None };
        inner.commit(change, self.shared.limits);
        Ok(created)
    }

    /// Changes an object in one step. An unchanged result is not written and makes no event.
    ///
    /// Removes the object when it is being deleted and the change took its last finalizer.
    ///
    /// # Errors
    /// When the object does not exist, the change is refused by `change` itself, or its result is invalid.
    pub fn update(
        &self,
        kind: &KindRef,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<(), Status>,
    ) -> Result<Arc<Object>, Status> {
        self.update_as(kind, namespace, name, WriteMode::Keep, change)
    }

    pub(crate) fn update_as(
        &self,
        kind: &KindRef,
        namespace: &str,
        name: &str,
        mode: WriteMode,
        change: impl FnOnce(&mut Value) -> Result<(), Status>,
    ) -> Result<Arc<Object>, Status> {
        let mut inner = self.shared.inner.lock();
        let current = inner.object(kind, namespace, name).ok_or_else(|| Status::not_found(kind, name))?;
        let old = current.value();
        let mut new = old.clone();
        change(&mut new)?;
        admission::prepare_update(kind, &old, &mut new)?;
        if new == old {
            return Ok(current);
        }
        if kind.has_generation && admission::spec_changed(&old, &new) {
            bump_generation(&mut new);
        }
        if mode == WriteMode::DryRun {
            return Ok(Arc::new(Object::new(kind, &new, current.resource_version)));
        }
        Ok(inner.replace(current, new, self.shared.limits))
    }
}

impl Inner {
    /// Writes the new state, or removes the object when nothing holds its deletion up any longer.
    pub(super) fn replace(
        &mut self,
        current: Arc<Object>,
        new: Value,
        limits: super::HistoryLimits,
    ) -> Arc<Object> {
        let gone = is_finished(&current.kind, &new);
        let written = self.seal(&current.kind, new);
        let kind = if gone { ChangeKind::Deleted } else { ChangeKind::Modified };
        self.commit(Change { kind, object: written.clone(), previous: Some(current) }, limits);
        written
    }

    /// Gives an object the next version and freezes it.
    fn seal(&mut self, kind: &KindRef, mut object: Value) -> Arc<Object> {
        let version = self.next_version();
        metadata(&mut object).insert("resourceVersion".into(), version.to_string().into());
        admission::order(&mut object);
        Arc::new(Object::new(kind, &object, version))
    }

    fn check_namespace(
        &self,
        store: &Store,
        kind: &Kind,
        namespace: &str,
        object: &Value,
    ) -> Result<(), Status> {
        if !kind.namespaced {
            return Ok(());
        }
        let namespaces = store.kind("", "namespaces");
        let found = namespaces.and_then(|namespaces| self.object(&namespaces, "", namespace));
        let found = found.ok_or_else(|| Status::namespace_not_found(namespace))?;
        if found.deletion {
            return Err(Status::namespace_terminating(kind, admission::name_of(object), namespace));
        }
        Ok(())
    }

    /// Makes sure that the object has a name that is free.
    fn name(&mut self, kind: &Kind, namespace: &str, object: &mut Value) -> Result<(), Status> {
        let name = admission::name_of(object).to_owned();
        if !name.is_empty() {
            return match self.object(kind, namespace, &name) {
                Some(_) => Err(Status::already_exists(kind, &name)),
                None => Ok(()),
            };
        }
        let base = admission::generate_name_of(object).to_owned();
        if base.is_empty() {
            return Err(admission::name_required(kind));
        }
        for _ in 0..NAME_TRIES {
            let name = admission::generated_name(&base, &mut self.random);
            if self.object(kind, namespace, &name).is_none() {
                metadata(object).insert("name".into(), name.into());
                return Ok(());
            }
        }
        Err(Status::already_exists(kind, &base))
    }

    fn uid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.random.random()).into_uuid().to_string()
    }
}

/// The `metadata` of an object, made when absent.
pub(super) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    admission::member(object, "metadata")
}

pub(super) fn bump_generation(object: &mut Value) {
    let metadata = metadata(object);
    let old = metadata.get("generation").and_then(Value::as_i64).unwrap_or(0);
    metadata.insert("generation".into(), old.saturating_add(1).into());
}

/// Whether an object that is being deleted waits for nothing any more.
pub(super) fn is_finished(kind: &Kind, object: &Value) -> bool {
    let Some(metadata) = object.get("metadata") else { return false };
    if metadata.get("deletionTimestamp").is_none_or(Value::is_null) || !is_empty(metadata.get("finalizers")) {
        return false;
    }
    if kind.is("", "namespaces") && !is_empty(object.pointer("/spec/finalizers")) {
        return false;
    }
    metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0) == 0
}

fn is_empty(list: Option<&Value>) -> bool {
    list.and_then(Value::as_array).is_none_or(Vec::is_empty)
}
