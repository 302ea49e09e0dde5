//! Specs that controllers have read already.
//!
//! A controller looks at the same few objects again and again, mostly because their status or their pods have changed.
//! The generation of an object moves with its spec, so that the spec is read once for each generation.

use std::collections::HashMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::object_key::ObjectKey;
use crate::store::{Change, ChangeKind, Object};

/// Specs by object, each read as `T`.
#[derive(Debug)]
pub(super) struct SpecCache<T>(HashMap<ObjectKey, Entry<T>>);

#[derive(Debug)]
struct Entry<T> {
    uid: Arc<str>,
    generation: i64,
    spec: Arc<T>,
}

impl<T: DeserializeOwned> SpecCache<T> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Returns the spec of an object.
    ///
    /// # Errors
    /// When it has not the shape of `T`.
    pub(super) fn read(&mut self, object: &Object) -> Result<Arc<T>, serde_json::Error> {
        let key = ObjectKey::of(object);
        if let Some(entry) = self.0.get(&key)
            && entry.uid == object.uid
            && entry.generation == object.generation
        {
            return Ok(entry.spec.clone());
        }
        let spec: Arc<T> = Arc::new(serde_json::from_slice(object.member("spec").unwrap_or(b"{}"))?);
        let entry = Entry { uid: object.uid.clone(), generation: object.generation, spec: spec.clone() };
        self.0.insert(key, entry);
        Ok(spec)
    }

    /// Forgets an object that is gone.
    pub(super) fn observe(&mut self, change: &Change) {
        if change.kind == ChangeKind::Deleted {
            self.0.remove(&ObjectKey::of(&change.object));
        }
    }
}
