//! What goes out with the next message. Batching is what makes the tunnel cheap: all frames queued since the driver's last wake-up are one write.

use bytes::{Bytes, BytesMut};

use crate::frame::{self, FRAME_HEADER, Frame, MAX_DATA, StreamId};

/// Beyond so many bytes heads and DATA wait, and their senders with them. One batch here and one in the socket bound what a tunnel holds, and
/// how long a RESET waits behind answers.
pub(super) const MAX_BATCH: usize = 64 * 1024;

/// The batch under construction.
#[derive(Default)]
pub(super) struct Out {
    buf: BytesMut,
    /// The stream and offset of the last frame, if it is DATA that may be made longer.
    open: Option<(StreamId, usize)>,
    /// A PONG is due. A flag, so that no flood of PINGs can fill the buffer.
    pong: bool,
}

impl Out {
    pub(super) fn has_space(&self) -> bool {
        self.buf.len() < MAX_BATCH
    }

    pub(super) fn len(&self) -> usize {
        self.buf.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buf.is_empty() && !self.pong
    }

    pub(super) fn frame(&mut self, frame: &Frame) {
        self.open = None;
        frame.encode(&mut self.buf);
    }

    pub(super) fn pong(&mut self) {
        self.pong = true;
    }

    /// Adds body bytes; tokens of one stream that queue up behind each other become one frame.
    pub(super) fn data(&mut self, id: StreamId, end: bool, body: &[u8]) {
        match self.open {
            Some((open, at)) if open == id && self.buf.len() - at + body.len() <= MAX_DATA => {
                frame::extend_data(&mut self.buf, at, end, body);
            }
            _ => {
                self.open = Some((id, self.buf.len()));
                frame::put_data(&mut self.buf, id, end, body);
            }
        }
        if end {
            self.open = None;
        }
    }

    /// The batch, and room for the next. RESETs and CREDITs never wait for space: when thousands have queued up, this takes a batch of them
    /// only, because a peer refuses messages that are much larger.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.pong) {
            self.frame(&Frame::Pong);
        }
        self.open = None;
        let end = if self.buf.len() <= MAX_BATCH { self.buf.len() } else { self.batch_end() };
        (end > 0).then(|| self.buf.split_to(end).freeze())
    }

    /// Where the frame ends that makes the batch full.
    fn batch_end(&self) -> usize {
        let mut at = 0;
        while at < MAX_BATCH && at < self.buf.len() {
            at += FRAME_HEADER + frame::payload_length(&self.buf[at..]);
        }
        at
    }
}
