//! The effects of the peer's frames on a stream.

use std::time::Instant;

use bytes::Bytes;

use super::stream::{Receive, Stream};
use super::{Accepted, Lost, MAX_CREDIT, Mux};
use crate::frame::{Code, StreamId, Violation};

impl Mux {
    pub(super) fn accept(
        &mut self,
        id: StreamId,
        end: bool,
        block: Bytes,
    ) -> Result<Option<Accepted>, Violation> {
        if id == 0 || self.streams.contains_key(&id) {
            return Err(Violation::UnexpectedHead(id));
        }
        if self.refusing || self.closed.is_some() || self.streams.len() >= self.limits.max_streams {
            self.reset(
                id,
                Code::Refused,
                if self.refusing { "the worker is draining" } else { "too many streams" },
            );
            return Ok(None);
        }
        let mut stream = Stream::new(&self.limits.windows, self.limits.credit, if end { 1 } else { 2 });
        stream.head_seen = true;
        if end {
            stream.receiving.state = Receive::Ended;
        }
        self.streams.insert(id, stream);
        Ok(Some(Accepted { id, block, has_body: !end }))
    }

    pub(super) fn on_head(&mut self, id: StreamId, end: bool, block: Bytes) -> Result<(), Violation> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(()) };
        if matches!(stream.receiving.state, Receive::Lost(_)) {
            return Ok(()); // return Ok(()); // left over after a reset, like DATA: it must not start a response
        }
        if std::mem::replace(&mut stream.head_seen, true) {
            return Err(Violation::UnexpectedHead(id));
        }
        stream.head = Some(block);
        if end {
            stream.receiving.state = Receive::Ended;
        }
        self.woken.extend(stream.receiving.waker.take());
        Ok(())
    }

    pub(super) fn on_data(
        &mut self,
        id: StreamId,
        end: bool,
        body: Bytes,
        message: usize,
    ) -> Result<(), Violation> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(()) };
        let receiving = &mut stream.receiving;
        match receiving.state {
            Receive::Lost(_) => return Ok(()),
            Receive::Ended => return Err(Violation::UnexpectedData(id)),
            Receive::Open if !stream.head_seen => return Err(Violation::UnexpectedData(id)),
            Receive::Open => {}
        }
        receiving.granted = receiving.granted.checked_sub(body.len() as u32).ok_or(Violation::Credit(id))?;
        receiving.push(body, message);
        if end {
            receiving.state = Receive::Ended;
        }
        self.woken.extend(receiving.waker.take());
        Ok(())
    }

    pub(super) fn on_reset(&mut self, id: StreamId, code: Code, text: String) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        // The only use of a clock in this module: nothing depends on it, and it shows how long work continues that is no longer needed.
        stream.reset_at.get_or_insert_with(Instant::now);
        if code == Code::Stop {
            stream.sending.stop(&mut self.woken);
        } else {
            stream.lose(Lost::Reset(code, text), &mut self.woken);
        }
        self.reap(id);
    }

    pub(super) fn on_credit(&mut self, id: StreamId, bytes: u32) -> Result<(), Violation> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(()) };
        let credit = stream.sending.credit.checked_add(bytes).filter(|sum| *sum <= MAX_CREDIT);
        stream.sending.credit = credit.ok_or(Violation::Overflow(id))?;
        self.enqueue(id);
        Ok(())
    }
}
