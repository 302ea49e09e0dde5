//! What the scheduler learns from changes: which pods are counted on which node, and which may be tried again.

use super::node_info::{Load, NodeInfo, Share};
use super::{Scheduler, backoff, is_pending, share};
use crate::controllers::context::Context;
use crate::controllers::object_key::ObjectKey;
use crate::controllers::pods::PodChange;
use crate::store::{Change, ChangeKind};

impl Scheduler {
    pub(super) fn observe_pod(&mut self, change: &PodChange, context: &Context) {
        let Some(pod) = change.pod() else { return };
        let counts = change.after.as_ref().filter(|pod| !pod.is_terminal());
        match counts.and_then(|pod| pod.node.as_ref().map(|node| (pod, node))) {
            Some((pod, node)) => {
                self.assumed.remove(&pod.key);
                self.count(&pod.key, node, share(pod));
            }
            None if self.assumed.contains_key(&pod.key) && change.after.is_some() => {}
            None => {
                if self.uncount(&pod.key) {
                    self.wake(context);
                }
            }
        }
        match &change.after {
            Some(pod) if is_pending(pod) => {
                if !self.parked.contains_key(&pod.key) && !self.assumed.contains_key(&pod.key) {
                    let is_new = change.before.is_none();
                    let was_gated = change.before.as_ref().is_some_and(|before| before.spec.gated);
                    if is_new || was_gated {
                        self.queue.add(pod.key.clone());
                    }
                }
            }
            Some(_) => self.forget(&pod.key),
            None => {
                self.forget(&pod.key);
                if self.assumed.remove(&pod.key).is_some() {
                    self.uncount(&pod.key);
                }
            }
        }
    }

    pub(super) fn forget(&mut self, key: &ObjectKey) {
        self.parked.remove(key);
        self.failed.remove(key);
    }

    pub(super) fn observe_node(&mut self, change: &Change, context: &Context) {
        let name = &change.object.name;
        let load = match self.nodes.remove(name) {
            Some(known) => known.used,
            None => self.homeless.remove(name).unwrap_or_default(),
        };
        let node = match change.kind {
            ChangeKind::Added | ChangeKind::Modified => NodeInfo::read(&change.object, load.clone()),
            ChangeKind::Deleted => None,
        };
        match node {
            Some(node) => {
                self.nodes.insert(name.clone(), node);
                self.wake(context);
            }
            None => drop(self.homeless.insert(name.clone(), load)),
        }
    }

    /// Counts a pod on a node, once.
    pub(super) fn count(&mut self, key: &ObjectKey, node: &str, share: Share) {
        if let Some((known, counted)) = self.counted.get(key)
            && **known == *node
            && *counted == share
        {
            return;
        }
        self.uncount(key);
        self.load(node).add(&share);
        self.counted.insert(key.clone(), (node.into(), share));
    }

    pub(super) fn uncount(&mut self, key: &ObjectKey) -> bool {
        let Some((node, share)) = self.counted.remove(key) else { return false };
        self.load(&node).remove(&share);
        true
    }

    fn load(&mut self, node: &str) -> &mut Load {
        match self.nodes.get_mut(node) {
            Some(node) => &mut node.used,
            None => self.homeless.entry(node.into()).or_default(),
        }
    }

    /// Lets the pods that wait for a change try again, each not before its backoff is over.
    pub(super) fn wake(&mut self, context: &Context) {
        let settings = &context.settings.scheduler;
        for (key, _) in std::mem::take(&mut self.parked) {
            let at = self.failed.get(&key).map_or_else(
                || context.clock.instant(),
                |failed| failed.last + backoff(failed.attempts, settings.backoff, settings.backoff_max),
            );
            self.queue.add_at(key, at);
        }
    }
}
