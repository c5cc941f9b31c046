//! The acceptor's side: responds on a stream that the peer has opened, as credit allows.

use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;

use super::stream::{Receive, Send};
use super::{Lost, Mux, register};
use crate::frame::{Code, StreamId};

impl Mux {
    /// Refuses streams from now on: this end drains.
    pub fn refuse(&mut self, refusing: bool) {
        self.refusing = refusing;
    }

    /// Sends the head of the response, and body bytes that are available.
    pub fn respond(&mut self, id: StreamId, block: Bytes, chunk: Bytes, end: bool) {
        self.hand_over(id, Some(block), chunk, end);
    }

    /// Whether the next chunk may be handed over.
    ///
    /// # Errors
    /// `Err(())` once the peer does not need the rest.
    pub fn poll_ready(&mut self, id: StreamId, cx: &Context<'_>) -> Poll<Result<(), ()>> {
        let Some(stream) = self.streams.get_mut(&id) else { return Poll::Ready(Err(())) };
        match stream.sending.state {
            Send::Open if stream.sending.is_idle() => Poll::Ready(Ok(())),
            Send::Open => {
                register(&mut stream.sending.waker, cx);
                Poll::Pending
            }
            Send::Ended | Send::Stopped => Poll::Ready(Err(())),
        }
    }

    /// Ready when the peer does not need the rest of the response.
    pub fn poll_stopped(&mut self, id: StreamId, cx: &Context<'_>) -> Poll<()> {
        let Some(stream) = self.streams.get_mut(&id) else { return Poll::Ready(()) };
        if stream.sending.state != Send::Open {
            return Poll::Ready(());
        }
        register(&mut stream.sending.waker, cx);
        Poll::Pending
    }

    /// Whether END of the response has been sent.
    pub fn is_sent(&self, id: StreamId) -> bool {
        self.streams.get(&id).is_some_and(|stream| stream.sending.state == Send::Ended)
    }

    /// When the peer reset the stream, if it did.
    pub fn reset_at(&self, id: StreamId) -> Option<Instant> {
        self.streams.get(&id)?.reset_at
    }

    /// Hands a chunk over, after [`Self::poll_ready`] was ready.
    pub fn send(&mut self, id: StreamId, chunk: Bytes, end: bool) {
        self.hand_over(id, None, chunk, end);
    }

    /// Gives up a stream: the response cannot be finished.
    pub fn fail(&mut self, id: StreamId, code: Code, text: &str) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.sending.state == Send::Open {
            stream.lose(Lost::Reset(code, text.to_owned()), &mut self.woken);
            self.reset(id, code, text);
        }
    }

    /// The user does not need the rest of the request body.
    pub fn release_body(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.receiving.discard();
        if stream.receiving.state == Receive::Open {
            stream.receiving.state = Receive::Lost(Lost::Reset(Code::Stop, String::new()));
            self.reset(id, Code::Stop, "");
        }
        self.drop_handle(id);
    }

    /// The user is done with the response. An end that was handed over is still sent, as credit allows; without one the stream fails.
    pub fn release_answer(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.sending.released = true;
        if !stream.sending.end {
            self.fail(id, Code::Backend, "the worker dropped the request");
        }
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.receiving.state == Receive::Open {
            stream.receiving.lose(Lost::Reset(Code::Stop, String::new()), &mut self.woken);
            self.reset(id, Code::Stop, "");
        }
        self.reap(id);
    }
}
