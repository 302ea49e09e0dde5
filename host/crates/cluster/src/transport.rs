//! Connections to the API server: HTTP/2 where the server can, HTTP/1.1 where it cannot.
//!
//! Kube's own client speaks HTTP/1.1 only and retries in silence, so the stack is put together here from
//! hyper-util's client, and kube's TLS configuration and credentials. Nothing in it retries an answered or
//! a written request, traces or decompresses. Watches have a connection of their own: load on the other
//! ones does not delay their events. So have all other calls: what befalls them leaves the load alone.

use std::{
    error::Error as StdError,
    io,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, Uri, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{Client, ResponseFuture, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use kube::{Config, client::ConfigExt};
use rustls::pki_types::ServerName;
use tower::{ServiceExt, util::MapResponse};

use crate::{
    coalesce::Coalesced,
    credentials::{self, CredentialsError},
    dial::{Dialer, MemoryDialer, Wire},
};

type HttpClient = Client<Connector, Full<Bytes>>;
type Stream = MaybeHttpsStream<Wire>;
type Connector = MapResponse<HttpsConnector<Dialer>, fn(Stream) -> Coalesced<Stream>>;

/// The version of HTTP that a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// One connection carries many requests.
    Http2,
    /// One request at a time on each connection: as many connections as requests in flight.
    Http1,
}

impl Protocol {
    /// `HTTP/2` or `HTTP/1.1`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http2 => "HTTP/2",
            Self::Http1 => "HTTP/1.1",
        }
    }
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection to host and port.
    #[error("failed to connect")]
    Connect {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server is not the one that the kubeconfig trusts, or does not trust us.
    #[error("TLS failed")]
    Tls {
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The connection broke with the request or its answer on it.
    #[error("the connection broke: {cause}")]
    Broken {
        /// What the HTTP library says.
        cause: String,
    },
}

/// TLS configuration and timeouts, from which clients are made.
pub(crate) struct ClientMaker {
    tls: rustls::ClientConfig,
    server_name: Option<ServerName<'static>>,
    connect_timeout: Duration,
    memory: Option<MemoryDialer>,
}

impl ClientMaker {
    /// Loads certificates and keys; may run a credential plugin, so not on the load runtime's thread.
    pub(crate) fn new(config: &Config, memory: Option<MemoryDialer>) -> Result<Self, CredentialsError> {
        // Fails only when another provider was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = config.rustls_client_config().map_err(credentials::from_kube)?;
        let unusable = |_| CredentialsError::Unusable { reason: "`tls-server-name` is not a name" };
        let server_name =
            config.tls_server_name.clone().map(ServerName::try_from).transpose().map_err(unusable)?;
        Ok(Self { tls, server_name, connect_timeout: Duration::from_secs(10), memory })
    }

    fn connector(&self, versions: Versions) -> Connector {
        let dialer = self.memory.clone().map_or_else(|| self.tcp(), Dialer::Memory);
        let mut builder = HttpsConnectorBuilder::new().with_tls_config(self.tls.clone()).https_or_http();
        if let Some(name) = &self.server_name {
            builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name.clone()));
        }
        let connector = match versions {
            Versions::Http2 => builder.enable_http2().wrap_connector(dialer),
            Versions::Http1 => builder.enable_http1().wrap_connector(dialer),
            Versions::Any => builder.enable_all_versions().wrap_connector(dialer),
        };
        let coalesced: fn(Stream) -> Coalesced<Stream> = Coalesced;
        connector.map_response(coalesced)
    }

    fn tcp(&self) -> Dialer {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(self.connect_timeout));
        http.set_keepalive(Some(Duration::from_secs(30)));
        Dialer::Tcp(http)
    }

    fn client(&self, versions: Versions) -> HttpClient {
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            // A request that met a connection being closed is a result too; its due time is not moved in silence.
            .retry_canceled_requests(false)
            .http2_only(matches!(versions, Versions::Http2))
            // As client-go: a dead peer is noticed after 45 s even when nothing is being written.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(15))
            .build(self.connector(versions))
    }
}

#[derive(Clone, Copy)]
enum Versions {
    Http2,
    Http1,
    Any,
}

/// Which connection a request goes on. An API server ends the connection of whoever it does not know any more
/// (`UnauthenticatedHTTP2DOSMitigation`), with all that is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What is measured; spread over the connections of the load.
    Load,
    /// Answers that stream for long.
    Watches,
    /// Everything else.
    Calls,
}

/// All connections of one run.
pub(crate) struct Transport {
    load: Vec<HttpClient>,
    next: AtomicUsize,
    watches: HttpClient,
    calls: HttpClient,
    pub(crate) protocol: Protocol,
}

