//! The host's side of every WIT interface: one file each below, and the state that they share.
//!
//! Host functions check, convert and hand on; they decide nothing about pacing or order. What may wait
//! goes through [`HostState::wait`], so that a stop ends it and the guest's processor time is kept apart
//! from the time it waits.

use std::{future::Future, sync::Arc, time::Duration};

use bench_cluster::Cluster;
use bench_model::{Manifest, RunEvent, TimeNs};
use rand_for_wasi::{SeedableRng, rngs::StdRng};
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use crate::{
    InstanceContext,
    bindings::bench::{base::types, plugin::events},
    compile::Ticker,
    host::{
        error::{BrokenContract, HostCallError, HostError, OutOfTime},
        log::LogGate,
        metrics::Instruments,
        wasi::CapturedOutput,
    },
    limits::{CallBudget, MAX_HANDLES, MemoryLimit},
};

pub(crate) mod error;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod proxy;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod run;
pub(crate) mod scrape;
pub(crate) mod wait;
pub(crate) mod wasi;
pub(crate) mod write;

/// What one instance has on the host's side; one store owns it.
pub(crate) struct HostState {
    /// None while the plugin is only looked at.
    context: Option<InstanceContext>,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) memory: MemoryLimit,
    pub(crate) budget: CallBudget,
    /// Ticks while the guest computes.
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
    pub(crate) output: CapturedOutput,
    pub(crate) log: LogGate,
    pub(crate) instruments: Instruments,
    pub(crate) random: StdRng,
    /// Templates that the guest holds.
    pub(crate) templates: usize,
    /// Templates compiled so far: the number of the next one.
    pub(crate) compiled: u64,
}

/// Why a call into a guest is not waited for any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The guest's fault.
    Overrun(OutOfTime),
    /// Nobody's fault: the run was given up.
    Abandoned,
}

impl HostState {
    /// The state of an instance that does its work.
    pub(crate) fn serving(context: InstanceContext, manifest: Arc<Manifest>, ticker: Arc<Ticker>) -> Self {
        let seed = run::instance_seed(&context);
        let output = CapturedOutput::default();
        Self {
            manifest,
            ticker,
            memory: MemoryLimit::new(&context.limits),
            budget: CallBudget::new(context.limits.setup),
            table: bounded_table(),
            wasi: wasi::context(Some(context.services.clock), seed, &output),
            output,
            log: LogGate::new(context.limits.log_bytes_per_second),
            instruments: Instruments::default(),
            random: StdRng::seed_from_u64(seed),
            templates: 0,
            compiled: 0,
            context: Some(context),
        }
    }

    /// The state of an instance that only says what it is.
    pub(crate) fn inspected(
        limits: &crate::GuestLimits,
        manifest: Arc<Manifest>,
        ticker: Arc<Ticker>,
    ) -> Self {
        let output = CapturedOutput::default();
        Self {
            manifest,
            ticker,
            memory: MemoryLimit::new(limits),
            budget: CallBudget::new(limits.setup),
            table: bounded_table(),
            wasi: wasi::context(None, 0, &output),
            output,
            log: LogGate::new(0),
            instruments: Instruments::default(),
            random: StdRng::seed_from_u64(0),
            templates: 0,
            compiled: 0,
            context: None,
        }
    }

    /// What the instance was made with.
    pub(crate) fn context(&self, call: &str) -> Result<&InstanceContext, BrokenContract> {
        self.context.as_ref().ok_or_else(|| BrokenContract::while_inspected(call))
    }

    pub(crate) fn now(&self) -> TimeNs {
        self.context.as_ref().map_or(TimeNs::ZERO, |context| context.services.clock.now())
    }

    /// The cluster of the run.
    pub(crate) fn cluster(&self, call: &str) -> Result<Cluster, HostCallError> {
        let cluster = self.context(call)?.services.cluster.clone();
        cluster.ok_or_else(|| error::unavailable("this run has no cluster"))
    }

    /// Waits for `work` on the guest's behalf, or until the run stops.
    pub(crate) async fn wait<T>(
        &mut self,
        call: &'static str,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, HostCallError> {
        self.flush().await?;
        let stop = self.context(call)?.services.stop.clone();
        let started = Instant::now();
        let _paused = self.ticker.pause();
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => Err(error::cancelled()),
            value = work => Ok(value),
        };
        self.waited(started.elapsed(), stop.is_cancelled());
        result
    }

    fn waited(&mut self, slept: Duration, stopping: bool) {
        self.budget.waited(slept, stopping);
    }

    /// Ends when the guest has gone on for too long after the run was stopped, or the run is given up; never
    /// while it goes on.
    pub(crate) fn overrun(&self) -> impl Future<Output = Cut> + Send + use<> {
        let context = self.context.as_ref();
        let ends = context.map(|context| {
            let services = &context.services;
            (services.stop.clone(), services.abandoned.clone(), context.limits.stop_grace)
        });
        async move {
            let Some((stop, abandoned, grace)) = ends else { return std::future::pending().await };
            let overrun = async {
                stop.cancelled().await;
                tokio::time::sleep(grace).await;
            };
            tokio::select! {
                biased;
                () = abandoned.cancelled() => Cut::Abandoned,
                () = overrun => Cut::Overrun(OutOfTime::AfterStop { grace }),
            }
        }
    }

    /// Sends an event of the run; waits while the record is behind.
    pub(crate) async fn send(&mut self, event: RunEvent) -> Result<(), HostError> {
        let Some(context) = &self.context else { return Ok(()) };
        let Err(full) = context.services.events.try_send(event) else { return Ok(()) };
        let tokio::sync::mpsc::error::TrySendError::Full(event) = full else {
            return Err(HostError::RecordClosed);
        };
        let events = context.services.events.clone();
        let started = Instant::now();
        let sent = events.send(event).await.map_err(|_| HostError::RecordClosed);
        self.waited(started.elapsed(), false);
        sent
    }

    /// Hands on all that waits to be batched: counters, values, printed lines, dropped messages.
    pub(crate) async fn flush(&mut self) -> Result<(), HostError> {
        self.flush_instruments().await?;
        self.flush_output();
        self.flush_log().await
    }
}

fn bounded_table() -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_HANDLES);
    table
}

// Only types.
impl events::Host for HostState {}

impl types::Host for HostState {
    fn convert_failure(&mut self, error: HostCallError) -> wasmtime::Result<types::Failure> {
        match error {
            HostCallError::Failure(failure) => Ok(failure),
            HostCallError::Trap(error) => Err(error),
        }
    }
}
