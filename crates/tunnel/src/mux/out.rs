//! The outgoing batch. Batching is what makes the tunnel cheap: all frames queued since the driver's last wake-up are one write.

use bytes::{Bytes, BytesMut};

use crate::frame::{self, FRAME_HEADER, Frame, MAX_DATA, StreamId};

/// Above this size heads and DATA wait, and so do their senders. One batch here and one in the socket limit what a tunnel holds, and
/// how long a RESET waits behind responses.
pub(super) const MAX_BATCH: usize = 64 * 1024;

/// The batch under construction.
#[derive(Default)]
pub(super) struct Out {
    buf: BytesMut,
    /// The stream and offset of the last frame, if it is DATA that can be extended.
    open: Option<(StreamId, usize)>,
    /// Whether a PONG is due. A flag, so that a flood of PINGs cannot fill the buffer.
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

    /// Adds body bytes; queued tokens of one stream become one frame.
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

    /// Takes the batch, which makes room for the next. RESETs and CREDITs never wait for space; when thousands have queued up, this takes only a part
    /// of them, because a peer rejects messages that are much larger.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.pong) {
            self.frame(&Frame::Pong);
        }
        self.open = None;
        let end = if self.buf.len() <= MAX_BATCH { self.buf.len() } else { self.batch_end() };
        (end > 0).then(|| self.buf.split_to(end).freeze())
    }

    /// The end of the frame that makes the batch full.
    fn batch_end(&self) -> usize {
        let mut at = 0;
        while at < MAX_BATCH && at < self.buf.len() {
            at += FRAME_HEADER + frame::payload_length(&self.buf[at..]);
        }
        at
    }
}
