//! What all parts of a run share, and what is made of it for each of them.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bench_cluster::Cluster;
use bench_limiter::RunClock;
use bench_model::{InstrumentId, LogLevel, Phase, QueueId, QueueName, RunEvent, RunId, TimeNs};
use bench_plugin_host::{Ids, QueuePort, RunNamespaces, Services, UNKNOWN_OFFSET};
use bench_prometheus::Prometheus;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use super::RunContext;
use crate::{journal::Journal, ledger::Ledger, plan::Plan, queue::QueueServices, seed, timer::Timing};

/// What all parts of a run share.
pub(crate) struct RunParts {
    pub(crate) plan: Plan,
    pub(crate) cluster: Cluster,
    pub(crate) clock: RunClock,
    /// Cancelled when load must end: by a stop, or by a measurement that broke.
    pub(crate) halt: CancellationToken,
    /// Cancelled when nothing is waited for any longer.
    abandoned: CancellationToken,
    run_id: RunId,
    prometheus: Arc<BTreeMap<String, Prometheus>>,
    default_prometheus: Option<String>,
    events: mpsc::Sender<RunEvent>,
    journal: Journal,
    plugin_runtime: Handle,
    timing: Timing,
    ids: Arc<Ids>,
    queues: AtomicU32,
    ledger: Arc<Ledger>,
    namespaces: RunNamespaces,
    phase: watch::Sender<Phase>,
    clock_offset: watch::Sender<(TimeNs, TimeNs)>,
}

impl RunParts {
    pub(crate) fn new(context: RunContext) -> Self {
        let RunContext {
            run_id,
            plan,
            cluster,
            prometheus,
            default_prometheus,
            clock,
            events,
            journal,
            plugin_runtime,
            timing,
            stop,
        } = context;
        let (phase, _) = watch::channel(Phase::Setup);
        let (clock_offset, _) = watch::channel(UNKNOWN_OFFSET);
        Self {
            ledger: Arc::new(Ledger::new(plan.caps.objects, plan.caps.namespaces)),
            halt: stop.token().child_token(),
            abandoned: stop.abandoned().clone(),
            plan,
            cluster,
            clock,
            run_id,
            prometheus,
            default_prometheus,
            events,
            journal,
            plugin_runtime,
            timing,
            ids: Arc::default(),
            queues: AtomicU32::new(0),
            namespaces: RunNamespaces::default(),
            phase,
            clock_offset,
        }
    }

    pub(crate) async fn emit(&self, event: RunEvent) {
        if self.events.send(event).await.is_err() {
            self.halt.cancel();
        }
    }

    /// Tells who reads the report that something is not as they expect.
    pub(crate) async fn warn(&self, message: String) {
        let (source, at, fields) = (String::new(), self.clock.now(), Vec::new());
        self.emit(RunEvent::Log { source, level: LogLevel::Warn, at, message, fields }).await;
    }

    pub(crate) fn events(&self) -> mpsc::Sender<RunEvent> {
        self.events.clone()
    }

    pub(crate) fn run_id(&self) -> RunId {
        self.run_id
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(super) fn set_clock_offset(&self, bounds: (TimeNs, TimeNs)) {
        self.clock_offset.send_replace(bounds);
    }

    pub(crate) fn namespaces(&self) -> &RunNamespaces {
        &self.namespaces
    }

    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(crate) fn next_queue(&self) -> QueueId {
        QueueId(self.queues.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_instrument(&self) -> InstrumentId {
        self.ids.instrument()
    }

    /// Runs guest code where guests compute.
    pub(crate) async fn on_plugin_runtime<F>(&self, call: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.plugin_runtime.spawn(call).await {
            Ok(output) => output,
            // Nothing cancels these tasks: the only error is a panic, which goes on here.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    pub(crate) fn spawn_plugin<F>(&self, call: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.plugin_runtime.spawn(call)
    }

    /// What an instance acts through; `names` make its seed.
    pub(crate) fn services(&self, names: &[&str], queues: BTreeMap<QueueName, QueuePort>) -> Services {
        let shard = self.plan.shard;
        Services {
            clock: self.clock,
            cluster: Some(self.cluster.clone()),
            prometheus: self.prometheus.clone(),
            default_prometheus: self.default_prometheus.clone(),
            events: self.events.clone(),
            ids: self.ids.clone(),
            run_id: self.run_id,
            seed: seed::derive(self.plan.seed, names),
            instance: (shard.index(), shard.total().get()),
            stop: self.halt.clone(),
            abandoned: self.abandoned.clone(),
            phase: self.phase.subscribe(),
            queues,
            namespaces: self.namespaces.clone(),
            clock_offset: self.clock_offset.subscribe(),
        }
    }

    pub(crate) fn queue_services(&self) -> QueueServices {
        QueueServices {
            cluster: self.cluster.clone(),
            clock: self.clock,
            ledger: self.ledger.clone(),
            journal: self.journal.clone(),
            namespaces: self.namespaces.clone(),
            events: self.events.clone(),
            timing: self.timing,
            stop: self.halt.clone(),
            abandoned: self.abandoned.clone(),
        }
    }

    pub(super) async fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
        self.emit(RunEvent::PhaseStarted { phase, at: self.clock.now() }).await;
    }
}
