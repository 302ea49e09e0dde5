//! Creating and changing objects.
//!
//! A change is a function on the JSON tree, run under the lock, so that read and write are one step. What a
//! client may not touch (`uid`, `creationTimestamp`, `generation`, …) is put back afterwards.

use std::sync::Arc;

use rand::Rng;
use serde_json::{Map, Value, json};

use super::{Change, ChangeKind, Draft, HistoryLimits, Inner, Members, Object, Store};
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
        inner.check_namespace(self, kind, namespace, admission::name_of(&object))?;
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
            bump_generation(metadata(&mut new));
        }
        if mode == WriteMode::DryRun {
            return Ok(Arc::new(Object::new(kind, &new, current.resource_version)));
        }
        if is_free_to_go(kind, new.get("metadata"), new.pointer("/spec/finalizers")) {
            // The answer shows the change, the event what was stored before it.
            let removed = inner.remove(&current, self.shared.limits);
            return Ok(Arc::new(Object::new(kind, &new, removed.resource_version)));
        }
        let written = inner.seal(kind, new);
        let change = Change { kind: ChangeKind::Modified, object: written.clone(), previous: Some(current) };
        inner.commit(change, self.shared.limits);
        Ok(written)
    }
}

impl Store {
    /// Changes some members of an object in one step, without checking what comes out: for the cluster's own
    /// components, which know what they write. An unchanged result is not written and makes no event. The generation
    /// stays: the one spec that is written so is that of a pod being bound, where upstream leaves it, too.
    ///
    /// # Errors
    /// When the object does not exist any more, even if another has its name.
    pub(crate) fn edit(
        &self,
        object: &Object,
        change: impl FnOnce(&mut Draft<'_>),
    ) -> Result<Arc<Object>, Status> {
        let Object { kind, namespace, name, uid, .. } = object;
        let mut inner = self.shared.inner.lock();
        let current = inner.object(kind, namespace, name).filter(|current| current.uid == *uid);
        let current = current.ok_or_else(|| Status::not_found(kind, name))?;
        let mut draft = Draft::new(&current);
        change(&mut draft);
        if !draft.is_changed() {
            return Ok(current);
        }
        if is_finished(&mut draft) {
            return Ok(inner.remove(&current, self.shared.limits));
        }
        Ok(inner.write(&current, draft, self.shared.limits))
    }

    /// Creates an object that the caller writes itself: nothing is defaulted or checked but the namespace.
    ///
    /// `body` writes all members but `metadata`; `field` gives the values of the kind's selectable fields.
    ///
    /// # Errors
    /// When the name is taken, or the namespace does not exist or is being deleted.
    pub(crate) fn insert(
        &self,
        kind: &KindRef,
        namespace: &str,
        name: &str,
        body: impl FnOnce(&mut Members),
        field: impl Fn(&str) -> Box<str>,
    ) -> Result<Arc<Object>, Status> {
        let mut inner = self.shared.inner.lock();
        if inner.object(kind, namespace, name).is_some() {
            return Err(Status::already_exists(kind, name));
        }
        inner.check_namespace(self, kind, namespace, name)?;
        let (uid, version) = (inner.uid(), inner.next_version());
        let metadata = json!({
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "resourceVersion": version.to_string(),
            "creationTimestamp": self.clock().seconds(),
        });
        let mut members = Members::of(kind, 1024);
        members.put("metadata", &metadata);
        body(&mut members);
        let fields = kind.fields.iter().map(|known| field(&known.label)).collect();
        let object = Arc::new(Object::from_members(kind, Some(&metadata), members, fields, version));
        let change = Change { kind: ChangeKind::Added, object: object.clone(), previous: None };
        inner.commit(change, self.shared.limits);
        Ok(object)
    }
}

impl Inner {
    /// Writes a changed object that stays.
    pub(super) fn write(
        &mut self,
        current: &Arc<Object>,
        draft: Draft<'_>,
        limits: HistoryLimits,
    ) -> Arc<Object> {
        let written = Arc::new(draft.finish(self.next_version()));
        let previous = Some(current.clone());
        self.commit(Change { kind: ChangeKind::Modified, object: written.clone(), previous }, limits);
        written
    }

    /// Removes an object. The event shows the last stored state with a version of its own, as upstream.
    pub(super) fn remove(&mut self, current: &Arc<Object>, limits: HistoryLimits) -> Arc<Object> {
        let object = Arc::new(current.at_version(self.next_version()));
        let previous = Some(current.clone());
        self.commit(Change { kind: ChangeKind::Deleted, object: object.clone(), previous }, limits);
        object
    }

    /// Gives an object the next version and freezes it.
    fn seal(&mut self, kind: &KindRef, mut object: Value) -> Arc<Object> {
        let version = self.next_version();
        metadata(&mut object).insert("resourceVersion".into(), version.to_string().into());
        admission::order(&mut object);
        Arc::new(Object::new(kind, &object, version))
    }

    fn check_namespace(&self, store: &Store, kind: &Kind, namespace: &str, name: &str) -> Result<(), Status> {
        if !kind.namespaced {
            return Ok(());
        }
        let namespaces = store.shared.namespaces.as_ref();
        let found = namespaces.and_then(|namespaces| self.object(namespaces, "", namespace));
        let found = found.ok_or_else(|| Status::namespace_not_found(namespace))?;
        if found.deletion {
            return Err(Status::namespace_terminating(kind, name, namespace));
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

pub(super) fn bump_generation(metadata: &mut Map<String, Value>) {
    let old = metadata.get("generation").and_then(Value::as_i64).unwrap_or(0);
    metadata.insert("generation".into(), old.saturating_add(1).into());
}

/// Whether an object that is being deleted waits for nothing any more.
pub(super) fn is_finished(draft: &mut Draft<'_>) -> bool {
    let object = draft.object();
    if !object.deletion && !draft.touches("metadata") {
        return false;
    }
    if !is_free_to_go(&object.kind, Some(draft.member("metadata")), None) {
        return false;
    }
    !object.kind.is("", "namespaces") || is_empty(draft.member("spec").get("finalizers"))
}

fn is_free_to_go(kind: &Kind, metadata: Option<&Value>, namespace_finalizers: Option<&Value>) -> bool {
    let Some(metadata) = metadata else { return false };
    if metadata.get("deletionTimestamp").is_none_or(Value::is_null) || !is_empty(metadata.get("finalizers")) {
        return false;
    }
    if kind.is("", "namespaces") && !is_empty(namespace_finalizers) {
        return false;
    }
    metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0) == 0
}

fn is_empty(list: Option<&Value>) -> bool {
    list.and_then(Value::as_array).is_none_or(Vec::is_empty)
}
