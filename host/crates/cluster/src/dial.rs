//! Opens connections: by TCP, or in memory for tests whose time is paused.
//!
//! Paused time moves on whenever nothing in the runtime can go on; it does not wait for the kernel, which may
//! still have bytes of a socket on their way. A connection in memory is never on its way.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt, future::BoxFuture};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use tokio::{
    io::{BufReader, DuplexStream},
    net::TcpStream,
};
use tower::{BoxError, Service};

/// Opens connections in memory; each call gives the client's end of a new one.
#[derive(Clone)]
pub struct MemoryDialer(Arc<dyn Fn() -> DuplexStream + Send + Sync>);

impl MemoryDialer {
    /// A dialer that opens connections by calling `open`.
    pub fn new(open: impl Fn() -> DuplexStream + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }
}

impl fmt::Debug for MemoryDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryDialer")
    }
}

/// How a client opens its connections.
#[derive(Debug, Clone)]
pub(crate) enum Dialer {
    Tcp(HttpConnector),
    Memory(MemoryDialer),
}

impl Service<Uri> for Dialer {
    type Response = Wire;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Wire, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Tcp(connector) => connector.poll_ready(context).map_err(Into::into),
            Self::Memory(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Tcp(connector) => connector.call(uri).map(|dialed| Ok(Wire::tcp(dialed?))).boxed(),
            Self::Memory(dialer) => {
                let stream = (dialer.0)();
                async move { Ok(Wire::Memory(TokioIo::new(stream))) }.boxed()
            }
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TokioIo<BufReader<TcpStream>>),
    Memory(TokioIo<DuplexStream>),
}

/// Bytes taken from a socket at a time: two TLS records. rustls asks for 4,096, less than one.
const READ_BUFFER: usize = 32 * 1024;

impl Wire {
    fn tcp(stream: TokioIo<TcpStream>) -> Self {
        Self::Tcp(TokioIo::new(BufReader::with_capacity(READ_BUFFER, stream.into_inner())))
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        match self {
            Self::Tcp(stream) => stream.inner().get_ref().connected(),
            Self::Memory(_) => Connected::new(),
        }
    }
}

impl Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Memory(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Memory(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Memory(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Memory(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Memory(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
            Self::Memory(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
        }
    }
}
