//! An open request as it is shown while it runs: a few atomics that its stream updates without a lock, and a way to cancel it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::task::AtomicWaker;

/// An open request.
#[derive(Debug)]
pub struct InFlight {
    /// Unique in this process, in order of arrival.
    pub number: u64,
    /// The request id.
    pub id: String,
    /// When it arrived.
    pub opened: Instant,
    progress: AtomicU8,
    chunks: AtomicU64,
    bytes: AtomicU64,
    about: Mutex<About>,
    cancelled: AtomicBool,
    waker: AtomicWaker,
}

/// The facts about an open request.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// The path, in its canonical form.
    pub(crate) path: &'static str,
    /// The model asked for, once known.
    pub(crate) model: Option<String>,
    /// The name of the worker that has it, once chosen.
    pub(crate) worker: Option<String>,
}

/// How far an open request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Its body is being read.
    Reading,
    /// It waits for a free slot.
    Queued,
    /// It waits for the first byte of the reply.
    Waiting,
    /// The reply streams.
    Streaming,
}

const PROGRESS: [Progress; 4] = [Progress::Reading, Progress::Queued, Progress::Waiting, Progress::Streaming];

impl InFlight {
    pub(crate) fn new(number: u64, id: &str) -> Self {
        Self {
            number,
            id: id.to_owned(),
            opened: Instant::now(),
            progress: AtomicU8::new(0),
            chunks: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            about: Mutex::default(),
            cancelled: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// Records the path.
    pub fn asks_at(&self, path: &'static str) {
        self.with_about(|about| about.path = path);
    }

    /// Records the model.
    pub fn asks_for(&self, model: &str) {
        self.with_about(|about| about.model = Some(model.to_owned()));
    }

    /// Records the worker that has the request now.
    pub fn is_at(&self, worker: &str) {
        self.with_about(|about| about.worker = Some(worker.to_owned()));
    }

    /// Records the progress.
    pub fn reached(&self, progress: Progress) {
        self.progress.store(progress as u8, Ordering::Relaxed);
    }

    /// The progress of the request.
    pub fn progress(&self) -> Progress {
        PROGRESS[usize::from(self.progress.load(Ordering::Relaxed)) % PROGRESS.len()]
    }

    /// Counts a chunk of the reply.
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

    /// Cancels the request, whatever its progress.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether it has been cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Ready once the request is cancelled. One task at a time may wait.
    pub fn poll_cancelled(&self, cx: &Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The facts known so far.
    pub(crate) fn about(&self) -> About {
        self.with_about(|about| about.clone())
    }

    fn with_about<T>(&self, look: impl FnOnce(&mut About) -> T) -> T {
        look(&mut self.about.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
