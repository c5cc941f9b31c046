//! A TCP relay that stands between two peers and can cut the wire, stall it, and let it go on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// A running relay; dropping it cuts everything.
pub struct Cut {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    _accept: AbortOnDropHandle<()>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    stalled: watch::Sender<bool>,
    wires: Mutex<CancellationToken>,
    accepted: AtomicUsize,
}

impl Cut {
    /// A relay to `target`.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            stalled: watch::Sender::new(false),
            wires: Mutex::default(),
            accepted: AtomicUsize::new(0),
        });
        let accept = AbortOnDropHandle::new(tokio::spawn(accept(listener, Arc::clone(&shared))));
        Self { addr, shared, _accept: accept }
    }

    /// Closes all wires; new ones are relayed as before.
    pub fn cut(&self) {
        std::mem::take(&mut *self.shared.wires.lock().unwrap_or_else(PoisonError::into_inner)).cancel();
    }

    /// Stops carrying anything on any wire, old or new, without closing it: a black hole.
    pub fn stall(&self) {
        self.shared.stalled.send_replace(true);
    }

    /// Carries again, what had piled up first.
    pub fn resume(&self) {
        self.shared.stalled.send_replace(false);
    }

    /// New wires lead to `target`.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((near, _)) = listener.accept().await {
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        let cut = shared.wires.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tokio::spawn(cut.run_until_cancelled_owned(relay(near, Arc::clone(&shared))));
    }
}

async fn relay(near: TcpStream, shared: Arc<Shared>) {
    let target = *shared.target.lock().unwrap_or_else(PoisonError::into_inner);
    // A target that is not there closes the near side: what a caller of a dead server sees.
    let Ok(far) = TcpStream::connect(target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let (out, back) = (shared.stalled.subscribe(), shared.stalled.subscribe());
    tokio::join!(carry(near_in, far_out, out), carry(far_in, near_out, back));
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut stalled: watch::Receiver<bool>) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut piece).await;
        if stalled.wait_for(|stalled| !stalled).await.is_err() {
            return;
        }
        match read {
            Ok(n @ 1..) if to.write_all(&piece[..n]).await.is_ok() => {}
            _ => break,
        }
    }
    let _ = to.shutdown().await;
}
