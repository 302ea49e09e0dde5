//! Connections to the API server: HTTP/2 where the server can, HTTP/1.1 where it cannot.
//!
//! Kube's own client speaks HTTP/1.1 only and retries in silence, so the stack is put together here from
//! hyper's connections, and kube's TLS configuration and credentials. Nothing in it retries, traces or decompresses.
//! Watches have a connection of their own: load on the other ones does not delay their events. So have all other
//! calls: what befalls them leaves the load alone.

use std::{
    error::Error as StdError,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use http_body_util::Full;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{
        self,
        connect::{Connection as _, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use kube::{Config, client::ConfigExt};
use rustls::pki_types::ServerName;
use tower::{ServiceExt, util::MapResponse};

use crate::{
    coalesce::Coalesced,
    connection::{Answer, Answered, Connection},
    credentials::{self, CredentialsError},
    dial::{Dialer, MemoryDialer, Wire},
};

type Http1 = legacy::Client<Connector, Full<Bytes>>;
pub(crate) type Stream = Coalesced<MaybeHttpsStream<Wire>>;
pub(crate) type Connector =
    MapResponse<HttpsConnector<Dialer>, fn(MaybeHttpsStream<Wire>) -> Coalesced<MaybeHttpsStream<Wire>>>;

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
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// No connection to host and port.
    #[error("failed to connect")]
    Connect {
        /// Why.
        #[source]
        source: Arc<io::Error>,
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
        connector.map_response(Coalesced)
    }

    fn tcp(&self) -> Dialer {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(self.connect_timeout));
        http.set_keepalive(Some(Duration::from_secs(30)));
        Dialer::Tcp(http)
    }

    fn client(&self, protocol: Protocol, server: &Uri) -> Client {
        match protocol {
            Protocol::Http2 => {
                Client::Http2(Connection::new(self.connector(Versions::Http2), server.clone()))
            }
            Protocol::Http1 => Client::Http1(
                legacy::Client::builder(TokioExecutor::new())
                    .pool_timer(TokioTimer::new())
                    // A request that met a connection being closed is a result too; its due time is not moved in
                    // silence.
                    .retry_canceled_requests(false)
                    .build(self.connector(Versions::Http1)),
            ),
        }
    }
}

#[derive(Clone, Copy)]
enum Versions {
    Http2,
    Http1,
    Any,
}

/// Requests that a connection carries at the same time: what an API server takes on one unless it has
/// `--http2-max-streams-per-connection` (`MaxConcurrentStreams` in `secure_serving.go` of `k8s.io/apiserver`). client-go, too, opens
/// another one for what is beyond.
const STREAMS: usize = 100;

/// Connections of the load, at most: ten thousand requests in flight.
const MAX_CONNECTIONS: usize = 100;

/// Which connection a request goes on that is not load. An API server ends the connection of whoever it does not know any
/// more (`UnauthenticatedHTTP2DOSMitigation`), with all that is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Answers that stream for long.
    Watches,
    /// Everything else.
    Calls,
}

/// What requests of one kind go through.
enum Client {
    Http2(Connection),
    /// As many connections as there are requests at the same time.
    Http1(Http1),
}

impl Client {
    fn send(&self, request: http::Request<Full<Bytes>>) -> Answer {
        match self {
            Self::Http2(connection) => connection.send(request),
            Self::Http1(client) => {
                let response = client.request(request);
                response
                    .map(|response| match response {
                        Ok(response) => Ok(Answered { response, whose: None }),
                        Err(error) => Err(explain(&error, During::of(&error))),
                    })
                    .boxed()
            }
        }
    }
}

/// A connection of the load.
struct LoadConnection {
    client: Client,
    in_flight: AtomicUsize,
}

/// A place on a connection of the load, taken until dropped: when the answer has ended.
pub(crate) struct Place<'t>(&'t LoadConnection);

impl LoadConnection {
    fn new(client: Client) -> Self {
        Self { client, in_flight: AtomicUsize::new(0) }
    }

    fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn place(&self) -> Place<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Place(self)
    }
}

