//! The opener's side: opens a stream with a request, takes the head of its response, releases the stream.

use std::task::{Context, Poll};

use bytes::Bytes;

use super::stream::{Receive, Send, Stream};
use super::{Lost, Mux, OpenError, register};
use crate::frame::{Code, StreamId};

impl Mux {
    /// Opens a stream with a request head and its whole body, which is sent as credit allows.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(&mut self, block: Bytes, body: Bytes) -> Result<StreamId, OpenError> {
        if self.closed.is_some() {
            return Err(OpenError::Closed);
        }
        if self.streams.len() >= self.limits.max_streams {
            return Err(OpenError::Full);
        }
        let id = self.free_id();
        self.streams.insert(id, Stream::new(&self.limits.windows, self.limits.credit, 1));
        self.hand_over(id, Some(block), body, true);
        Ok(id)
    }

    /// Takes the head of the response, once.
    pub fn poll_head(&mut self, id: StreamId, cx: &Context<'_>) -> Poll<Result<Bytes, Lost>> {
        let Some(stream) = self.streams.get_mut(&id) else { return Poll::Pending };
        match (stream.head.take(), &stream.receiving.state) {
            (Some(block), _) => Poll::Ready(Ok(block)),
            (None, Receive::Lost(lost)) => Poll::Ready(Err(lost.clone())),
            (None, _) => {
                register(&mut stream.receiving.waker, cx);
                Poll::Pending
            }
        }
    }

    /// The user is done with a stream that it opened; before its end, this cancels it.
    pub fn release(&mut self, id: StreamId) {
        let Some(stream) = self.forget(id) else { return };
        let complete = stream.receiving.state == Receive::Ended && stream.sending.state != Send::Open;
        let unknown = stream.sending.head.is_some(); // let unknown = stream.sending.head.is_some(); // to the peer
        if !complete && !unknown && !matches!(stream.receiving.state, Receive::Lost(_)) {
            self.reset(id, Code::Cancel, "");
        }
    }

    fn free_id(&mut self) -> StreamId {
        loop {
            let id = self.next_id;
            self.next_id = self.next_id.wrapping_add(1);
            if id != 0 && !self.streams.contains_key(&id) {
                return id;
            }
        }
    }
}
