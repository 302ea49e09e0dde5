//! Which objects live, and who is owned by whom: the garbage collector's graph.
//!
//! Fed with the changes of all kinds. Holds names and UIDs only.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::object_key::ObjectKey;
use crate::registry::{KindId, KindRef};
use crate::store::{Change, ChangeKind};

/// A place in the store together with the identity of what was seen there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    pub(crate) kind: KindId,
    pub(crate) key: ObjectKey,
    pub(crate) uid: Arc<str>,
}

/// Living objects and their dependents.
#[derive(Debug, Default)]
pub(crate) struct OwnerIndex {
    /// Objects that own something or are owned, by UID.
    live: HashMap<Arc<str>, Node>,
    dependents: HashMap<Arc<str>, BTreeSet<Node>>,
    kinds: HashMap<KindId, KindRef>,
}

impl OwnerIndex {
    /// Takes over a change of any object.
    pub(crate) fn apply(&mut self, change: &Change) {
        let object = &change.object;
        self.kinds.entry(object.kind.id).or_insert_with(|| object.kind.clone());
        let node = Node { kind: object.kind.id, key: ObjectKey::of(object), uid: object.uid.clone() };
        let before = change.previous.as_ref().map_or(&[][..], |previous| &previous.owner_uids[..]);
        let removed = change.kind == ChangeKind::Deleted;
        let after = if removed { &[][..] } else { &object.owner_uids[..] };
        if removed {
            self.live.remove(&object.uid);
        } else if before.is_empty() {
            self.live.entry(object.uid.clone()).or_insert_with(|| node.clone());
        }
        if before == after {
            return;
        }
        for owner in before.iter().filter(|owner| !after.contains(owner)) {
            if let Some(dependents) = self.dependents.get_mut(owner) {
                dependents.remove(&node);
                if dependents.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
        for owner in after {
            self.dependents.entry(owner.clone()).or_default().insert(node.clone());
        }
    }

    /// Whether an object with this UID exists.
    pub(crate) fn is_live(&self, uid: &str) -> bool {
        self.live.contains_key(uid)
    }

    /// Where an object with this UID is.
    pub(crate) fn find(&self, uid: &str) -> Option<&Node> {
        self.live.get(uid)
    }

    /// The kind of a place.
    pub(crate) fn kind(&self, id: KindId) -> Option<&KindRef> {
        self.kinds.get(&id)
    }

    /// Objects that name this UID as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Node> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Whether any object names this UID as an owner.
    pub(crate) fn has_dependents(&self, uid: &str) -> bool {
        self.dependents.contains_key(uid)
    }
}
