//! Closes a connection on which the client is still sending. Closing a socket with unread data resets the connection, and the reset can overtake the
//! response (RFC 9112, 9.6). So this end shuts down its sending side, and then waits for the client to close. A little of what arrives meanwhile is
//! discarded; after that nothing is read, and the client can send no more than the kernel's buffers hold.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

use super::ClientStream;
use super::connections::Connection;

/// The client has this long to read the response and to close.
const LONGEST: Duration = Duration::from_secs(2);

/// Bytes from the client that are discarded meanwhile.
const MOST_BYTES: usize = 256 * 1024;

/// Bytes per read.
const PIECE: usize = 4 * 1024;

/// The stream of a client. If its connection requires it, closing the stream waits for the client to close first.
pub(crate) struct LingeringStream {
    stream: ClientStream,
    connection: Arc<Connection>,
    stopped: CancellationToken,
    linger: Option<Linger>,
}

struct Linger {
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
    bytes: usize,
}

impl LingeringStream {
    /// Nothing lingers once `stopped` is cancelled.
    pub(super) fn new(stream: ClientStream, connection: Arc<Connection>, stopped: CancellationToken) -> Self {
        Self { stream, connection, stopped, linger: None }
    }

    /// The stream itself.
    pub(crate) fn into_inner(self) -> ClientStream {
        self.stream
    }

    /// Waits until the client has closed the connection, or until the time limit.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| {
            let stopped = self.stopped.clone();
            let over = async move {
                let _ = stopped.run_until_cancelled_owned(tokio::time::sleep(LONGEST)).await;
            };
            Linger { over: Box::pin(over), bytes: 0 }
        });
        if linger.over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut piece = [0; PIECE];
        while linger.bytes < MOST_BYTES {
            let mut piece = ReadBuf::new(&mut piece);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece)) {
                Ok(()) if piece.filled().is_empty() => return Poll::Ready(()),
                Ok(()) => linger.bytes += piece.filled().len(),
                Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }
}

impl AsyncRead for LingeringStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for LingeringStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if self.connection.is_cut_short() {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
