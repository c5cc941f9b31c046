//! One drain for the whole process: the server stops being ready, refuses new requests, finishes the open ones until a deadline, and stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use llamapool_settings::DrainTimeout;
use tokio_util::sync::CancellationToken;

use crate::accounting::Ledger;
use crate::changes::Changes;
use crate::pool::Registry;
use crate::upstream::Upstream;

/// The progress of the drain. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    draining: Arc<AtomicBool>,
    asked: CancellationToken,
    stopped: CancellationToken,
    cut: CancellationToken,
    changes: Changes,
}

/// A request to stop from outside: a signal, or the owner of an embedded server.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Finish open requests, then stop.
    pub gently: CancellationToken,
    /// Stop immediately.
    pub at_once: CancellationToken,
}

impl Drain {
    /// A running server; `changes` is notified when it starts to drain.
    pub fn new(changes: Changes) -> Self {
        Self { changes, ..Self::default() }
    }

    /// Whether new requests are refused.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Starts the drain from inside, as [`Shutdown`] does from outside.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Cancelled once all that remains is sending complete responses.
    pub fn stopped(&self) -> &CancellationToken {
        &self.stopped
    }

    /// Cancelled when the requests that are still open are cut off.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// Waits for a request to stop, then for open requests as long as `timeout` allows.
    pub(crate) async fn run(
        &self,
        registry: &Registry,
        ledger: &Ledger,
        shutdown: &Shutdown,
        timeout: DrainTimeout,
    ) {
        tokio::select! {
            () = shutdown.gently.cancelled() => {}
            () = self.asked.cancelled() => {}
            () = shutdown.at_once.cancelled() => {}
        }
        self.refuse_new_requests();
        registry.upstreams().iter().for_each(Upstream::announce_drain);
        let open = ledger.open_requests();
        tracing::info!(requests.open = open, "Draining: {open} requests are open");
        let cut_off = tokio::select! {
            biased;
            () = ledger.idle() => None,
            () = shutdown.at_once.cancelled() => Some("Stopping immediately"),
            () = deadline(timeout) => Some("The drain timeout has passed"),
        };
        match cut_off {
            None => tracing::info!("Drained"),
            Some(why) => {
                let open = ledger.open_requests();
                tracing::warn!(requests.open = open, "{why}: {open} requests are cut off");
                self.cut.cancel();
            }
        }
        self.stopped.cancel();
    }

    /// Marks the server as draining.
    pub(crate) fn refuse_new_requests(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.changes.notify_changed();
    }
}

async fn deadline(timeout: DrainTimeout) {
    match timeout {
        DrainTimeout::Now => {}
        DrainTimeout::After(timeout) => tokio::time::sleep(timeout).await,
        DrainTimeout::Never => std::future::pending().await,
    }
}
