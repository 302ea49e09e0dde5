//! The objects of the simulated cluster, and the only place where they change.
//!
//! Every write goes through here, whether it came over HTTP or from a controller, and obeys the same rules:
//! admission (defaults, validation), generation, finalizers, graceful deletion, one version for each write.
//! One lock, never held across an await. Reading is in this file, writing in `write` and `delete`.

mod delete;
mod draft;
mod object;
mod table;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::{Notify, mpsc};

pub use self::delete::{DeleteOptions, Propagation};
pub(crate) use self::draft::Draft;
pub(crate) use self::object::Members;
pub use self::object::Object;
pub use self::table::HistoryLimits;
use self::table::Table;
pub(crate) use self::table::{Gone, key};
pub(crate) use self::write::WriteMode;
use crate::clock::Clock;
use crate::registry::{Kind, KindId, KindRef, Registry};

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It was written.
    Modified,
    /// It is gone; the object is its last state, with the version of its removal.
    Deleted,
}

/// One change of one object.
#[derive(Debug, Clone)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The state after the change.
    pub object: Arc<Object>,
    /// The state before; absent for new objects.
    pub previous: Option<Arc<Object>>,
}

/// A handle to the objects; clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    limits: HistoryLimits,
    /// The kind `Namespace`, which every create asks for.
    namespaces: Option<KindRef>,
    registry: RwLock<Registry>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Version of the last write.
    version: u64,
    tables: HashMap<KindId, Table>,
    feeds: Vec<Feed>,
    /// For UIDs and generated names.
    random: SmallRng,
    addresses: crate::admission::Addresses,
}

#[derive(Debug)]
struct Feed {
    kinds: Vec<KindId>,
    sender: mpsc::UnboundedSender<Change>,
}

impl Store {
    /// Returns an empty store that knows the built-in kinds.
    pub fn new(clock: Clock, seed: u64, limits: HistoryLimits) -> Self {
        let inner = Inner {
            version: 1,
            tables: HashMap::new(),
            feeds: Vec::new(),
            random: SmallRng::seed_from_u64(seed),
            addresses: crate::admission::Addresses::default(),
        };
        let registry = Registry::with_builtin();
        let namespaces = registry.get("", "namespaces");
        let (registry, inner) = (RwLock::new(registry), Mutex::new(inner));
        Self { shared: Arc::new(Shared { clock, limits, namespaces, registry, inner }) }
    }

    /// Returns the clock that all timestamps come from.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Finds a kind by group (empty for core) and plural name.
    pub fn kind(&self, group: &str, plural: &str) -> Option<KindRef> {
        self.shared.registry.read().get(group, plural)
    }

    /// Returns all kinds, built-in ones first.
    pub fn kinds(&self) -> Vec<KindRef> {
        self.shared.registry.read().all().to_vec()
    }

    pub(crate) fn registry(&self) -> &RwLock<Registry> {
        &self.shared.registry
    }

    /// Returns one object; `namespace` is empty for kinds outside namespaces.
    pub fn get(&self, kind: &KindRef, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.shared.inner.lock().object(kind, namespace, name)
    }

    /// Returns the objects of one namespace or of all, ordered by namespace and name.
    pub fn list(&self, kind: &KindRef, namespace: Option<&str>) -> Vec<Arc<Object>> {
        self.snapshot(kind, namespace).1
    }

    /// Returns how many objects of the kind there are.
    pub(crate) fn count(&self, kind: &Kind) -> usize {
        self.shared.inner.lock().tables.get(&kind.id).map_or(0, |table| table.objects.len())
    }

    /// Returns the version of the last write.
    pub fn version(&self) -> u64 {
        self.shared.inner.lock().version
    }

    /// Returns the objects together with the version they are of.
    pub(crate) fn snapshot(&self, kind: &KindRef, namespace: Option<&str>) -> (u64, Vec<Arc<Object>>) {
        let inner = self.shared.inner.lock();
        let objects = inner.tables.get(&kind.id).map(|table| table.list(namespace)).unwrap_or_default();
        (inner.version, objects)
    }

    /// Returns the objects as they were at a version.
    pub(crate) fn snapshot_at(
        &self,
        kind: &KindRef,
        namespace: Option<&str>,
        version: u64,
    ) -> Result<Vec<Arc<Object>>, Gone> {
        let inner = self.shared.inner.lock();
        match inner.tables.get(&kind.id) {
            Some(table) => table.list_at(namespace, version),
            None => Ok(Vec::new()),
        }
    }

    /// Returns up to `max` changes after `version`, and the version up to which nothing was left out.
    pub(crate) fn changes_after(
        &self,
        kind: &KindRef,
        version: u64,
        max: usize,
    ) -> Result<(Vec<Change>, u64), Gone> {
        let inner = self.shared.inner.lock();
        let changes = match inner.tables.get(&kind.id) {
            Some(table) => table.changes_after(version, max)?,
            None => Vec::new(),
        };
        let reached = match changes.last() {
            Some(last) if changes.len() == max => last.object.resource_version,
            Some(_) | None => inner.version.max(version),
        };
        Ok((changes, reached))
    }

    /// Lets the history of a kind begin now: its earlier versions are gone, as those of custom resources upstream.
    pub(crate) fn begin_history(&self, kind: &Kind) {
        let mut inner = self.shared.inner.lock();
        let floor = inner.version;
        inner.tables.entry(kind.id).or_insert_with(|| Table::starting_at(floor));
    }

    /// Returns what is notified after each change of the kind.
    pub(crate) fn wake(&self, kind: &Kind) -> Arc<Notify> {
        self.shared.inner.lock().table(kind).wake.clone()
    }

    /// Returns all present objects of the kinds as `Added`, then every change.
    ///
    /// Unbounded, because a controller may not lose a change; bounded in fact by how far it falls behind.
    pub fn subscribe(&self, kinds: &[KindRef]) -> mpsc::UnboundedReceiver<Change> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut inner = self.shared.inner.lock();
        for kind in kinds {
            for object in inner.tables.get(&kind.id).map(|table| table.list(None)).unwrap_or_default() {
                // The receiver is held by this function, so that sending cannot fail.
                let _ = sender.send(Change { kind: ChangeKind::Added, object, previous: None });
            }
        }
        inner.feeds.push(Feed { kinds: kinds.iter().map(|kind| kind.id).collect(), sender });
        receiver
    }
}

impl Inner {
    fn object(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.tables.get(&kind.id)?.objects.get(&key(namespace, name)).cloned()
    }

    fn table(&mut self, kind: &Kind) -> &mut Table {
        // Versions before the kind existed are not covered, but nothing was lost either.
        self.tables.entry(kind.id).or_insert_with(|| Table::starting_at(0))
    }

    /// Records a change for watches and hands it to the controllers.
    fn commit(&mut self, change: Change, limits: HistoryLimits) {
        let id = change.object.kind.id;
        self.feeds.retain(|feed| !feed.kinds.contains(&id) || feed.sender.send(change.clone()).is_ok());
        let kind = change.object.kind.clone();
        self.table(&kind).record(change, limits);
    }

    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }
}
