//! One stream: a half that receives and a half that sends, each with its own credit.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{Lost, Windows};
use crate::frame::MAX_DATA;

/// DATA at least this large is kept as a slice of its message; smaller parts are copied, because a slice keeps the whole message alive.
const KEEP_SLICE: usize = 4 * 1024;

/// One exchange as one end sees it.
pub(super) struct Stream {
    /// The response head, until it is taken.
    pub(super) head: Option<Bytes>,
    pub(super) head_seen: bool,
    /// The waker of a task that waits for the head, for body bytes, or (on the sending side) for a reset.
    pub(super) receiving: Receiving,
    pub(super) sending: Sending,
    /// When the peer's RESET arrived.
    pub(super) reset_at: Option<Instant>,
    /// Handles held by users; the entry is removed with the last one.
    pub(super) handles: u8,
}

pub(super) struct Receiving {
    pub(super) state: Receive,
    queue: VecDeque<Bytes>,
    tail: BytesMut,
    /// The bytes that the peer may still send.
    pub(super) granted: u32,
    /// Bytes read by the user, but not granted again yet.
    unacked: u32,
    window: u32,
    /// Whether the reader is gone: what still arrives is dropped.
    pub(super) unwanted: bool,
    pub(super) waker: Option<Waker>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Receive {
    Open,
    Ended,
    Lost(Lost),
}

pub(super) struct Sending {
    pub(super) state: Send,
    /// The head of the request or response, if it has not been sent for lack of space.
    pub(super) head: Option<Bytes>,
    /// One chunk that has not been sent completely, for lack of credit or space.
    pub(super) pending: Bytes,
    /// Whether END follows `pending`.
    pub(super) end: bool,
    pub(super) credit: u32,
    /// Whether the stream is in the ring of streams that have something to send.
    pub(super) queued: bool,
    /// Whether the user is gone. What was handed over is sent nevertheless.
    pub(super) released: bool,
    pub(super) waker: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Send {
    Open,
    /// Whether END has been sent.
    Ended,
    /// Whether the peer does not need the rest, or the stream is lost.
    Stopped,
}

impl Stream {
    pub(super) fn new(ours: &Windows, credit: u32, handles: u8) -> Self {
        Self {
            head: None,
            head_seen: false,
            receiving: Receiving {
                state: Receive::Open,
                queue: VecDeque::new(),
                tail: BytesMut::new(),
                granted: ours.initial,
                unacked: 0,
                window: ours.initial,
                unwanted: false,
                waker: None,
            },
            sending: Sending {
                state: Send::Open,
                head: None,
                pending: Bytes::new(),
                end: false,
                credit,
                queued: false,
                released: false,
                waker: None,
            },
            reset_at: None,
            handles,
        }
    }

    /// Ends both halves. What was received before can still be read.
    pub(super) fn lose(&mut self, lost: Lost, woken: &mut Vec<Waker>) {
        self.receiving.lose(lost, woken);
        self.sending.stop(woken);
    }

    /// How far this stream's window has grown beyond the initial one.
    pub(super) fn growth(&self, ours: &Windows) -> u64 {
        u64::from(self.receiving.window - ours.initial)
    }
}

impl Receiving {
    /// Keeps `body`, a slice of a message of `message` bytes. The caller has checked the credit.
    pub(super) fn push(&mut self, body: Bytes, message: usize) {
        if self.unwanted || body.is_empty() {
            return;
        }
        let alone = self.queue.is_empty() && self.tail.is_empty();
        if alone && (body.len() >= KEEP_SLICE || body.len() >= message / 2) {
            self.queue.push_back(body);
            return;
        }
        self.tail.extend_from_slice(&body);
        if self.tail.len() >= MAX_DATA {
            self.queue.push_back(self.tail.split().freeze());
        }
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let chunk = match self.queue.pop_front() {
            Some(chunk) => chunk,
            None if self.tail.is_empty() => return None,
            None => self.tail.split().freeze(),
        };
        self.unacked += chunk.len() as u32;
        Some(chunk)
    }

    pub(super) fn is_drained(&self) -> bool {
        self.queue.is_empty() && self.tail.is_empty()
    }

    /// Ends the body early. What was received before can still be read.
    pub(super) fn lose(&mut self, lost: Lost, woken: &mut Vec<Waker>) {
        if self.state == Receive::Open {
            self.state = Receive::Lost(lost);
        }
        woken.extend(self.waker.take());
    }

    pub(super) fn discard(&mut self) {
        self.unwanted = true;
        self.queue = VecDeque::new();
        self.tail = BytesMut::new();
    }

    /// The credit to grant after a read, if it is time: at a quarter of the window, because with half of it long links run dry. A reader that
    /// keeps up gets a window of twice the size, within the `room` that is left of the tunnel's budget.
    pub(super) fn grant(&mut self, ours: &Windows, room: u64) -> Option<u32> {
        if self.state != Receive::Open || self.unacked < self.window / 4 {
            return None;
        }
        let mut grant = std::mem::take(&mut self.unacked);
        let growth = self.window.min(ours.max - self.window);
        if self.is_drained() && growth > 0 && u64::from(growth) <= room {
            self.window += growth;
            grant += growth;
        }
        self.granted += grant;
        Some(grant)
    }

    pub(super) fn window(&self) -> u32 {
        self.window
    }
}

impl Sending {
    pub(super) fn is_idle(&self) -> bool {
        self.head.is_none() && self.pending.is_empty() && !self.end
    }

    /// Whether something could be sent if there were space.
    pub(super) fn is_able(&self) -> bool {
        let body = if self.pending.is_empty() { self.end } else { self.credit > 0 };
        self.state == Send::Open && (body || self.head.is_some())
    }

    /// Whether END is due now that this much has been sent. It must be sent then.
    pub(super) fn take_end(&mut self) -> bool {
        let end = self.end && self.pending.is_empty();
        if end {
            self.end = false;
            self.state = Send::Ended;
        }
        end
    }

    pub(super) fn stop(&mut self, woken: &mut Vec<Waker>) {
        if self.state == Send::Open {
            self.state = Send::Stopped;
        }
        self.head = None;
        self.pending = Bytes::new();
        self.end = false;
        woken.extend(self.waker.take());
    }
}
