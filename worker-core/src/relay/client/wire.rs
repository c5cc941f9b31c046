//! The bytes of a connection. A write that fails because the peer has closed counts as successful: what the peer sent before that must be read
//! first. If it sent nothing, the read fails.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A connection's socket.
pub(super) struct Wire {
    stream: TokioIo<Stream>,
    state: WireState,
}

/// What has happened on the connection since the current request began.
#[derive(Debug, Clone, Default)]
pub(super) struct WireState(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// Bytes were received.
    answered: AtomicBool,
    /// Writing failed, or the peer's system reported that the written bytes were not read.
    rejected: AtomicBool,
}

impl WireState {
    /// Starts a new request.
    pub(super) fn begin(&self) {
        self.0.answered.store(false, Ordering::Relaxed);
    }

    /// Whether the peer had closed the connection before the request reached it: it sent nothing, and its system rejected the request.
    pub(super) fn was_closed_before(&self) -> bool {
        !self.0.answered.load(Ordering::Relaxed) && self.is_rejected()
    }

    fn is_rejected(&self) -> bool {
        self.0.rejected.load(Ordering::Relaxed)
    }

    fn reject(&self) {
        self.0.rejected.store(true, Ordering::Relaxed);
    }

    /// Turns the failure of a write on a closed connection into success; the bytes are lost.
    fn tolerate<T>(&self, written: io::Result<T>, discarded: T) -> io::Result<T> {
        match written {
            Err(error) if is_closed(&error) => {
                self.reject();
                Ok(discarded)
            }
            other => other,
        }
    }
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream: TokioIo::new(stream), state: WireState::default() }
    }

    pub(super) fn state(&self) -> WireState {
        self.state.clone()
    }

    /// The peer has closed its side. If its system has rejected what we wrote, it closed before that.
    fn note_end(&self) {
        if let MaybeHttpsStream::Http(plain) = self.stream.inner()
            && matches!(plain.inner().take_error(), Ok(Some(_)))
        {
            self.state.reject();
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        match &read {
            Ok(()) if buf.filled().len() > before => this.state.0.answered.store(true, Ordering::Relaxed),
            Ok(()) => this.note_end(),
            Err(error) if is_closed(error) => this.state.reject(),
            Err(_) => {}
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.state.is_rejected() {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf));
        Poll::Ready(this.state.tolerate(written, buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.state.is_rejected() {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(Pin::new(&mut this.stream).poll_flush(cx));
        Poll::Ready(this.state.tolerate(flushed, ()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
