//! One HTTP/2 connection: opened when it is first needed, shared by all requests, opened again when it is gone.
//!
//! hyper-util's pooling client finds one connection among those to many hosts anew for each request, which took a
//! twentieth of the processor time of a run. Here there is one, and a request goes straight to it.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use http::{Extensions, Request, Response, Uri};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::{
    client::legacy::connect::{Connection as _, HttpInfo},
    rt::{TokioExecutor, TokioTimer},
};
use parking_lot::Mutex;
use tower::ServiceExt;

use crate::transport::{Connector, During, Stream, TransportError, explain};

/// Connecting, TLS and the first frames of HTTP/2 together.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);

/// Our end of the connection that an answer came on. `None` where that says nothing: in memory, and over HTTP/1.1, which
/// has many connections at a time.
pub(crate) type Whose = Option<SocketAddr>;

/// An answer that has begun.
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    pub(crate) whose: Whose,
}

/// A request on its way: its answer, or why there is none.
pub(crate) type Answer = BoxFuture<'static, Result<Answered, TransportError>>;

type Open = BoxFuture<'static, Result<Opened, TransportError>>;

/// An open connection, as long as it lasts.
#[derive(Clone)]
struct Opened {
    sender: SendRequest<Full<Bytes>>,
    whose: Whose,
}

/// A connection to one server.
pub(crate) struct Connection {
    connector: Connector,
    server: Uri,
    /// All that wait for a connection get the same one, or the same error.
    opening: Mutex<Option<Shared<Open>>>,
}

impl Connection {
    /// A connection that is opened by its first request.
    pub(crate) fn new(connector: Connector, server: Uri) -> Self {
        Self { connector, server, opening: Mutex::new(None) }
    }

    /// The same, with a stream that is open already.
    pub(crate) fn over(connector: Connector, server: Uri, stream: Stream) -> Self {
        let opening = in_time(start(stream)).shared();
        Self { connector, server, opening: Mutex::new(Some(opening)) }
    }

    /// Sends a request: at once when the connection is open, otherwise when it is. The request is sent once: one
    /// that meets a connection being closed fails.
    pub(crate) fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let mut current = self.opening.lock();
        if let Some(Ok(opened)) = current.as_ref().and_then(Shared::peek)
            && !opened.sender.is_closed()
        {
            return opened.clone().send(request);
        }
        let opening = match current.take().filter(|opening| opening.peek().is_none()) {
            Some(opening) => opening,
            None => in_time(open(self.connector.clone(), self.server.clone())).shared(),
        };
        *current = Some(opening.clone());
        async move { opening.await?.send(request).await }.boxed()
    }
}

impl Opened {
    fn send(mut self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.sender.send_request(request);
        let whose = self.whose;
        response
            .map(move |response| match response {
                Ok(response) => Ok(Answered { response, whose }),
                Err(error) => Err(explain(&error, During::Request)),
            })
            .boxed()
    }
}

async fn open(connector: Connector, server: Uri) -> Result<Opened, TransportError> {
    let stream = connector.oneshot(server).await.map_err(|error| explain(&*error, During::Connecting))?;
    start(stream).await
}

async fn start(stream: Stream) -> Result<Opened, TransportError> {
    let whose = local_address(&stream);
    let started = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        // As client-go: a dead peer is noticed after 45 s even when nothing is being written.
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(15))
        .handshake(stream)
        .await;
    let (sender, connection) = started.map_err(|error| explain(&error, During::Connecting))?;
    // What ends the connection is told to every request on it.
    tokio::spawn(connection.map(drop));
    Ok(Opened { sender, whose })
}

fn local_address(stream: &Stream) -> Whose {
    let mut extras = Extensions::new();
    stream.connected().get_extras(&mut extras);
    extras.get::<HttpInfo>().map(HttpInfo::local_addr)
}

fn in_time(opening: impl Future<Output = Result<Opened, TransportError>> + Send + 'static) -> Open {
    let late = || Err(TransportError::late(OPEN_TIMEOUT));
    async move { tokio::time::timeout(OPEN_TIMEOUT, opening).await.unwrap_or_else(|_| late()) }.boxed()
}
