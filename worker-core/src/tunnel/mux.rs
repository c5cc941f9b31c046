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
//! `release()` in any state but done sends RESET: a client that goes away frees the backend. The acceptor's side is the mirror image, with a
//! handle for the request's body and one for the answer; the entry goes with the later one. The request's body may end, or be stopped by the
//! acceptor (RESET 0), at any time without touching the answer.
//!
//! Credit is per stream and there is no window for the whole tunnel: what one stream does can never take another's share. Frames for a
//! stream that is gone are the normal tail of a reset and are ignored.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::frame::{Code, Frame, MAX_DATA, MAX_FIRST_DATA, StreamId, Violation};

mod out;
mod stream;

use out::Out;
use stream::{Receive, Send, Stream};

/// Most a peer may ever hold in credit. Well beyond every window of ours, well below where sums overflow.
const MAX_CREDIT: u32 = 1 << 30;

/// So far a window may grow for a reader that keeps up, all streams of a tunnel together.
const GROWTH_BUDGET: u64 = 64 * 1024 * 1024;

/// A peer that sends faster than it reads is not read from beyond this backlog of RESETs and CREDITs: far more than two ends that mean well can
/// cause each other, or both might wait for the other to read.
const MAX_BACKLOG: usize = 1024 * 1024;

/// Which end this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Opens streams: the server.
    Opener,
    /// Answers them: the worker.
    Acceptor,
}

/// Bytes a sender may have under way on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// At the start, announced in the hello.
    pub initial: u32,
    /// After a reader has kept up for a while.
    pub max: u32,
}

/// What one end may do: its own limits and what the peer's hello says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For bodies we receive.
    pub windows: Windows,
    /// For bodies we send: the peer's initial window.
    pub credit: u32,
    /// Streams open at once, the acceptor's word.
    pub max_streams: usize,
}

/// Why a stream ended before its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The peer reset it.
    #[error("{}", if .1.is_empty() { "the peer reset the stream" } else { .1 })]
    Reset(Code, String),
    /// The tunnel went down.
    #[error("the tunnel closed: {0}")]
    Closed(String),
}

/// Why a stream could not be opened. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The tunnel is down.
    #[error("the tunnel is closed")]
    Closed,
    /// The peer's `max_streams` are open.
    #[error("the tunnel has no free stream")]
    Full,
}

/// A stream the peer has opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: StreamId,
    /// The encoded head of the request.
    pub block: Bytes,
    /// A body follows.
    pub has_body: bool,
}

