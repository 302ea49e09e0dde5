//! A simulated Kubernetes cluster: a real HTTP API server, controllers, scheduler, nodes and pod life cycles.
//!
//! Everything outside talks to it through a socket and a kubeconfig only. It behaves as kube-apiserver 1.36 where
//! clients can tell: texts of errors, versions, watches, patches. What goes wrong, and how long things take, comes
//! from [`SimConfig`] and a seed. It spawns tasks on the caller's runtime and has no threads of its own; time is
//! tokio's, so that a test can pause it. Start with `serve.rs` (requests) or `store.rs` (objects).

mod admission;
mod alias;
mod auth;
mod body;
pub mod clock;
pub mod config;
pub mod controllers;
mod crd;
mod discovery;
mod fault;
mod list;
mod metrics;
mod openapi;
mod patch;
pub mod random;
pub mod registry;
mod render;
mod route;
mod schema;
mod selector;
mod serve;
mod server;
pub mod stage;
pub mod status;
pub mod store;
mod table;
mod tls;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::config::SimConfig;
pub use self::tls::TlsError;
use crate::auth::Authorizer;
use crate::clock::Clock;
use crate::controllers::ControlPlane;
use crate::fault::FaultPlan;
use crate::metrics::Metrics;
use crate::serve::Api;
use crate::store::{HistoryLimits, Store};

/// Why a simulated cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The socket could not be opened.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address of the configuration.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error("failed to prepare TLS")]
    Tls(#[from] TlsError),
    /// The life cycles of the configuration make no sense.
    #[error("invalid stages: {}", .0.join("; "))]
    Stages(Vec<String>),
    /// A built-in kind that the controllers need is missing.
    #[error("the controllers found no built-in kinds")]
    Controllers,
}

/// A running simulated cluster. Dropping it ends all its tasks.
#[derive(Debug)]
pub struct Sim {
    address: SocketAddr,
    kubeconfig: String,
    url: String,
    api: Arc<Api>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Sim {
    /// Starts a cluster on the current tokio runtime.
    ///
    /// # Errors
    /// When the socket cannot be opened, or the stages are invalid.
    pub fn start(config: SimConfig) -> Result<Self, StartError> {
        config.stages.validate().map_err(StartError::Stages)?;
        let listener = server::bind(config.listen)
            .and_then(|listener| Ok((listener.local_addr()?, listener)))
            .map_err(|source| StartError::Listen { address: config.listen, source })?;
        let (address, listener) = listener;
        let tls = config.tls.then(|| tls::for_address(address.ip())).transpose()?;
        let authority = tls.as_ref().map(|tls| tls.authority.clone());

        let limits = HistoryLimits { changes: config.history_changes, bytes: config.history_bytes };
        let store = Store::new(Clock::from_system(), config.seed, limits);
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let plane = control_plane(&store, &config, authority.as_deref())?;
        tasks.spawn(plane.run(shutdown.clone()));
        tasks.spawn(crd::run(store.clone(), shutdown.clone()));
        let url = format!("{}://{address}", if config.tls { "https" } else { "http" });
        let kubeconfig = kubeconfig(&url, authority.as_deref(), &config);
        let api = Arc::new(Api {
            started: store.clock().now(),
            store,
            faults: FaultPlan::new(config.faults, config.seed),
            authorizer: Authorizer::new(config.users),
            metrics: Metrics::default(),
            shutdown: shutdown.clone(),
        });
        let acceptor = tls.map(|tls| tls.acceptor);
        tasks.spawn(server::accept(listener, acceptor, api.clone(), tasks.clone(), shutdown.clone()));
        Ok(Self { address, kubeconfig, url, api, shutdown, tasks })
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the server's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns a kubeconfig as YAML text, for the first user of the configuration.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// Opens a connection in memory, for tests with paused time: what a kernel's socket still has on its way
    /// does not stop that time.
    pub fn open(&self) -> tokio::io::DuplexStream {
        let (client, server) = tokio::io::duplex(1 << 20);
        self.tasks.spawn(server::in_memory(server, self.api.clone(), self.shutdown.clone()));
        client
    }

    /// Ends all tasks and waits for them.
    pub async fn shutdown(self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.tasks.close();
    }
}

fn control_plane(
    store: &Store,
    config: &SimConfig,
    authority: Option<&str>,
) -> Result<ControlPlane, StartError> {
    let mut settings = config.control.clone();
    if let Some(authority) = authority {
        settings.root_ca = authority.to_owned();
    }
    let mut nodes = config.node.clone();
    nodes.count = config.nodes;
    nodes.pods = config.pods_per_node;
    ControlPlane::new(store.clone(), config.seed, config.stages.clone(), settings, nodes)
        .ok_or(StartError::Controllers)
}

fn kubeconfig(url: &str, authority: Option<&str>, config: &SimConfig) -> String {
    use base64::Engine;
    use serde_json::json;
    let mut cluster = json!({"server": url});
    if let (Some(authority), Some(cluster)) = (authority, cluster.as_object_mut()) {
        let encoded = base64::engine::general_purpose::STANDARD.encode(authority);
        cluster.insert("certificate-authority-data".into(), encoded.into());
    }
    let user = config.users.first().map_or(json!({}), |user| json!({"token": user.token}));
    // JSON is YAML, and nobody has to quote anything.
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "simulated",
        "clusters": [{"name": "simulated", "cluster": cluster}],
        "users": [{"name": "simulated", "user": user}],
        "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "simulated"}}],
    });
    format!("{config:#}\n")
}
