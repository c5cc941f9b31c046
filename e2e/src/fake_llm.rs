//! A fake LLM runtime, OpenAI-compatible as far as a worker can tell, that does what the test says and remembers
//! what it saw: byte-exact bodies, headers, and which requests were dropped before they were done, and when.
//!
//! What to do with a request is in its body's field `script`, or for bodies without one in what [`FakeLlm::always`]
//! was told last; without either it is [`Script::Answer`].

mod answer;
mod script;
mod seen;
mod wire;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::wait::until;

pub use answer::{pattern, sse_token, sse_whole};
pub use script::{End, Pace, Script};
pub use seen::{Ending, Seen, hash};

use seen::Record;
use wire::Tap;

/// A running fake runtime; dropping it closes everything.
pub struct FakeLlm {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    _accept: AbortOnDropHandle<()>,
}

/// What all connections share.
struct Shared {
    models: Mutex<Vec<String>>,
    always: Mutex<Script>,
    record: Arc<Record>,
    /// One permit is one chunk of a [`Pace::Stepped`] answer, or one piece of a request body read.
    steps: Semaphore,
    away: AtomicBool,
    connections: AtomicUsize,
    /// Cancelled (and replaced) to cut all connections.
    cut: Mutex<CancellationToken>,
    tasks: TaskTracker,
}

impl FakeLlm {
    /// A runtime that lists `models`.
    pub async fn start(models: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            models: Mutex::new(models.iter().map(|&id| id.to_owned()).collect()),
            always: Mutex::new(Script::Answer),
            record: Arc::default(),
            steps: Semaphore::new(0),
            away: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            cut: Mutex::default(),
            tasks: TaskTracker::new(),
        });
        let accept = AbortOnDropHandle::new(tokio::spawn(accept(listener, Arc::clone(&shared))));
        Self { addr, shared, _accept: accept }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What to do with requests that bring no script.
    pub fn always(&self, script: Script) {
        *lock(&self.shared.always) = script;
    }

    /// Lists other models from now on.
    pub fn set_models(&self, models: &[&str]) {
        *lock(&self.shared.models) = models.iter().map(|&id| id.to_owned()).collect();
    }

    /// Lets `n` more chunks of stepped answers go out.
    pub fn step(&self, n: usize) {
        self.shared.steps.add_permits(n);
    }

    /// Cuts all connections, and every new one at once, as if the runtime had ended.
    pub fn go_away(&self) {
        self.shared.away.store(true, Ordering::SeqCst);
        std::mem::take(&mut *lock(&self.shared.cut)).cancel();
    }

    /// Serves again.
    pub fn come_back(&self) {
        self.shared.away.store(false, Ordering::SeqCst);
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Every POST so far, in the order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.record.all()
    }

    /// The latest POST.
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("the runtime has seen a request")
    }

    /// How many requests are being served.
    pub fn open(&self) -> usize {
        self.shared.record.count(|seen| seen.ending.is_none())
    }

    /// Waits until `n` requests have arrived in all.
    pub async fn until_seen(&self, n: usize) {
        until(&format!("{n} requests in the runtime"), async || {
            (self.shared.record.count(|_| true) >= n).then_some(())
        })
        .await;
    }

    /// Waits until `n` requests are being served.
    pub async fn until_open(&self, n: usize) {
        until(&format!("{n} open requests in the runtime"), async || (self.open() == n).then_some(())).await;
    }
}

impl Drop for FakeLlm {
    fn drop(&mut self) {
        lock(&self.shared.cut).cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        if !shared.away.load(Ordering::SeqCst) {
            let cut = lock(&shared.cut).clone();
            shared.tasks.spawn(cut.run_until_cancelled_owned(serve(stream, Arc::clone(&shared))));
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).expect("a fresh socket takes options");
    let (io, garbage) = Tap::new(stream);
    let service = service_fn(move |request| {
        let (shared, garbage) = (Arc::clone(&shared), garbage.clone());
        async move { Ok::<_, Infallible>(answer::answer(request, shared, garbage).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new());
    // Clients that leave, and answers that die on purpose, end here.
    let _ = http.serve_connection(TokioIo::new(io), service).await;
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
