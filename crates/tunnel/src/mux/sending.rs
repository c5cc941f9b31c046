//! How bodies are sent: a chunk is handed over whole, and sent in frames as credit and space allow, in turn with those of other streams.

use bytes::Bytes;

use super::stream::{Send, Stream};
use super::{Mux, Role};
use crate::frame::{Code, Frame, MAX_DATA, MAX_FIRST_DATA, StreamId};

impl Mux {
    /// Collects what a stream is to send next. What finds no space waits in the stream, heads included, because a backlog of frames for streams that
    /// were given up meanwhile would have no limit.
    pub(super) fn hand_over(&mut self, id: StreamId, head: Option<Bytes>, chunk: Bytes, end: bool) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let sending = &mut stream.sending;
        if sending.state != Send::Open {
            return;
        }
        debug_assert!(sending.is_idle(), "one chunk at a time");
        (sending.head, sending.pending, sending.end) = (head, chunk, end);
        if self.out.has_space() {
            self.advance(id);
        } else {
            self.enqueue(id);
        }
        self.kick();
    }

    /// Writes a stream's head, if it is pending, and one frame of its pending chunk: one per turn, so that no stream waits for another's
    /// chunk.
    pub(super) fn advance(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let sending = &mut stream.sending;
        sending.queued = false;
        if !sending.is_able() {
            return;
        }
        let mut most = MAX_DATA;
        if let Some(block) = sending.head.take() {
            let end = sending.take_end();
            self.out.frame(&Frame::Head { id, end, block });
            if self.role == Role::Opener && sending.pending.len() <= MAX_FIRST_DATA {
                most = MAX_FIRST_DATA; // a request that fits is one frame with its body
            }
        }
        let piece = sending.pending.split_to(sending.pending.len().min(most).min(sending.credit as usize));
        sending.credit -= piece.len() as u32;
        let end = sending.take_end();
        if end || !piece.is_empty() {
            self.out.data(id, end, &piece);
        }
        if sending.pending.is_empty() {
            // Releases the chunk's memory, which an empty slice would keep alive.
            sending.pending = Bytes::new();
            self.woken.extend(sending.waker.take());
            if sending.released {
                self.reap(id);
            }
        } else {
            self.enqueue(id);
        }
    }

    pub(super) fn enqueue(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.sending.is_able() && !stream.sending.queued {
            stream.sending.queued = true;
            self.ready.push_back(id);
            self.kick();
        }
    }

    pub(super) fn reset(&mut self, id: StreamId, code: Code, text: &str) {
        if self.closed.is_none() {
            self.out.frame(&Frame::Reset { id, code, text: text.to_owned() });
            self.kick();
        }
    }

    /// Drops the handle of a response whose user is gone, once everything has been sent.
    pub(super) fn reap(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.sending.released && stream.sending.state != Send::Open {
            stream.sending.released = false;
            self.drop_handle(id);
        }
    }

    pub(super) fn drop_handle(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.handles -= 1;
        if stream.handles == 0 {
            self.forget(id);
        }
    }

    pub(super) fn forget(&mut self, id: StreamId) -> Option<Stream> {
        let stream = self.streams.remove(&id)?;
        self.grown -= stream.growth(&self.limits.windows);
        Some(stream)
    }
}
