//! What the rest of the program gives an instance: clock, cluster, queues, the way out for events.
//!
//! Plain values and channels, so that the engine can serve them and tests can stand in for the engine.
//! Every channel is bounded by whoever makes it; a guest that is faster than its reader waits.

mod queue;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bench_cluster::Cluster;
use bench_limiter::RunClock;
use bench_model::{InstrumentId, Phase, PluginName, QueueName, RunEvent, RunId, TableId, TimeNs};
use bench_prometheus::Prometheus;
use parking_lot::RwLock;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use self::queue::{
    CompletionBatch, Failures, ParamColumn, PatchType, QueueCommand, QueuePort, WriteAction, WriteBatch,
};
use crate::{Grants, GuestLimits};

/// All that one instance is made with.
#[derive(Clone)]
pub struct InstanceContext {
    /// Its name in the scenario.
    pub plugin: PluginName,
    /// Name of the job or of the measurement that it serves.
    pub user: String,
    /// What it may do.
    pub grants: Grants,
    /// What it may use up.
    pub limits: GuestLimits,
    /// What it acts through.
    pub services: Services,
}

/// The parts of the program that host functions reach.
#[derive(Clone)]
pub struct Services {
    /// The only clock of the run.
    pub clock: RunClock,
    /// None: every call on the cluster fails with the reason `unavailable`.
    pub cluster: Option<Cluster>,
    /// The scenario's endpoints by name.
    pub prometheus: Arc<BTreeMap<String, Prometheus>>,
    /// The endpoint that the name `""` means: the first of the scenario.
    pub default_prometheus: Option<String>,
    /// Where instruments, tables, logs and waits are told. A full channel makes the guest wait; its own
    /// log messages are dropped and counted instead.
    pub events: mpsc::Sender<RunEvent>,
    /// Numbers of instruments and tables, shared by all instances of the run.
    pub ids: Arc<Ids>,
    /// Which run.
    pub run_id: RunId,
    /// The scenario's seed.
    pub seed: u64,
    /// Number of this instance and how many there are.
    pub instance: (u32, u32),
    /// Cancelled when the job or the run is over.
    pub stop: CancellationToken,
    /// Cancelled when the run is given up: nothing is waited for any longer.
    pub abandoned: CancellationToken,
    /// The phase that the run is in.
    pub phase: watch::Receiver<Phase>,
    /// The job's queues, `setup` among them; empty for measurements.
    pub queues: BTreeMap<QueueName, QueuePort>,
    /// Namespaces that this run made.
    pub namespaces: RunNamespaces,
    /// Lowest and highest `server - run`; [`UNKNOWN_OFFSET`] before it was measured.
    pub clock_offset: watch::Receiver<(TimeNs, TimeNs)>,
}

/// What `run.clock-offset` answers while nothing is known.
pub const UNKNOWN_OFFSET: (TimeNs, TimeNs) = (TimeNs::ABSENT, TimeNs::NEVER);

/// Gives out numbers; two instances of a run never get the same one.
#[derive(Debug, Default)]
pub struct Ids {
    instruments: AtomicU32,
    tables: AtomicU32,
}

impl Ids {
    /// The next instrument's number.
    pub fn instrument(&self) -> InstrumentId {
        InstrumentId(self.instruments.fetch_add(1, Ordering::Relaxed))
    }

    /// The next table's number.
    pub fn table(&self) -> TableId {
        TableId(self.tables.fetch_add(1, Ordering::Relaxed))
    }
}

/// The namespaces that this run made; clones share one set.
///
/// Whoever creates a namespace for the run adds it here before anything may be put into it.
#[derive(Debug, Clone, Default)]
pub struct RunNamespaces(Arc<RwLock<BTreeSet<String>>>);

impl RunNamespaces {
    /// Remembers a namespace as made by this run.
    pub fn insert(&self, namespace: impl Into<String>) {
        self.0.write().insert(namespace.into());
    }

    /// Whether this run made it.
    pub fn contains(&self, namespace: &str) -> bool {
        self.0.read().contains(namespace)
    }

    /// All of them, sorted.
    pub fn list(&self) -> Vec<String> {
        self.0.read().iter().cloned().collect()
    }
}

impl<N: Into<String>> FromIterator<N> for RunNamespaces {
    fn from_iter<I: IntoIterator<Item = N>>(names: I) -> Self {
        Self(Arc::new(RwLock::new(names.into_iter().map(Into::into).collect())))
    }
}
