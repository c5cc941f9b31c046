//! The socket of a fake runtime, which can be made to speak something that is not HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What is said instead of HTTP.
const GARBAGE: &[u8] = b"\x00\xff\xfe I am no web server at all \r\n\r\n\x80\x81";

const HONEST: u8 = 0;
const SPEAK_GARBAGE: u8 = 1;
const SLAM: u8 = 2;

/// A socket that writes what it is given, until told otherwise.
pub(super) struct Tap {
    stream: TcpStream,
    mode: Mode,
}

/// Makes a [`Tap`] dishonest.
#[derive(Clone)]
pub(super) struct Mode(Arc<AtomicU8>);

impl Mode {
    /// The next thing written is garbage, and then the connection closes.
    pub(super) fn speak_garbage(&self) {
        self.0.store(SPEAK_GARBAGE, Ordering::SeqCst);
    }

    /// The connection closes at the next write.
    pub(super) fn slam(&self) {
        self.0.store(SLAM, Ordering::SeqCst);
    }
}

impl Tap {
    pub(super) fn new(stream: TcpStream) -> (Self, Mode) {
        let mode = Mode(Arc::new(AtomicU8::new(HONEST)));
        (Self { stream, mode: mode.clone() }, mode)
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.mode.0.load(Ordering::SeqCst) {
            HONEST => return Pin::new(&mut self.stream).poll_write(cx, buf),
            SPEAK_GARBAGE => ready!(Pin::new(&mut self.stream).poll_write(cx, GARBAGE))?,
            _ => 0,
        };
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
