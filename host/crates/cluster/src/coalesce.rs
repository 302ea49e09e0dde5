//! Lets HTTP/2 put small frames together.
//!
//! h2 copies a DATA frame into its buffer, behind the frames of other requests, when it is at most 1,024 bytes
//! long; over a stream that takes vectored writes it does so only up to 256 bytes, and flushes each larger one by
//! itself (`CHAIN_THRESHOLD` of h2's `codec/framed_write.rs`). Over TLS a flush is a record and a system call, and
//! the body of a typical object lies between the two: 5,000 ConfigMaps of some 260 bytes took 5,900 writes, not 1,900.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// A stream that says that it takes no vectored writes.
#[derive(Debug)]
pub(crate) struct Coalesced<S>(pub(crate) S);

impl<S: Connection> Connection for Coalesced<S> {
    fn connected(&self) -> Connected {
        self.0.connected()
    }
}

impl<S: Read + Unpin> Read for Coalesced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Coalesced<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::client::conn::http2;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::DuplexStream;

    use super::*;

    /// Counts writes, and takes vectored ones, as a TLS stream does.
    struct Counted(TokioIo<DuplexStream>, Arc<AtomicUsize>);

    impl Read for Counted {
        fn poll_read(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
        }
    }

    impl Write for Counted {
        fn poll_write(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
        }

        fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().0).poll_flush(context)
        }

        fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().0).poll_shutdown(context)
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffers: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Pin::new(&mut self.get_mut().0).poll_write_vectored(context, buffers)
        }
    }

    const REQUESTS: usize = 16;

    /// How many writes requests with bodies of 500 bytes take that are asked for at once.
    async fn writes<S>(stream: impl FnOnce(Counted) -> S) -> usize
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let (ours, mut server) = tokio::io::duplex(1 << 20);
        let count = Arc::new(AtomicUsize::new(0));
        let stream = stream(Counted(TokioIo::new(ours), count.clone()));
        let (sender, connection) =
            http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), stream).await.expect("a connection");
        let connection = tokio::spawn(connection);
        for _ in 0..REQUESTS {
            let mut sender = sender.clone();
            let body = Full::new(Bytes::from(vec![b'x'; 500]));
            let request = http::Request::post("http://localhost/a").body(body).expect("a request");
            tokio::spawn(async move { sender.send_request(request).await });
        }
        let mut seen = 0;
        let mut buffer = vec![0; 1 << 16];
        while seen < REQUESTS * 500 {
            seen += tokio::io::AsyncReadExt::read(&mut server, &mut buffer).await.expect("bytes");
        }
        connection.abort();
        count.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn requests_that_are_asked_for_at_once_leave_together() {
        let (bare, coalesced) = (writes(|stream| stream).await, writes(Coalesced).await);
        assert!(bare >= REQUESTS, "{bare}: h2 does it by itself, so this file can go");
        assert!(coalesced < REQUESTS / 2, "{coalesced}");
    }
}
