//! The multiplexer of one end of a tunnel: frames in, frames and wake-ups out. It knows no socket, no async runtime and no HTTP crate.
//!
//! The *opener* (the server) opens streams, the *acceptor* (a worker) answers them. A stream as the opener sees it:
//!
//! ```text
//!           open()                HEAD                     END
//!   (free) ───────▶ wait for head ────▶ body ────────────────────▶ done
//!                        │               │                          │
//!                        │ RESET, tunnel closed                     │ release()
//!                        ▼               ▼                          ▼
//!                        └─────▶ lost ◀──┘ ──────release()──────▶ (free)
//! ```
//!
//! `release()` in any state but done sends RESET: a client that disconnects frees the runtime. The acceptor's side is the mirror image, with a
//! handle for the request body and one for the response; the entry is removed with the later one. The request body may end, or be stopped by the
//! acceptor (RESET 0), at any time without affecting the response.
//!
//! Credit is per stream and there is no window for the whole tunnel, so one stream can never take another's share. Frames for a
//! stream that is gone are expected after a reset and are ignored.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::frame::{Code, Frame, StreamId, Violation};

mod acceptor;
mod frames;
mod opener;
mod out;
mod sending;
mod stream;

use out::Out;
use stream::{Receive, Stream};

/// Most credit that a peer may ever hold. Far above all our windows, far below where sums overflow.
const MAX_CREDIT: u32 = 1 << 30;

/// How much the windows of all streams of a tunnel together may grow for readers that keep up.
const GROWTH_BUDGET: u64 = 64 * 1024 * 1024;

/// A peer that sends faster than it reads is not read from while this backlog of RESETs and CREDITs is pending. It is far more than two correct ends
/// can cause each other; otherwise both might wait for the other to read.
const MAX_BACKLOG: usize = 1024 * 1024;

/// The role of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Opens streams: the server.
    Opener,
    /// Answers them: the worker.
    Acceptor,
}

/// Bytes that a sender may have in flight on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// At first, as announced in the hello.
    pub initial: u32,
    /// At most, after a reader has kept up for a while.
    pub max: u32,
}

/// The limits of one end: its own, and those in the peer's hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For bodies we receive.
    pub windows: Windows,
    /// For bodies we send: the peer's initial window.
    pub credit: u32,
    /// Most streams at the same time, as set by the acceptor.
    pub max_streams: usize,
}

/// Why a stream ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The peer reset it.
    #[error("{}", if .1.is_empty() { "the peer reset the stream" } else { .1 })]
    Reset(Code, String),
    /// The tunnel closed.
    #[error("the tunnel closed: {0}")]
    Closed(String),
}

/// Why a stream could not be opened. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The tunnel is closed.
    #[error("the tunnel is closed")]
    Closed,
    /// The peer's `max_streams` are open.
    #[error("the tunnel has no free stream")]
    Full,
}

/// A stream that the peer has opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: StreamId,
    /// The encoded head of the request.
    pub block: Bytes,
    /// Whether a body follows.
    pub has_body: bool,
}

/// Body bytes, and whether the body is complete with them.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Never empty.
    pub bytes: Bytes,
    /// Whether nothing follows.
    pub last: bool,
}

/// The multiplexer.
pub struct Mux {
    role: Role,
    limits: Limits,
    streams: HashMap<StreamId, Stream, BuildHasherDefault<IdHasher>>,
    next_id: StreamId,
    out: Out,
    /// Streams that have something to send, in turn.
    ready: VecDeque<StreamId>,
    /// How much all windows together have grown.
    grown: u64,
    refusing: bool,
    /// Whether the peer has responded to the last PING.
    ponged: bool,
    closed: Option<Lost>,
    driver: Option<Waker>,
    woken: Vec<Waker>,
}

impl Mux {
    /// A multiplexer without streams.
    pub fn new(role: Role, limits: Limits) -> Self {
        Self {
            role,
            limits,
            streams: HashMap::default(),
            next_id: 1,
            out: Out::default(),
            ready: VecDeque::new(),
            grown: 0,
            refusing: false,
            ponged: false,
            closed: None,
            driver: None,
            woken: Vec::new(),
        }
    }