/// Body bytes and whether the body is complete with them.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Never empty.
    pub bytes: Bytes,
    /// Nothing follows.
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
    /// By how much windows have grown, all together.
    grown: u64,
    refusing: bool,
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
            closed: None,
            driver: None,
            woken: Vec::new(),
        }
    }

    /// Streams open now.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether no stream is open.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Whoever waited for what has just happened; to be woken when no lock is held.
    pub fn take_woken(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.woken)
    }

    // ---- the driver's side ----

    /// Takes one binary message of the peer; streams it opens are added to `accepted`.
    ///
    /// # Errors
    /// The peer broke the protocol; the tunnel has to be closed.
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
                Frame::Pong => {}
            }
        }
        Ok(())
    }

    /// Whether the driver may read on.
    pub fn may_receive(&self) -> bool {
        self.out.len() < MAX_BACKLOG
    }

    /// All that is to go out now, as one message; streams take turns.
    pub fn take_batch(&mut self) -> Option<Bytes> {
        while self.out.has_space() {
            let Some(id) = self.ready.pop_front() else { break };
            self.advance(id);
        }
        self.out.take()
    }

    /// Asks whether the peer's multiplexer is alive.
    pub fn ping(&mut self) {
        self.out.frame(&Frame::Ping);
        self.kick();
    }

    /// Keeps the waker of the driver, to be woken when there is something to send.
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

    /// The tunnel is down: every stream is lost.
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

    /// The next piece of the body we receive.
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

    // ---- the opener's side ----

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

    /// The head of the answer, once.
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

    /// The user is done with a stream it opened; before its end that cancels it.
    pub fn release(&mut self, id: StreamId) {
        let Some(stream) = self.forget(id) else { return };
        let complete = stream.receiving.state == Receive::Ended && stream.sending.state != Send::Open;
        let unknown = stream.sending.head.is_some(); // to the peer
        if !complete && !unknown && !matches!(stream.receiving.state, Receive::Lost(_)) {
            self.reset(id, Code::Cancel, "");
        }
    }

    // ---- the acceptor's side ----

    /// From now on streams are refused: this end drains.
    pub fn refuse(&mut self, refusing: bool) {
        self.refusing = refusing;
    }

    /// Sends the head of the answer, and body bytes that are there already.
    pub fn respond(&mut self, id: StreamId, block: Bytes, chunk: Bytes, end: bool) {
        self.hand_over(id, Some(block), chunk, end);
    }

    /// Whether the next chunk may be handed over.
    ///
    /// # Errors
    /// `Err(())` once the peer wants no more.
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

    /// Ready when the peer wants no more of the answer.
    pub fn poll_stopped(&mut self, id: StreamId, cx: &Context<'_>) -> Poll<()> {
        let Some(stream) = self.streams.get_mut(&id) else { return Poll::Ready(()) };
        if stream.sending.state != Send::Open {
            return Poll::Ready(());
        }
        register(&mut stream.sending.waker, cx);
        Poll::Pending
    }

    /// Hands a chunk over, after [`Self::poll_ready`] was ready.
    pub fn send(&mut self, id: StreamId, chunk: Bytes, end: bool) {
        self.hand_over(id, None, chunk, end);
    }

    /// Gives a stream up: the answer cannot be finished.
    pub fn fail(&mut self, id: StreamId, code: Code, text: &str) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.sending.state == Send::Open {
            stream.lose(Lost::Reset(code, text.to_owned()), &mut self.woken);
            self.reset(id, code, text);
        }
    }

    /// The user needs no more of the request's body.
    pub fn release_body(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.receiving.discard();
        if stream.receiving.state == Receive::Open {
            stream.receiving.state = Receive::Lost(Lost::Reset(Code::Stop, String::new()));
            self.reset(id, Code::Stop, "");
        }
        self.drop_handle(id);
    }

    /// The user is done with the answer. An end that was handed over still goes out, as credit allows; without one the stream fails.
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

    // ---- what frames do ----

    fn accept(&mut self, id: StreamId, end: bool, block: Bytes) -> Result<Option<Accepted>, Violation> {
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

    fn on_head(&mut self, id: StreamId, end: bool, block: Bytes) -> Result<(), Violation> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(()) };
        if matches!(stream.receiving.state, Receive::Lost(_)) {
            return Ok(()); // the tail of what was reset, as DATA would be: it makes no answer of it
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

    fn on_data(&mut self, id: StreamId, end: bool, body: Bytes, message: usize) -> Result<(), Violation> {
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

    fn on_reset(&mut self, id: StreamId, code: Code, text: String) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if code == Code::Stop {
            stream.sending.stop(&mut self.woken);
        } else {
            stream.lose(Lost::Reset(code, text), &mut self.woken);
        }
        self.reap(id);
    }

    fn on_credit(&mut self, id: StreamId, bytes: u32) -> Result<(), Violation> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(()) };
        let credit = stream.sending.credit.checked_add(bytes).filter(|sum| *sum <= MAX_CREDIT);
        stream.sending.credit = credit.ok_or(Violation::Overflow(id))?;
        self.enqueue(id);
        Ok(())
    }

    // ---- sending ----

    /// Takes what a stream is to send next. What finds no space waits in the stream: heads too, because a backlog of frames for streams that
    /// are given up meanwhile would have no bound.
    fn hand_over(&mut self, id: StreamId, head: Option<Bytes>, chunk: Bytes, end: bool) {
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

    /// Writes a stream's head, if that is to be sent, and one frame of its pending chunk: one in turn, so that no stream waits for another's
    /// chunk.
    fn advance(&mut self, id: StreamId) {
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
            // Let go of the chunk's memory, which an empty slice would keep.
            sending.pending = Bytes::new();
            self.woken.extend(sending.waker.take());
            if sending.released {
                self.reap(id);
            }
        } else {
            self.enqueue(id);
        }
    }

    fn enqueue(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.sending.is_able() && !stream.sending.queued {
            stream.sending.queued = true;
            self.ready.push_back(id);
            self.kick();
        }
    }

    fn reset(&mut self, id: StreamId, code: Code, text: &str) {
        if self.closed.is_none() {
            self.out.frame(&Frame::Reset { id, code, text: text.to_owned() });
            self.kick();
        }
    }

    /// Drops the handle of an answer whose user is gone, once nothing more goes out.
    fn reap(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.sending.released && stream.sending.state != Send::Open {
            stream.sending.released = false;
            self.drop_handle(id);
        }
    }

    fn drop_handle(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.handles -= 1;
        if stream.handles == 0 {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: StreamId) -> Option<Stream> {
        let stream = self.streams.remove(&id)?;
        self.grown -= stream.growth(&self.limits.windows);
        Some(stream)
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

fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        _ => *slot = Some(cx.waker().clone()),
    }
}

/// Stream ids are small numbers of our own making: one multiplication spreads them well enough.
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
