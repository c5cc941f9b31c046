//! One drain for the whole process: not ready, refuse new work, finish what is open, deadline, stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use llamapool_worker_core::settings::DrainTimeout;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// How far the stop has come, for everybody to see.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    draining: Arc<AtomicBool>,
    stopped: CancellationToken,
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

    /// Ends when the process is to drop everything.
    pub fn stopped(&self) -> &CancellationToken {
        &self.stopped
    }
}

/// Waits for the word to stop, then for open requests as long as `timeout` allows.
pub(crate) async fn drain(app: &App, shutdown: &Shutdown, timeout: DrainTimeout) {
    tokio::select! {
        () = shutdown.gently.cancelled() => {}
        () = shutdown.at_once.cancelled() => {}
    }
    app.drain.draining.store(true, Ordering::Relaxed);
    let open = app.open_requests();
    tracing::info!(requests.open = open, "Draining: {open} requests are open");
    tokio::select! {
        biased;
        () = shutdown.at_once.cancelled() => tracing::warn!(requests.open = app.open_requests(), "Stopping at once"),
        () = app.idle() => tracing::info!("Drained"),
        () = deadline(timeout) => tracing::warn!(requests.open = app.open_requests(), "The drain timeout is over"),
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