impl Transport {
    /// Finds out what the server speaks with one request and returns its answer.
    ///
    /// With TLS the server chooses (ALPN). Without, HTTP/2 is tried as if known before (RFC 9113, 3.3), and
    /// HTTP/1.1 when the server answers with something else.
    pub(crate) async fn probe(
        maker: &ClientMaker,
        connections: usize,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(Self, Response<Incoming>), TransportError> {
        let is_tls = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let first = if is_tls { Versions::Any } else { Versions::Http2 };
        let request = || request(Method::GET, uri.clone(), headers.clone(), "", Bytes::new());
        let mut client = maker.client(first);
        let answer = match client.request(request()).await {
            Ok(answer) => answer,
            Err(error) if is_tls || error.is_connect() && is_refused(&error) => return Err(explain(&error)),
            Err(_) => {
                client = maker.client(Versions::Http1);
                client.request(request()).await.map_err(|error| explain(&error))?
            }
        };
        let protocol = if answer.version() == Version::HTTP_2 { Protocol::Http2 } else { Protocol::Http1 };
        Ok((Self::new(maker, connections, protocol, client), answer))
    }

    fn new(maker: &ClientMaker, connections: usize, protocol: Protocol, calls: HttpClient) -> Self {
        let versions = match protocol {
            Protocol::Http2 => Versions::Http2,
            Protocol::Http1 => Versions::Http1,
        };
        // Each client has a pool of its own, and HTTP/2 keeps one connection in a pool.
        let load = (0..connections.clamp(1, 64)).map(|_| maker.client(versions)).collect();
        Self { load, next: AtomicUsize::new(0), watches: maker.client(versions), calls, protocol }
    }

    /// How many connections the load is spread over; without meaning for HTTP/1.1.
    pub(crate) fn connections(&self) -> usize {
        self.load.len()
    }

    /// Sends a request when what is returned is awaited, and until its answer begins.
    pub(crate) fn send(&self, lane: Lane, request: http::Request<Full<Bytes>>) -> Sent {
        match lane {
            Lane::Load => {
                let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.load.len().max(1);
                self.send_on(turn, request)
            }
            Lane::Watches => Sent(self.watches.request(request)),
            Lane::Calls => Sent(self.calls.request(request)),
        }
    }

    /// Sends a request on one of the connections of the load.
    pub(crate) fn send_on(&self, connection: usize, request: http::Request<Full<Bytes>>) -> Sent {
        Sent(self.load.get(connection).unwrap_or(&self.calls).request(request))
    }
}

/// A request on its way. Two words long: a request that was kept in every future around it made each operation some
/// kilobytes large.
pub(crate) struct Sent(ResponseFuture);

impl Future for Sent {
    type Output = Result<Response<Incoming>, TransportError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(|error| explain(&error))
    }
}

/// Content type of nearly all bodies: what all headers hold until a request has another or none, so that one more does
/// not make each copy of them larger.
pub(crate) const JSON: &str = "application/json";

/// Puts a request together; an empty content type says that there is no body.
pub(crate) fn request(
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    content_type: &str,
    body: Bytes,
) -> http::Request<Full<Bytes>> {
    match content_type {
        JSON => {}
        "" => drop(headers.remove(header::CONTENT_TYPE)),
        other => drop(HeaderValue::from_str(other).map(|value| headers.insert(header::CONTENT_TYPE, value))),
    }
    let mut request = http::Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

fn is_refused(error: &hyper_util::client::legacy::Error) -> bool {
    matches!(explain(error), TransportError::Connect { .. } | TransportError::Tls { .. })
}

fn explain(error: &hyper_util::client::legacy::Error) -> TransportError {
    let chain = || std::iter::successors(Some(error as &(dyn StdError + 'static)), |&error| cause(error));
    if let Some(tls) = chain().find_map(|error| error.downcast_ref::<rustls::Error>()) {
        return TransportError::Tls { source: tls.clone() };
    }
    if let Some(io) = chain().find_map(|error| error.downcast_ref::<io::Error>())
        && error.is_connect()
    {
        return TransportError::Connect { source: io::Error::new(io.kind(), plain(io)) };
    }
    let last = chain().last().map_or_else(String::new, ToString::to_string);
    TransportError::Broken { cause: crate::status::cut(&last, 256).to_owned() }
}

/// An `io::Error` made from another error hides that one from `source`: it only shows the one below.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    // `Connection refused (os error 111)`: the number helps nobody.
    let text = text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text);
    text.to_lowercase()
}
