//! A request body that can be sent again, as long as little of it has been sent.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Most bytes kept of a body that has been sent. A connection closed by the peer accepts no more than its buffers hold before the error shows.
const KEPT: usize = 1024 * 1024;

type BoxError = Box<dyn Error + Send + Sync>;

/// A handle to a body that can be sent again once. After a [`rewind`](Self::rewind), older handles are void.
pub(super) struct Replay<B> {
    shared: Arc<Mutex<Shared<B>>>,
    turn: u32,
}

struct Shared<B> {
    body: B,
    /// What has been taken from it. The chunks are reference-counted, not copied.
    sent: Vec<Bytes>,
    bytes: usize,
    /// The index of the next chunk in `sent` to send again.
    next: usize,
    /// Whether `sent` is everything that was taken, and is still recorded.
    is_whole: bool,
    turn: u32,
}

impl<B> Replay<B> {
    pub(super) fn new(body: B) -> Self {
        let shared = Shared { body, sent: Vec::new(), bytes: 0, next: 0, is_whole: true, turn: 0 };
        Self { shared: Arc::new(Mutex::new(shared)), turn: 0 }
    }

    /// Another handle of this body.
    pub(super) fn handle(&self) -> Self {
        Self { shared: self.shared.clone(), turn: self.turn }
    }

    /// Starts again, if everything that was sent is still there.
    pub(super) fn rewind(&mut self) -> bool {
        let mut shared = self.shared();
        if !shared.is_whole {
            return false;
        }
        shared.next = 0;
        shared.turn += 1;
        let turn = shared.turn;
        drop(shared);
        self.turn = turn;
        true
    }

    /// Stops recording: the body will not be sent again.
    pub(super) fn forget(&self) {
        let mut shared = self.shared();
        let next = shared.next;
        shared.sent.drain(..next);
        shared.next = 0;
        shared.is_whole = false;
    }

    fn shared(&self) -> MutexGuard<'_, Shared<B>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Shared<B> {
    fn keep(&mut self, piece: &Bytes) {
        self.bytes += piece.len();
        if self.is_whole && self.bytes <= KEPT {
            self.sent.push(piece.clone());
            self.next = self.sent.len();
        } else {
            self.is_whole = false;
            self.sent.clear();
            self.next = 0;
        }
    }
}

impl<B> Body for Replay<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut shared = self.shared();
        if shared.turn != self.turn {
            return Poll::Ready(Some(Err("the request is sent on another connection".into())));
        }
        if let Some(piece) = shared.sent.get(shared.next).cloned() {
            shared.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let frame = ready!(Pin::new(&mut shared.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(piece) => shared.keep(piece),
                None => shared.is_whole = false,
            },
            // It has failed: it could not be sent completely on another connection.
            Some(Err(_)) => shared.is_whole = false,
            None => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        let shared = self.shared();
        shared.next == shared.sent.len() && shared.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let shared = self.shared();
        let again: u64 = shared.sent[shared.next..].iter().map(|piece| piece.len() as u64).sum();
        let left = shared.body.size_hint().exact();
        left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left + again))
    }
}
