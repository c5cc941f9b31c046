//! The handle of a tunnel, for everyone but the driver. It holds the multiplexer behind one short lock, and wakes tasks after releasing it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::watch;

use super::control::Bye;
use super::frame::Violation;
use super::mux::{Accepted, Limits, Mux, Role};

/// Most control messages that wait for the socket. Each report contains the complete state, so beyond this number the oldest messages are dropped.
const MAX_TEXTS: usize = 16;

/// A handle to a tunnel. Clones are handles to the same tunnel; the driver ends it.
#[derive(Clone)]
pub struct Link(Arc<Mutex<State>>);

struct State {
    mux: Mux,
    traffic: Traffic,
    texts: VecDeque<String>,
    closing: bool,
    down: bool,
    /// Notified at each sign of life of the peer; see [`Link::is_alive`].
    heard: watch::Sender<()>,
}

/// Bytes of binary messages since the tunnel was opened. Control messages are too small to count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the peer.
    pub received: u64,
    /// To the peer.
    pub sent: u64,
}

/// The last control message, which is the same from both ends.
#[derive(Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Goodbye<'a> {
    Bye(&'a Bye),
}

/// What the driver sends next.
pub(super) enum Outgoing {
    Text(String),
    Batch(Bytes),
    /// Everything has been sent: close the socket.
    Close,
}

impl Link {
    /// A tunnel whose driver does not run yet.
    pub fn new(role: Role, limits: Limits) -> Self {
        let mux = Mux::new(role, limits);
        let traffic = Traffic::default();
        let texts = VecDeque::new();
        Self(Arc::new(Mutex::new(State {
            mux,
            traffic,
            texts,
            closing: false,
            down: false,
            heard: watch::Sender::default(),
        })))
    }

    /// Queues a control message.
    pub fn say(&self, message: &impl Serialize) {
        let text = serde_json::to_string(message).expect("control messages are plain data");
        self.with(|state| {
            if state.texts.len() == MAX_TEXTS {
                state.texts.pop_front();
            }
            state.texts.push_back(text);
            state.mux.kick();
        });
    }

    /// Sends a goodbye, then closes the tunnel. Streams that are still open are lost.
    pub fn close(&self, bye: &Bye) {
        self.say(&Goodbye::Bye(bye));
        self.with(|state| {
            state.closing = true;
            state.mux.close(&bye.reason);
        });
    }

    /// Whether the tunnel is closed or about to be.
    pub fn is_closed(&self) -> bool {
        self.with(|state| state.closing || state.down)
    }

    /// Whether this end was asked to close it.
    pub(super) fn is_closing(&self) -> bool {
        self.with(|state| state.closing)
    }

    /// Sends the peer a PING, and waits at most this long for a sign of life.
    pub async fn is_alive(&self, within: Duration) -> bool {
        if self.is_closed() {
            return false;
        }
        let mut heard = self.with(|state| {
            state.mux.ping();
            state.heard.subscribe()
        });
        tokio::time::timeout(within, heard.changed()).await.is_ok() && !self.is_closed()
    }

    /// The number of open streams.
    pub fn streams(&self) -> usize {
        self.with(|state| state.mux.len())
    }

    /// The traffic so far.
    pub fn traffic(&self) -> Traffic {
        self.with(|state| state.traffic)
    }

    /// Refuses streams that the peer opens from now on, or accepts them again.
    pub fn refuse(&self, refusing: bool) {
        self.mux(|mux| mux.refuse(refusing));
    }

    pub(super) fn mux<T>(&self, work: impl FnOnce(&mut Mux) -> T) -> T {
        self.with(|state| work(&mut state.mux))
    }

    pub(super) fn receive(&self, message: Bytes, accepted: &mut Vec<Accepted>) -> Result<(), Violation> {
        self.with(|state| {
            state.traffic.received += message.len() as u64;
            if state.heard.receiver_count() > 0 {
                state.heard.send_replace(());
            }
            state.mux.receive(message, accepted)
        })
    }

    /// The next message to send; if there is none, the driver is woken once there is.
    pub(super) fn poll_outgoing(&self, cx: &Context<'_>) -> Poll<Outgoing> {
        self.with(|state| {
            // Control messages first, because they are few; the goodbye last.
            if !state.closing
                && let Some(text) = state.texts.pop_front()
            {
                return Poll::Ready(Outgoing::Text(text));
            }
            if let Some(batch) = state.mux.take_batch() {
                state.traffic.sent += batch.len() as u64;
                return Poll::Ready(Outgoing::Batch(batch));
            }
            if let Some(text) = state.texts.pop_front() {
                return Poll::Ready(Outgoing::Text(text));
            }
            if state.closing && !state.down {
                state.down = true;
                return Poll::Ready(Outgoing::Close);
            }
            state.mux.register_driver(cx.waker());
            Poll::Pending
        })
    }

    /// The driver has ended.
    pub(super) fn went_down(&self, why: &str) {
        self.with(|state| {
            state.down = true;
            state.heard.send_replace(());
            state.mux.close(why);
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = work(&mut state);
        let woken = state.mux.take_woken();
        drop(state);
        woken.into_iter().for_each(std::task::Waker::wake);
        result
    }

    /// A poisoned lock is ignored: the panic has been reported, and its consequences end the tunnel.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
