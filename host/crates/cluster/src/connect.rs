//! From a kubeconfig to a cluster that answers, with everything a report has to say about it.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use bench_limiter::{Limiter, RunClock};
use bench_model::{ResourceRef, Verb};
use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::runtime::Handle;

use crate::{
    Cluster, Inner, OwnCreates,
    body::{Keep, read_body},
    clock_offset::{ClockOffset, OffsetBounds, server_second},
    connection::Whose,
    credentials::{Credentials, CredentialsError},
    dial::MemoryDialer,
    discovery::Discovery,
    kubeconfig::{self, KubeconfigProblem, KubeconfigSource},
    path::Base,
    reply::Request,
    status::{self, MAX_STATUS_BYTES},
    transport::{ClientMaker, Protocol, Transport, TransportError},
};

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Where the kubeconfig is.
    pub kubeconfig: KubeconfigSource,
    /// Which of its contexts; the current one when absent.
    pub context: Option<String>,
    /// Requests of the load that may be on their way at the same time. For each hundred, as many as an API server takes
    /// on one, there is an HTTP/2 connection.
    pub in_flight: usize,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Opens connections in memory instead of to the kubeconfig's server: for tests with paused time.
    pub memory: Option<MemoryDialer>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            kubeconfig: KubeconfigSource::Default,
            context: None,
            in_flight: 1,
            // As the API server's own `--request-timeout`.
            request_timeout: Duration::from_secs(60),
            memory: None,
        }
    }
}

impl ConnectOptions {
    /// Options for a kubeconfig file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { kubeconfig: KubeconfigSource::File(path.into()), ..Self::default() }
    }

    /// Options for the text of a kubeconfig.
    pub fn inline(text: impl Into<String>) -> Self {
        Self { kubeconfig: KubeconfigSource::Inline(text.into()), ..Self::default() }
    }
}

/// Why there is no cluster. No secret is in any of them.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing says where the cluster is.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigProblem),
    /// Nothing usable says who we are.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The server's URL has no host.
    #[error("`{server}` is not the URL of a server")]
    Server {
        /// The URL.
        server: String,
    },
    /// No connection.
    #[error("failed to reach the API server at {server}")]
    Unreachable {
        /// Scheme, host and port.
        server: String,
        /// Why.
        #[source]
        source: TransportError,
    },
    /// No answer in time.
    #[error("the API server at {server} did not answer within {} s", after.as_secs())]
    Timeout {
        /// Scheme, host and port.
        server: String,
        /// How long it had.
        after: Duration,
    },
    /// 401.
    #[error("the API server at {server} does not accept the credentials: {message}")]
    Unauthorized {
        /// Scheme, host and port.
        server: String,
        /// The server's own words.
        message: String,
    },
    /// 403.
    #[error("the API server at {server} does not let this user read its version: {message}")]
    Forbidden {
        /// Scheme, host and port.
        server: String,
        /// The server's own words.
        message: String,
    },
    /// Something that is no API server.
    #[error("{server} answers, but not as a Kubernetes API server (HTTP status {http_status})")]
    NotKubernetes {
        /// Scheme, host and port.
        server: String,
        /// What it answered with.
        http_status: u16,
    },
}

/// What a report has to say about the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// URL without user and password.
    pub server: String,
    /// `v1.36.3`
    pub git_version: String,
    /// `1.36`
    pub version: String,
    /// `linux/amd64`
    pub platform: String,
    /// UID of `kube-system`, by which a cluster is known; `None` when this user may not read it.
    pub kube_system_uid: Option<String>,
    /// Whether the server is on this machine.
    pub is_loopback: bool,
    /// What it speaks.
    pub protocol: Protocol,
    /// Connections that carry the load.
    pub connections: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    major: String,
    #[serde(default)]
    minor: String,
    git_version: String,
    #[serde(default)]
    platform: String,
}