    /// The number of open streams.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether no stream is open.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// The wakers of tasks that waited for what has just happened, to be woken after the lock is released.
    pub fn take_woken(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.woken)
    }

    // ---- the driver's side ----

    /// Processes one binary message of the peer; streams that it opens are added to `accepted`.
    ///
    /// # Errors
    /// The peer broke the protocol; the tunnel must be closed.
    pub fn receive(&mut self, mut message: Bytes, accepted: &mut Vec<Accepted>) -> Result<(), Violation> {
        let size = message.len();
        while let Some(frame) = Frame::decode(&mut message)? {
            match frame {
                Frame::Head { id, end, block } => match self.role {
                    Role::Acceptor => accepted.extend(self.accept(id, end, block)?),
                    Role::Opener => self.on_head(id, end, block)?,
                },
                Frame::Data { id, end, body } => self.on_data(id, end, body, size)?,
                Frame::Reset { id, code, text } => self.on_reset(id, code, text),
                Frame::Credit { id, bytes } => self.on_credit(id, bytes)?,
                Frame::Ping => {
                    self.out.pong();
                    self.kick();
                }
                Frame::Pong => self.ponged = true,
            }
        }
        Ok(())
    }

    /// Whether the driver may continue to read.
    pub fn may_receive(&self) -> bool {
        self.out.len() < MAX_BACKLOG
    }

    /// All pending frames as one message; streams take turns.
    pub fn take_batch(&mut self) -> Option<Bytes> {
        while self.out.has_space() {
            let Some(id) = self.ready.pop_front() else { break };
            self.advance(id);
        }
        self.out.take()
    }

    /// Sends a PING.
    pub fn ping(&mut self) {
        self.ponged = false;
        self.out.frame(&Frame::Ping);
        self.kick();
    }

    /// Whether the peer has responded since the last [`Self::ping`] or the last call of this function.
    pub fn take_pong(&mut self) -> bool {
        std::mem::take(&mut self.ponged)
    }

    /// Stores the waker of the driver, which is woken when there is something to send.
    pub fn register_driver(&mut self, waker: &Waker) {
        if self.out.is_empty() && self.ready.is_empty() {
            self.driver = Some(waker.clone());
        } else {
            self.woken.push(waker.clone());
        }
    }

    /// Wakes the driver.
    pub fn kick(&mut self) {
        self.woken.extend(self.driver.take());
    }

    /// The tunnel has closed: every stream is lost.
    pub fn close(&mut self, why: &str) {
        let lost = Lost::Closed(why.to_owned());
        let mut released = Vec::new();
        for (id, stream) in &mut self.streams {
            stream.lose(lost.clone(), &mut self.woken);
            released.extend(stream.sending.released.then_some(*id));
        }
        released.into_iter().for_each(|id| self.reap(id));
        self.ready.clear();
        self.closed.get_or_insert(lost);
        self.kick();
    }

    // ---- both ends ----

    /// The next chunk of the body that we receive.
    pub fn poll_data(&mut self, id: StreamId, cx: &Context<'_>) -> Poll<Option<Result<Chunk, Lost>>> {
        let Some(stream) = self.streams.get_mut(&id) else { return Poll::Ready(None) };
        let receiving = &mut stream.receiving;
        let Some(bytes) = receiving.pop() else {
            return match &receiving.state {
                Receive::Open => {
                    register(&mut receiving.waker, cx);
                    Poll::Pending
                }
                Receive::Ended => Poll::Ready(None),
                Receive::Lost(lost) => Poll::Ready(Some(Err(lost.clone()))),
            };
        };
        let before = receiving.window();
        if let Some(bytes) = receiving.grant(&self.limits.windows, GROWTH_BUDGET - self.grown) {
            self.grown += u64::from(receiving.window() - before);
            self.out.frame(&Frame::Credit { id, bytes });
            self.woken.extend(self.driver.take());
        }
        let last = receiving.state == Receive::Ended && receiving.is_drained();
        Poll::Ready(Some(Ok(Chunk { bytes, last })))
    }
}

fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        _ => *slot = Some(cx.waker().clone()),
    }
}

/// Stream ids are small numbers that we assign: one multiplication spreads them well enough.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, id: u32) {
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[cfg(test)]
mod tests;
