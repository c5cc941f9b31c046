//! Either kind of worker: in this app, or a service. Both are watched, steered and ended in the same words.

use llamapool_worker_core::settings::DrainTimeout;

use super::Seen;
use super::attached::Attached;
use super::embedded::Embedded;

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// As it was told to.
    Told,
    /// By itself.
    Failed(String),
    /// A service that does not answer any more.
    Gone,
}

/// A worker, of either kind.
pub(super) enum Worker {
    Embedded(Embedded),
    Attached(Box<Attached>),
}

/// What a worker is told.
#[derive(Clone, Copy)]
pub(super) enum Say {
    Drain,
    Undrain,
    Redial,
    Shutdown(DrainTimeout),
}

impl Worker {
    pub(super) async fn changed(&mut self) -> Option<End> {
        match self {
            Self::Embedded(worker) => worker.changed().await,
            Self::Attached(service) => service.changed().await,
        }
    }

    pub(super) fn seen(&self) -> Seen {
        match self {
            Self::Embedded(worker) => worker.seen(),
            Self::Attached(service) => service.seen(),
        }
    }

    pub(super) async fn say(&mut self, what: Say) {
        match (self, what) {
            (Self::Embedded(worker), Say::Drain) => worker.steer().drain(),
            (Self::Embedded(worker), Say::Undrain) => worker.steer().undrain(),
            (Self::Embedded(worker), Say::Redial) => worker.steer().redial(),
            (Self::Embedded(worker), Say::Shutdown(time)) => worker.steer().shutdown(time),
            (Self::Attached(service), what) => {
                let word = match what {
                    Say::Drain => "drain",
                    Say::Undrain => "undrain",
                    Say::Shutdown(_) => "shutdown",
                    // It notices by itself that its connection is lost.
                    Say::Redial => return,
                };
                if let Err(error) = service.say(word).await {
                    tracing::warn!("The worker service does not obey: {error:#}");
                }
            }
        }
    }

    pub(super) async fn end(self) {
        match self {
            Self::Embedded(worker) => worker.end().await,
            Self::Attached(_) => {}
        }
    }
}
