//! One drain for the whole process: not ready, refuse new work, finish what is open, deadline, stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use llamapool_worker_core::settings::DrainTimeout;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::upstream::Upstream;

/// How far the stop has come, for everybody to see.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    draining: Arc<AtomicBool>,
    asked: CancellationToken,
    stopped: CancellationToken,
    cut: CancellationToken,
}

/// What a process is told from outside, by signal or by its owner.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Finish what is open, then stop.
    pub gently: CancellationToken,
    /// Stop at once.
    pub at_once: CancellationToken,
}

impl Drain {
    /// Whether new requests are refused.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Starts the drain from inside, as a signal does from outside.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Ends when nothing is to go on but what has been answered already.
    pub fn stopped(&self) -> &CancellationToken {
        &self.stopped
    }

    /// Ends when requests that are still open are to be cut off.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }
}

/// Waits for the word to stop, then for open requests as long as `timeout` allows.
pub(crate) async fn drain(app: &App, shutdown: &Shutdown, timeout: DrainTimeout) {
    tokio::select! {
        () = shutdown.gently.cancelled() => {}
        () = app.drain.asked.cancelled() => {}
        () = shutdown.at_once.cancelled() => {}
    }
    app.drain.draining.store(true, Ordering::Relaxed);
    app.ledger.ring();
    app.registry.upstreams().iter().for_each(Upstream::announce_drain);
    let open = app.open_requests();
    tracing::info!(requests.open = open, "Draining: {open} requests are open");
    let impatient = tokio::select! {
        biased;
        () = app.idle() => None,
        () = shutdown.at_once.cancelled() => Some("Stopping at once"),
        () = deadline(timeout) => Some("The drain timeout is over"),
    };
    match impatient {
        None => tracing::info!("Drained"),
        Some(why) => {
            let open = app.open_requests();
            tracing::warn!(requests.open = open, "{why}: {open} requests are cut off");
            app.drain.cut.cancel();
        }
    }
    app.drain.stopped.cancel();
}

async fn deadline(timeout: DrainTimeout) {
    match timeout {
        DrainTimeout::Now => {}
        DrainTimeout::After(timeout) => tokio::time::sleep(timeout).await,
        DrainTimeout::Never => std::future::pending().await,
    }
}
