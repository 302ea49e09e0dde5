//! Sockets: accepts connections, plain or TLS, and serves HTTP/1.1 and HTTP/2 on each.
//!
//! Without TLS both protocols are told apart by the first bytes (HTTP/2 with prior knowledge); with TLS by ALPN.
//! Every task belongs to a tracker, so that the server can be ended and waited for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::serve::Api;

/// HTTP/2 streams of one connection, as upstream's default.
const MAX_STREAMS: u32 = 100;
/// Flow-control windows: large enough that a list is not held up by the round trip.
const WINDOW: u32 = 1 << 20;

/// Opens the socket.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = std::net::TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Accepts connections until shut down.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    api: Arc<Api>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match stream {
            Ok((stream, _)) => {
                tasks.spawn(connection(stream, tls.clone(), api.clone(), shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "the simulated API server cannot accept a connection");
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, api: Arc<Api>, shutdown: CancellationToken) {
    // Answers are small and latency is measured: no delay.
    let _ = stream.set_nodelay(true);
    let serving = async {
        match tls {
            None => serve(stream, api).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => serve(stream, api).await,
                Err(error) => tracing::debug!(%error, "TLS handshake failed"),
            },
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        () = serving => {}
    }
}

/// Serves a connection that no socket is part of.
pub(crate) async fn in_memory(stream: DuplexStream, api: Arc<Api>, shutdown: CancellationToken) {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        () = serve(stream, api) => {}
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, api: Arc<Api>) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let api = api.clone();
        async move { Ok::<_, std::convert::Infallible>(api.answer(request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().auto_date_header(false).pipeline_flush(true);
    builder
        .http2()
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW * 4)
        .max_send_buf_size(1 << 20);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error, "connection ended");
    }
}
