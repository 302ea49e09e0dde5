//! The objects of one kind, and a bounded window of their latest changes.
//!
//! The window serves watches from an older version, and consistent pages of a list (the present undone back to
//! that version). When it does not reach back far enough, the answer is 410, as after an etcd compaction.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use tokio::sync::Notify;

use super::{Change, ChangeKind, Object};

/// Limits of the window of one kind.
#[derive(Debug, Clone, Copy)]
pub struct HistoryLimits {
    /// Most changes kept.
    pub changes: usize,
    /// Most bytes of JSON kept.
    pub bytes: usize,
}

/// A version that the window no longer covers; holds the oldest that it does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone(pub(crate) u64);

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) objects: BTreeMap<Box<str>, Arc<Object>>,
    history: VecDeque<Change>,
    history_bytes: usize,
    /// The version of the last change that was dropped from the window.
    floor: u64,
    pub(super) wake: Arc<Notify>,
}

/// The place of an object in a table, which is also the order of lists: as in etcd.
pub(crate) fn key(namespace: &str, name: &str) -> Box<str> {
    if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() }
}

impl Table {
    pub(super) fn starting_at(floor: u64) -> Self {
        Self { floor, ..Self::default() }
    }

    pub(super) fn record(&mut self, change: Change, limits: HistoryLimits) {
        let key = key(&change.object.namespace, &change.object.name);
        match change.kind {
            ChangeKind::Added | ChangeKind::Modified => {
                self.objects.insert(key, change.object.clone());
            }
            ChangeKind::Deleted => {
                self.objects.remove(&key);
            }
        }
        self.history_bytes += change.object.bytes().len();
        self.history.push_back(change);
        while self.history.len() > limits.changes || self.history_bytes > limits.bytes {
            let Some(oldest) = self.history.pop_front() else { break };
            self.history_bytes -= oldest.object.bytes().len();
            self.floor = oldest.object.resource_version;
        }
        self.wake.notify_waiters();
    }

    pub(super) fn list(&self, namespace: Option<&str>) -> Vec<Arc<Object>> {
        let Some(namespace) = namespace else { return self.objects.values().cloned().collect() };
        let first = format!("{namespace}/");
        self.objects
            .range::<str, _>((Bound::Included(first.as_str()), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(&first))
            .map(|(_, object)| object.clone())
            .collect()
    }

    /// The objects as they were at `version`.
    pub(super) fn list_at(&self, namespace: Option<&str>, version: u64) -> Result<Vec<Arc<Object>>, Gone> {
        if version < self.floor {
            return Err(Gone(self.floor));
        }
        let newer = self.after(version);
        if newer == self.history.len() {
            return Ok(self.list(namespace));
        }
        let mut objects: BTreeMap<Box<str>, Arc<Object>> = self
            .list(namespace)
            .into_iter()
            .map(|object| (key(&object.namespace, &object.name), object))
            .collect();
        for change in self.history.range(newer..).rev() {
            if namespace.is_some_and(|namespace| namespace != &*change.object.namespace) {
                continue;
            }
            let key = key(&change.object.namespace, &change.object.name);
            match &change.previous {
                Some(previous) => objects.insert(key, previous.clone()),
                None => objects.remove(&key),
            };
        }
        Ok(objects.into_values().collect())
    }

    /// Up to `max` changes after `version`.
    pub(super) fn changes_after(&self, version: u64, max: usize) -> Result<Vec<Change>, Gone> {
        if version < self.floor {
            return Err(Gone(self.floor));
        }
        Ok(self.history.range(self.after(version)..).take(max).cloned().collect())
    }

    /// Position of the first change after `version`.
    fn after(&self, version: u64) -> usize {
        self.history.partition_point(|change| change.object.resource_version <= version)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::registry::{KindRef, Registry};

    const LIMITS: HistoryLimits = HistoryLimits { changes: 4, bytes: 1 << 20 };

    fn object(kind: &KindRef, name: &str, version: u64) -> Arc<Object> {
        let value =
            json!({"metadata": {"name": name, "namespace": "n", "resourceVersion": version.to_string()}});
        Arc::new(Object::new(kind, &value, version))
    }

    /// Writes (`true`) or deletes names at versions from 1 on; returns the state after each.
    fn play(table: &mut Table, writes: &[(usize, bool)]) -> Vec<Vec<u64>> {
        let kind = Registry::with_builtin().get("", "configmaps").expect("config maps are built in");
        let mut states = vec![Vec::new()];
        for (version, (name, kept)) in (1..).zip(writes) {
            let object = object(&kind, ["a", "b", "c"][*name % 3], version);
            let previous = table.objects.get(&*key("n", &object.name)).cloned();
            let kind = match (kept, &previous) {
                (true, None) => ChangeKind::Added,
                (true, Some(_)) => ChangeKind::Modified,
                (false, _) => ChangeKind::Deleted,
            };
            if *kept || previous.is_some() {
                table.record(Change { kind, object, previous }, LIMITS);
            }
            states.push(versions(&table.list(Some("n"))));
        }
        states
    }

    fn versions(objects: &[Arc<Object>]) -> Vec<u64> {
        objects.iter().map(|object| object.resource_version).collect()
    }

    #[test]
    fn changes_before_the_window_are_gone() {
        let mut table = Table::default();
        play(&mut table, &[(0, true), (1, true), (0, true), (1, false), (0, true), (0, true)]);
        assert_eq!(table.changes_after(1, 10).map(drop), Err(Gone(2)));
        let left: Vec<u64> = table
            .changes_after(2, 10)
            .expect("inside the window")
            .iter()
            .map(|change| change.object.resource_version)
            .collect();
        assert_eq!(left, [3, 4, 5, 6]);
        assert_eq!(table.changes_after(2, 2).map(|changes| changes.len()), Ok(2));
    }

    #[test]
    fn a_namespace_is_not_mistaken_for_one_it_begins() {
        let mut table = Table::default();
        play(&mut table, &[(0, true)]);
        assert_eq!(table.list(Some("")).len(), 0);
        assert_eq!(table.list(Some("n")).len(), 1);
        assert_eq!(table.list(Some("nn")).len(), 0);
    }

    proptest! {
        #[test]
        fn every_state_inside_the_window_can_be_shown_again(
            writes in prop::collection::vec((0usize..3, any::<bool>()), 0..12),
        ) {
            let mut table = Table::default();
            let states = play(&mut table, &writes);
            for (version, state) in (0..).zip(&states) {
                match table.list_at(Some("n"), version) {
                    Ok(objects) => prop_assert_eq!(&versions(&objects), state),
                    Err(Gone(floor)) => prop_assert!(version < floor),
                }
            }
        }
    }
}
