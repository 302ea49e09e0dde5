//! What every controller is given: the store, the clock, the caches, and one way to write.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::budget::Budget;
use super::kinds::Kinds;
use super::owners::OwnerIndex;
use super::pods::PodCache;
use super::settings::{ControlSettings, NodeSettings};
use crate::clock::Clock;
use crate::controllers::events::Events;
use crate::random::Random;
use crate::registry::KindRef;
use crate::stage::Stages;
use crate::status::Status;
use crate::store::{DeleteOptions, Draft, Object, Propagation, Store};

/// What is shared by the controllers of one cluster; they run one after the other.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) kinds: Kinds,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) settings: ControlSettings,
    pub(crate) node_settings: NodeSettings,
    pub(crate) stages: Stages,
    pub(crate) events: Events,
    pub(crate) pods: PodCache,
    pub(crate) owners: OwnerIndex,
    /// The request limit of the controller that is at work.
    pub(crate) budget: Budget,
    /// Names made so far for each `generateName`, so that names depend on the seed only.
    generated: BTreeMap<Box<str>, u64>,
}

/// Why a sync could not finish.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SyncError {
    /// The controller's request limit is used up; go on at this moment.
    #[error("request limit reached")]
    Throttled(Instant),
    /// The store refused.
    #[error(transparent)]
    Refused(#[from] Status),
    /// An object has not the shape that its kind should have.
    #[error("object cannot be read: {0}")]
    Unreadable(String),
}

impl SyncError {
    /// Whether the store said that the object does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 404)
    }

    /// Whether the store said that the object exists already.
    pub(crate) fn is_already_exists(&self) -> bool {
        matches!(self, Self::Refused(status) if status.reason == "AlreadyExists")
    }
}

impl From<serde_json::Error> for SyncError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl Context {
    pub(crate) fn new(
        store: Store,
        kinds: Kinds,
        seed: u64,
        stages: Stages,
        settings: ControlSettings,
        node_settings: NodeSettings,
    ) -> Self {
        let events = Events::new(store.clone(), kinds.events.clone(), settings.events.clone());
        Self {
            clock: store.clock(),
            store,
            kinds,
            random: Random::from_seed(seed),
            settings,
            node_settings,
            stages,
            events,
            pods: PodCache::default(),
            owners: OwnerIndex::default(),
            budget: Budget::new(None),
            generated: BTreeMap::new(),
        }
    }

    /// Returns `base` and five letters, a name not given before.
    pub(crate) fn generate_name(&mut self, namespace: &str, base: &str) -> String {
        // The longest name is 63 characters; upstream cuts the base to 58.
        let base: String = base.chars().take(58).collect();
        let count = self.generated.entry(format!("{namespace}/{base}").into()).or_insert(0);
        *count += 1;
        let suffix = self.random.suffix(&["name", namespace, &base, &count.to_string()], 5);
        format!("{base}{suffix}")
    }

    /// Forgets the names of a namespace that is gone.
    pub(crate) fn forget_names(&mut self, namespace: &str) {
        let first = format!("{namespace}/");
        self.generated.retain(|base, _| !base.starts_with(&first));
    }

    pub(crate) fn get(&self, kind: &KindRef, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.store.get(kind, namespace, name)
    }

    /// Creates an object.
    pub(crate) fn create(
        &mut self,
        kind: &KindRef,
        namespace: &str,
        object: Value,
    ) -> Result<Arc<Object>, SyncError> {
        self.take_token()?;
        Ok(self.store.create(kind, namespace, object)?)
    }

    /// Creates an object unless there is one of that name.
    pub(crate) fn ensure(
        &mut self,
        kind: &KindRef,
        namespace: &str,
        name: &str,
        object: Value,
    ) -> Result<(), SyncError> {
        if self.store.get(kind, namespace, name).is_some() {
            return Ok(());
        }
        match self.create(kind, namespace, object) {
            Err(error) if error.is_already_exists() => Ok(()),
            other => other.map(drop),
        }
    }

    /// Changes an object. The change may run on a tree that is thrown away.
    pub(crate) fn update(
        &mut self,
        object: &Object,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Object>, SyncError> {
        self.take_token()?;
        self.update_free(object, change)
    }

    /// As `update`, without taking from the request limit: for what nodes write, which have limits of their own.
    pub(crate) fn update_free(
        &self,
        object: &Object,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Object>, SyncError> {
        let uid = object.uid.clone();
        let changed = self.store.update(&object.kind, &object.namespace, &object.name, |value| {
            // Another object may have taken the name meanwhile.
            if value.pointer("/metadata/uid").and_then(Value::as_str) != Some(&uid) {
                return Err(Status::not_found(&object.kind, &object.name));
            }
            change(value);
            Ok(())
        })?;
        Ok(changed)
    }

    /// Changes some members of an object, with what is known to be valid.
    pub(crate) fn edit(
        &mut self,
        object: &Object,
        change: impl FnOnce(&mut Draft<'_>),
    ) -> Result<Arc<Object>, SyncError> {
        self.take_token()?;
        self.edit_free(object, change)
    }

    /// As `edit`, without taking from the request limit.
    pub(crate) fn edit_free(
        &self,
        object: &Object,
        change: impl FnOnce(&mut Draft<'_>),
    ) -> Result<Arc<Object>, SyncError> {
        Ok(self.store.edit(object, change)?)
    }

    /// Writes a status if it differs from the present one; takes a token only then.
    pub(crate) fn update_status(&mut self, object: &Object, status: Value) -> Result<(), SyncError> {
        let present = self.store.get(&object.kind, &object.namespace, &object.name);
        if present.is_none_or(|present| present.member_value("status") == status) {
            return Ok(());
        }
        self.edit(object, |draft| *draft.member("status") = status)?;
        Ok(())
    }

    /// Deletes exactly this object; one that is gone already is no error.
    pub(crate) fn delete(
        &mut self,
        object: &Object,
        propagation: Option<Propagation>,
    ) -> Result<(), SyncError> {
        self.take_token()?;
        let options =
            DeleteOptions { propagation, uid: Some(object.uid.to_string()), ..DeleteOptions::default() };
        match self.store.delete(&object.kind, &object.namespace, &object.name, &options) {
            Ok(_) => Ok(()),
            // A conflict means that another object has the name now: this one is gone.
            Err(status) if status.code == 404 || status.code == 409 => Ok(()),
            Err(status) => Err(status.into()),
        }
    }

    /// Takes a finalizer from an object.
    pub(crate) fn remove_finalizer(&mut self, object: &Object, finalizer: &str) -> Result<(), SyncError> {
        let result = self.edit(object, |draft| drop_finalizer(draft.metadata(), finalizer));
        match result {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map(drop),
        }
    }

    fn take_token(&mut self) -> Result<(), SyncError> {
        self.budget.take(self.clock.instant()).map_err(SyncError::Throttled)
    }
}

/// Takes a finalizer from an object's metadata.
pub(crate) fn drop_finalizer(metadata: &mut Map<String, Value>, finalizer: &str) {
    let Some(finalizers) = metadata.get_mut("finalizers").and_then(Value::as_array_mut) else { return };
    finalizers.retain(|name| name != finalizer);
    if finalizers.is_empty() {
        metadata.remove("finalizers");
    }
}

/// Returns a reference to the controller of a new object.
pub(crate) fn controller_reference(owner: &Object) -> Value {
    json!({
        "apiVersion": owner.kind.api_version(),
        "kind": owner.kind.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}
