//! An open request as others may see it while it runs: a few atomics that its stream updates without a lock, and the means to cancel it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::task::AtomicWaker;

use crate::state::view::{LiveRequest, RequestState};

/// An open request.
#[derive(Debug)]
pub struct InFlight {
    /// Unique in this process, in order of arrival.
    pub number: u64,
    /// The request id.
    pub id: String,
    /// When it came.
    pub opened: Instant,
    state: AtomicU8,
    chunks: AtomicU64,
    bytes: AtomicU64,
    about: Mutex<About>,
    cancelled: AtomicBool,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct About {
    path: &'static str,
    model: Option<String>,
    worker: Option<String>,
}

const STATES: [RequestState; 4] =
    [RequestState::Reading, RequestState::Queued, RequestState::Waiting, RequestState::Streaming];

impl InFlight {
    pub(crate) fn new(number: u64, id: &str) -> Self {
        Self {
            number,
            id: id.to_owned(),
            opened: Instant::now(),
            state: AtomicU8::new(0),
            chunks: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            about: Mutex::default(),
            cancelled: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// It is for this path.
    pub fn asks_at(&self, path: &'static str) {
        self.about(|about| about.path = path);
    }

    /// It asks for this model.
    pub fn asks_for(&self, model: &str) {
        self.about(|about| about.model = Some(model.to_owned()));
    }

    /// It is at this worker now.
    pub fn is_at(&self, worker: &str) {
        self.about(|about| about.worker = Some(worker.to_owned()));
    }

    /// It has come so far.
    pub fn reached(&self, state: RequestState) {
        let at = STATES.iter().position(|known| *known == state).unwrap_or_default();
        self.state.store(at as u8, Ordering::Relaxed);
    }

    /// A chunk of its reply passes.
    pub fn pass(&self, bytes: usize) {
        self.chunks.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Body bytes of the reply so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Chunks of the reply so far.
    pub fn chunks(&self) -> u64 {
        self.chunks.load(Ordering::Relaxed)
    }

    /// Ends the request, wherever it is.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether somebody has cancelled it.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Ready once somebody cancels it. One task at a time may wait.
    pub fn poll_cancelled(&self, cx: &Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(crate) fn view(&self) -> LiveRequest {
        let state = STATES[usize::from(self.state.load(Ordering::Relaxed)) % STATES.len()];
        self.about(|about| LiveRequest {
            id: self.id.clone(),
            number: self.number,
            path: about.path.to_owned(),
            model: about.model.clone(),
            worker: about.worker.clone(),
            age_ms: self.opened.elapsed().as_millis() as u64,
            state,
            tokens: self.chunks(),
            bytes: self.bytes(),
        })
    }

    fn about<T>(&self, look: impl FnOnce(&mut About) -> T) -> T {
        look(&mut self.about.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
