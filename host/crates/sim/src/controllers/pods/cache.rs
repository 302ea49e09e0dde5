//! All pods as they are now, found by key, by owner and by node; follows the feed of the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Pod;
use crate::controllers::object_key::ObjectKey;
use crate::store::{Change, ChangeKind};

/// Pods by namespace and name.
type Pods = BTreeMap<ObjectKey, Arc<Pod>>;

/// All pods.
#[derive(Debug, Default)]
pub(crate) struct PodCache {
    pods: HashMap<ObjectKey, Arc<Pod>>,
    by_owner: HashMap<Arc<str>, Pods>,
    by_node: HashMap<Arc<str>, Pods>,
    /// Pods without a controller, for controllers that adopt.
    orphans: Pods,
}

/// A pod before and after a change.
#[derive(Debug, Clone)]
pub(crate) struct PodChange {
    pub(crate) before: Option<Arc<Pod>>,
    pub(crate) after: Option<Arc<Pod>>,
}

impl PodChange {
    /// The newest state known.
    pub(crate) fn pod(&self) -> Option<&Arc<Pod>> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl PodCache {
    /// Takes over a change of a pod.
    pub(crate) fn apply(&mut self, change: &Change) -> PodChange {
        let key = ObjectKey::of(&change.object);
        let known = self.pods.get(&key);
        let after = match change.kind {
            ChangeKind::Added | ChangeKind::Modified => {
                Pod::read(&change.object, known.map(Arc::as_ref)).map(Arc::new)
            }
            ChangeKind::Deleted => None,
        };
        let before = match &after {
            Some(pod) => self.pods.insert(pod.key.clone(), pod.clone()),
            None => self.pods.remove(&key),
        };
        let change = PodChange { before, after };
        let uid = |pod: &Pod| pod.owner.as_ref().map(|owner| owner.uid.clone());
        reindex(&mut self.by_owner, &change, uid);
        reindex(&mut self.by_node, &change, |pod| pod.node.clone());
        match change.after.as_ref().filter(|pod| pod.owner.is_none()) {
            Some(pod) => drop(self.orphans.insert(pod.key.clone(), pod.clone())),
            None => drop(self.orphans.remove(&key)),
        }
        change
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Arc<Pod>> {
        self.pods.get(key)
    }

    /// Pods whose controller has this UID, by name.
    pub(crate) fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Arc<Pod>> {
        self.by_owner.get(uid).into_iter().flat_map(BTreeMap::values)
    }

    /// Pods of a namespace without a controller, by name.
    pub(crate) fn orphans_in(&self, namespace: &str) -> Vec<Arc<Pod>> {
        let first = ObjectKey::new(namespace, "");
        let pods = self.orphans.range(first..).take_while(|(key, _)| *key.namespace == *namespace);
        pods.map(|(_, pod)| pod.clone()).collect()
    }

    /// Pods on a node, by namespace and name.
    pub(crate) fn on_node(&self, node: &str) -> impl Iterator<Item = &Arc<Pod>> {
        self.by_node.get(node).into_iter().flat_map(BTreeMap::values)
    }

    /// All pods, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Pod>> {
        self.pods.values()
    }
}

/// Takes a change over into an index.
fn reindex(
    index: &mut HashMap<Arc<str>, Pods>,
    change: &PodChange,
    entry: impl Fn(&Pod) -> Option<Arc<str>>,
) {
    let of = |pod: &Option<Arc<Pod>>| pod.as_ref().and_then(|pod| entry(pod));
    let (before, after) = (of(&change.before), of(&change.after));
    if let (Some(pod), Some(entry)) = (&change.before, before)
        && after.as_ref() != Some(&entry)
        && let Some(pods) = index.get_mut(&entry)
    {
        pods.remove(&pod.key);
        if pods.is_empty() {
            index.remove(&entry);
        }
    }
    if let (Some(pod), Some(entry)) = (&change.after, after) {
        index.entry(entry).or_default().insert(pod.key.clone(), pod.clone());
    }
}
