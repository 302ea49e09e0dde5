//! Talks to the API server: bytes in, status out.
//!
//! Owns kube. [`Cluster::connect`] finds server and credentials as kubectl does, [`Cluster::send`] is the one
//! path of every request, [`Cluster::watch`] turns watch lines into columns, [`Cluster::wait_until`] waits
//! for conditions and [`Cluster::cleanup`] removes what carries a run's label. Decides nothing about when
//! a request is due, retries nothing that is measured, and knows neither scenarios nor plugins.
//!
//! Start reading at `send.rs`.

mod batch;
mod body;
mod cleanup;
mod clock_offset;
mod coalesce;
mod connect;
mod connection;
mod credentials;
mod dial;
mod discovery;
mod kubeconfig;
mod lines;
mod own_creates;
mod path;
mod projection;
mod proxy;
mod pulse;
mod read;
mod reflect;
mod reply;
mod review;
mod send;
mod status;
mod transport;
mod wait;
mod watch;

use std::{sync::Arc, time::Duration};

use bench_limiter::{Limiter, RunClock};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

pub use crate::{
    cleanup::{CLEANUP_TIMEOUT, FoundRun},
    connect::{ClusterFacts, ConnectError, ConnectOptions},
    credentials::CredentialsError,
    dial::MemoryDialer,
    discovery::{ServedResource, ServedResources},
    kubeconfig::{KubeconfigProblem, KubeconfigSource},
    own_creates::{CreateId, CreateTimes, OwnCreates},
    path::query,
    projection::ProjectionError,
    proxy::{ProxyReply, ProxyTarget},
    read::{ListQuery, Page},
    reply::{Reply, Request, RequestError},
    transport::{Protocol, TransportError},
    wait::{Condition, Stuck},
    watch::{OnLags, WATCH_QUEUE, WatchHandle, WatchLag, WatchSink, WatchSpec},
};

/// Label that every object of a run carries; its value is the run id.
pub const RUN_LABEL: &str = "bench.dev/run-id";

/// A connected cluster; clones share connections, limiter and caches.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    base: path::Base,
    transport: transport::Transport,
    credentials: Arc<credentials::Credentials>,
    limiter: Limiter,
    clock: RunClock,
    request_timeout: Duration,
    runtime: Handle,
    facts: ClusterFacts,
    discovery: discovery::Discovery,
    own_creates: OwnCreates,
    clock_offset: clock_offset::ClockOffset,
    waits: wait::Waits,
    pulse: pulse::Pulse,
}

impl Cluster {
    /// Due and sent times of this run's own creates.
    pub fn own_creates(&self) -> &OwnCreates {
        &self.inner.own_creates
    }

    /// The clock of the run.
    pub fn clock(&self) -> RunClock {
        self.inner.clock
    }

    /// Runs a future where the connections live; on the load runtime itself without a detour.
    async fn on_load_runtime<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, RequestError> {
        if Handle::try_current().is_ok_and(|current| current.id() == self.inner.runtime.id()) {
            return Ok(future.await);
        }
        let task = AbortOnDropHandle::new(self.inner.runtime.spawn(future));
        // Ends like this only when the load runtime is shutting down.
        task.await.map_err(|_| RequestError::Cancelled)
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cluster").field(&self.inner.facts.server).finish()
    }
}
