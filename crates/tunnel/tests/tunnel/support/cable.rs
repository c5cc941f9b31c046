//! A cable between the two ends that counts what it carries and can go bad.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::tcp;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Good,
    /// Both connections stay, and nothing comes out of either.
    Black,
    /// Both connections are gone.
    Cut,
}

pub(crate) struct Cable {
    state: watch::Sender<State>,
    to_worker: Arc<AtomicU64>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl Cable {
    /// A cable, and the sockets at its ends: the server's and the worker's.
    pub(crate) async fn new() -> (Self, (TcpStream, TcpStream)) {
        let ((server, at_server), (at_worker, worker)) = (tcp().await, tcp().await);
        let (from_server, into_server) = at_server.into_split();
        let (from_worker, into_worker) = at_worker.into_split();
        let (state, watched) = watch::channel(State::Good);
        let to_worker = Arc::new(AtomicU64::new(0));
        let down = carry(from_server, into_worker, watched.clone(), to_worker.clone());
        let up = carry(from_worker, into_server, watched, Arc::default());
        let tasks = [tokio::spawn(down), tokio::spawn(up)].map(AbortOnDropHandle::new);
        (Self { state, to_worker, _tasks: tasks }, (server, worker))
    }

    pub(crate) fn turn(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Bytes that have gone to the worker.
    pub(crate) fn to_worker(&self) -> u64 {
        self.to_worker.load(Ordering::Relaxed)
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut into: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    count: Arc<AtomicU64>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            _ = state.wait_for(|state| *state == State::Cut) => return,
        };
        if read == 0 {
            // Nothing comes out of a black cable, the end of a connection neither.
            let _ = state.wait_for(|state| *state != State::Black).await;
            return;
        }
        if *state.borrow() == State::Good {
            count.fetch_add(read as u64, Ordering::Relaxed);
            let written = tokio::select! {
                written = into.write_all(&buffer[..read]) => written,
                _ = state.wait_for(|state| *state == State::Cut) => return,
            };
            if written.is_err() {
                return;
            }
        }
    }
}
