//! What all queues of a run share: numbers of resources and reasons, and the caps of the scenario.
//!
//! The caps hold for every plugin together: a slot is taken before a create leaves and is never given back,
//! so that a plugin that creates and deletes cannot make more than the scenario allows.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicU64, Ordering},
};

use bench_model::{CreatedNamespace, ReasonId, ResourceId, ResourceRef, RunEvent};
use parking_lot::Mutex;

/// A cap that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CapError {
    #[error("the scenario allows {limit} objects (`limits.objects`), and they were made")]
    Objects { limit: u64 },
    #[error("the scenario allows {limit} namespaces (`limits.namespaces`), and they were made")]
    Namespaces { limit: u64 },
}

#[derive(Debug)]
pub(crate) struct Ledger {
    names: Mutex<Names>,
    made: Mutex<HashSet<(ResourceRef, String)>>,
    namespaces_made: Mutex<Vec<CreatedNamespace>>,
    objects: Cap,
    namespaces: Cap,
}

#[derive(Debug, Default)]
struct Names {
    resources: HashMap<ResourceRef, ResourceId>,
    reasons: HashMap<String, ReasonId>,
}

#[derive(Debug)]
struct Cap {
    limit: u64,
    taken: AtomicU64,
}

impl Cap {
    fn new(limit: Option<u64>) -> Self {
        Self { limit: limit.unwrap_or(u64::MAX), taken: AtomicU64::new(0) }
    }

    fn take(&self) -> bool {
        let taken = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < self.limit).then(|| n + 1));
        taken.is_ok()
    }
}

impl Ledger {
    pub(crate) fn new(objects: Option<u64>, namespaces: Option<u64>) -> Self {
        Self {
            names: Mutex::default(),
            made: Mutex::default(),
            namespaces_made: Mutex::default(),
            objects: Cap::new(objects),
            namespaces: Cap::new(namespaces),
        }
    }

    /// Takes the place of one object to create.
    pub(crate) fn take_object(&self, is_namespace: bool) -> Result<(), CapError> {
        if is_namespace && !self.namespaces.take() {
            return Err(CapError::Namespaces { limit: self.namespaces.limit });
        }
        if !self.objects.take() {
            return Err(CapError::Objects { limit: self.objects.limit });
        }
        Ok(())
    }

    /// Remembers a namespace that this run made.
    pub(crate) fn note_namespace(&self, namespace: CreatedNamespace) {
        self.namespaces_made.lock().push(namespace);
    }

    /// All namespaces that this run made.
    pub(crate) fn namespaces_made(&self) -> Vec<CreatedNamespace> {
        self.namespaces_made.lock().clone()
    }

    /// The first of them.
    pub(crate) fn first_namespace(&self) -> Option<String> {
        self.namespaces_made.lock().first().map(|namespace| namespace.name.clone())
    }

    /// Remembers an object that this run made outside its own namespaces: only those may be deleted there.
    pub(crate) fn note_made(&self, target: &ResourceRef, name: &str) {
        self.made.lock().insert((target.clone(), name.to_owned()));
    }

    /// Whether this run made it, by [`Ledger::note_made`].
    pub(crate) fn has_made(&self, target: &ResourceRef, name: &str) -> bool {
        self.made.lock().contains(&(target.clone(), name.to_owned()))
    }

    /// The number of a resource, and the event that announces it when it is new.
    pub(crate) fn resource(&self, target: &ResourceRef) -> (ResourceId, Option<RunEvent>) {
        let target = target.in_namespace("");
        let mut names = self.names.lock();
        if let Some(id) = names.resources.get(&target) {
            return (*id, None);
        }
        let resource = ResourceId(u32::try_from(names.resources.len()).unwrap_or(u32::MAX));
        names.resources.insert(target.clone(), resource);
        (resource, Some(RunEvent::ResourceSeen { resource, target }))
    }

    /// The number of a reason, and the event that announces it when it is new. Empty means success.
    pub(crate) fn reason(&self, text: &str, example: &str) -> (ReasonId, Option<RunEvent>) {
        if text.is_empty() {
            return (ReasonId::NONE, None);
        }
        let mut names = self.names.lock();
        if let Some(id) = names.reasons.get(text) {
            return (*id, None);
        }
        let reason = ReasonId(u32::try_from(names.reasons.len() + 1).unwrap_or(u32::MAX));
        names.reasons.insert(text.to_owned(), reason);
        let event = RunEvent::ReasonSeen { reason, text: text.to_owned(), example: example.to_owned() };
        (reason, Some(event))
    }

    /// The text of a reason.
    pub(crate) fn reason_text(&self, reason: ReasonId) -> String {
        let names = self.names.lock();
        names.reasons.iter().find(|(_, id)| **id == reason).map(|(text, _)| text.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_holds_for_everybody_together() {
        let ledger = Ledger::new(Some(2), Some(1));
        assert_eq!(ledger.take_object(true), Ok(()));
        assert_eq!(ledger.take_object(true), Err(CapError::Namespaces { limit: 1 }));
        assert_eq!(ledger.take_object(false), Ok(()));
        assert_eq!(ledger.take_object(false), Err(CapError::Objects { limit: 2 }));
    }

    #[test]
    fn a_reason_is_announced_once_with_an_example() {
        let ledger = Ledger::new(None, None);
        assert_eq!(ledger.reason("", ""), (ReasonId::NONE, None));
        let (first, event) = ledger.reason("Conflict", "pods `a`: the object has been modified");
        assert!(event.is_some());
        assert_eq!(ledger.reason("Conflict", "another"), (first, None));
        assert_eq!(ledger.reason_text(first), "Conflict");
    }
}