impl Cluster {
    /// Connects to a cluster; the runtime that this is called on becomes the load runtime.
    ///
    /// # Errors
    /// When there is no usable kubeconfig, the server cannot be reached, does not accept the credentials,
    /// or is no API server. Not being allowed to read `kube-system` is no error.
    pub async fn connect(
        options: ConnectOptions,
        limiter: Limiter,
        clock: RunClock,
    ) -> Result<Self, ConnectError> {
        let config = kubeconfig::load(&options.kubeconfig, options.context.as_deref()).await?;
        let not_a_server =
            || ConnectError::Server { server: config.cluster_url.host().unwrap_or_default().to_owned() };
        let base = Base::new(&config.cluster_url).ok_or_else(not_a_server)?;
        // Credential plugins block.
        let memory = options.memory.clone();
        let made = tokio::task::spawn_blocking(move || {
            let maker = ClientMaker::new(&config, memory)?;
            Ok::<_, CredentialsError>((maker, Credentials::new(&config)?))
        });
        let (maker, credentials) =
            made.await.map_err(|_| CredentialsError::Unusable { reason: "loading them panicked" })??;
        credentials.refresh().await?;
        let credentials = Arc::new(credentials);

        let probe = probe(&options, &base, &maker, &credentials, &clock);
        let timeout = |_| ConnectError::Timeout { server: base.shown(), after: CONNECT_TIMEOUT };
        let (transport, version, offset) =
            tokio::time::timeout(CONNECT_TIMEOUT, probe).await.map_err(timeout)??;

        let facts = ClusterFacts {
            server: base.shown(),
            git_version: version.git_version,
            version: format!("{}.{}", version.major, version.minor.trim_end_matches('+')),
            platform: version.platform,
            kube_system_uid: None,
            is_loopback: is_loopback(base.host()),
            protocol: transport.protocol,
            connections: transport.connections(),
        };
        let inner = Inner {
            base,
            transport,
            credentials,
            limiter,
            clock,
            request_timeout: options.request_timeout,
            runtime: Handle::current(),
            facts,
            discovery: Discovery::default(),
            own_creates: OwnCreates::default(),
            clock_offset: ClockOffset::default(),
            waits: crate::wait::Waits::default(),
            pulse: crate::pulse::Pulse::new(),
        };
        if let Some((whose, bounds)) = offset {
            inner.clock_offset.narrow(whose, bounds);
        }
        let mut cluster = Self { inner: Arc::new(inner) };
        let uid = cluster.kube_system_uid().await;
        // Nobody else has the cluster yet.
        if let Some(inner) = Arc::get_mut(&mut cluster.inner) {
            inner.facts.kube_system_uid = uid;
        }
        cluster.open_load_connections().await;
        Ok(cluster)
    }

    async fn kube_system_uid(&self) -> Option<String> {
        let namespaces = ResourceRef {
            group: String::new(),
            version: "v1".to_owned(),
            plural: "namespaces".to_owned(),
            namespace: String::new(),
        };
        let request = Request {
            verb: Verb::Get,
            target: &namespaces,
            name: "kube-system",
            query: "",
            content_type: "",
            body: Bytes::new(),
            keep_body: true,
        };
        // As load, whose connection is open before the first operation is due.
        self.send(&request, None).await.uid
    }

    /// What is known about the cluster.
    pub fn facts(&self) -> &ClusterFacts {
        &self.inner.facts
    }
}

/// Connecting, TLS and the first answer together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

async fn probe(
    options: &ConnectOptions,
    base: &Base,
    maker: &ClientMaker,
    credentials: &Arc<Credentials>,
    clock: &RunClock,
) -> Result<(Transport, Version, Option<(Whose, OffsetBounds)>), ConnectError> {
    let server = base.shown();
    let uri = base.uri("/version".to_owned()).map_err(|_| ConnectError::Server { server: server.clone() })?;
    let headers = credentials.headers(clock);
    let sent = clock.now();
    let probed = Transport::probe(maker, options.in_flight, &uri, &headers).await;
    let (transport, answer) = match probed {
        Ok(probed) => probed,
        Err(source) => return Err(ConnectError::Unreachable { server, source }),
    };
    let bounds = |second| OffsetBounds::new(clock, second, sent, clock.now());
    let offset = server_second(answer.response.headers()).map(|second| (answer.whose, bounds(second)));
    let version = version(server, answer.response).await?;
    Ok((transport, version, offset))
}

async fn version(server: String, answer: Response<Incoming>) -> Result<Version, ConnectError> {
    let (parts, body) = answer.into_parts();
    let body = read_body(body, Keep::Whole(MAX_STATUS_BYTES)).await.unwrap_or_default();
    let http_status = parts.status.as_u16();
    let message = || match status::parse(http_status, &body).message {
        message if message.is_empty() => "no reason given".to_owned(),
        message => message,
    };
    match parts.status {
        StatusCode::UNAUTHORIZED => Err(ConnectError::Unauthorized { server, message: message() }),
        StatusCode::FORBIDDEN => Err(ConnectError::Forbidden { server, message: message() }),
        _ => serde_json::from_slice(&body).map_err(|_| ConnectError::NotKubernetes { server, http_status }),
    }
}

fn is_loopback(host: &str) -> bool {
    let is_local_name = host == "localhost" || host.ends_with(".localhost");
    is_local_name || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["127.0.0.1", "127.8.9.1", "::1", "localhost", "a.localhost"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["10.0.0.1", "localhost.example.com", "127.0.0.1.example.com", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