impl Place<'_> {
    /// Sends a request, when what is returned is awaited at the latest, and waits until its answer begins.
    pub(crate) fn send(&self, request: http::Request<Full<Bytes>>) -> Answer {
        self.0.client.send(request)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All connections of one run.
pub(crate) struct Transport {
    load: LoadConnection,
    /// Further connections of the load, for what is more than one carries.
    more: Vec<LoadConnection>,
    watches: Client,
    calls: Client,
    pub(crate) protocol: Protocol,
}

impl Transport {
    /// Finds out what the server speaks with one request and returns its answer. `in_flight` is how many requests of the
    /// load there may be at the same time.
    ///
    /// With TLS the server chooses (ALPN). Without, HTTP/2 is tried as if known before (RFC 9113, 3.3), and
    /// HTTP/1.1 when the server answers with something else.
    pub(crate) async fn probe(
        maker: &ClientMaker,
        in_flight: usize,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(Self, Answered), TransportError> {
        let dialed = maker.connector(Versions::Any).oneshot(uri.clone()).await;
        let stream = dialed.map_err(|error| explain(&*error, During::Connecting))?;
        let is_tls = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let request = || request(Method::GET, uri.clone(), headers.clone(), "", Bytes::new());
        if !is_tls || stream.connected().is_negotiated_h2() {
            let connection = Connection::over(maker.connector(Versions::Http2), uri.clone(), stream);
            match connection.send(request()).await {
                Ok(answer) => {
                    let calls = Client::Http2(connection);
                    return Ok((Self::new(maker, in_flight, Protocol::Http2, uri, calls), answer));
                }
                Err(error) if is_tls => return Err(error),
                Err(_) => {}
            }
        }
        let calls = maker.client(Protocol::Http1, uri);
        let answer = calls.send(request()).await?;
        Ok((Self::new(maker, in_flight, Protocol::Http1, uri, calls), answer))
    }

    fn new(maker: &ClientMaker, in_flight: usize, protocol: Protocol, server: &Uri, calls: Client) -> Self {
        let client = || maker.client(protocol, server);
        let connections = match protocol {
            Protocol::Http2 => in_flight.div_ceil(STREAMS).clamp(1, MAX_CONNECTIONS),
            // Its client opens as many as there are requests.
            Protocol::Http1 => 1,
        };
        let more = (1..connections).map(|_| LoadConnection::new(client())).collect();
        Self { load: LoadConnection::new(client()), more, watches: client(), calls, protocol }
    }

    fn load(&self) -> impl Iterator<Item = &LoadConnection> {
        std::iter::once(&self.load).chain(&self.more)
    }

    /// How many connections the load has; without meaning for HTTP/1.1.
    pub(crate) fn connections(&self) -> usize {
        self.load().count()
    }

    /// Sends a request that is not load, when what is returned is awaited at the latest, and waits until its answer begins.
    pub(crate) fn send(&self, lane: Lane, request: http::Request<Full<Bytes>>) -> Answer {
        match lane {
            Lane::Watches => self.watches.send(request),
            Lane::Calls => self.calls.send(request),
        }
    }

    /// A place for a request of the load: on the first connection with room, or else the one with the fewest requests.
    pub(crate) fn place(&self) -> Place<'_> {
        let with_room = self.load().find(|connection| connection.in_flight() < STREAMS);
        let connection = with_room.or_else(|| self.load().min_by_key(|connection| connection.in_flight()));
        connection.unwrap_or(&self.load).place()
    }

    /// A place on one of the connections of the load, whatever is on it already.
    pub(crate) fn place_on(&self, connection: usize) -> Place<'_> {
        self.load().nth(connection).unwrap_or(&self.load).place()
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

/// What broke: opening a connection, or a request on an open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum During {
    Connecting,
    Request,
}

impl During {
    fn of(error: &legacy::Error) -> Self {
        if error.is_connect() { Self::Connecting } else { Self::Request }
    }
}

impl TransportError {
    pub(crate) fn late(after: Duration) -> Self {
        let text = format!("no connection within {} s", after.as_secs());
        Self::Connect { source: Arc::new(io::Error::new(io::ErrorKind::TimedOut, text)) }
    }
}

pub(crate) fn explain(error: &(dyn StdError + 'static), during: During) -> TransportError {
    let chain = || std::iter::successors(Some(error), |&error| cause(error));
    if let Some(tls) = chain().find_map(|error| error.downcast_ref::<rustls::Error>()) {
        return TransportError::Tls { source: tls.clone() };
    }
    if let Some(io) = chain().find_map(|error| error.downcast_ref::<io::Error>())
        && during == During::Connecting
    {
        return TransportError::Connect { source: Arc::new(io::Error::new(io.kind(), plain(io))) };
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
