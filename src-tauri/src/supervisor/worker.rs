//! Either kind of worker: in this app, or a service. Both are watched, controlled and stopped in the same way.

use llamapool_settings::DrainTimeout;

use super::attached::Attached;
use super::embedded::Embedded;
use super::{WorkerExit, WorkerSnapshot};

/// A worker of either kind.
pub(super) enum Worker {
    Embedded(Embedded),
    Attached(Box<Attached>),
}

/// A command to a worker.
#[derive(Clone, Copy)]
pub(super) enum WorkerCommand {
    Drain,
    Undrain,
    Redial,
    Shutdown(DrainTimeout),
}

impl Worker {
    pub(super) async fn changed(&mut self) -> Option<WorkerExit> {
        match self {
            Self::Embedded(worker) => worker.changed().await,
            Self::Attached(service) => service.changed().await,
        }
    }

    pub(super) fn snapshot(&self) -> WorkerSnapshot {
        match self {
            Self::Embedded(worker) => worker.snapshot(),
            Self::Attached(service) => service.snapshot(),
        }
    }

    pub(super) async fn send(&mut self, command: WorkerCommand) {
        match (self, command) {
            (Self::Embedded(worker), WorkerCommand::Drain) => worker.handle().drain(),
            (Self::Embedded(worker), WorkerCommand::Undrain) => worker.handle().undrain(),
            (Self::Embedded(worker), WorkerCommand::Redial) => worker.handle().redial(),
            (Self::Embedded(worker), WorkerCommand::Shutdown(time)) => worker.handle().shutdown(time),
            (Self::Attached(service), command) => {
                let name = match command {
                    WorkerCommand::Drain => "drain",
                    WorkerCommand::Undrain => "undrain",
                    WorkerCommand::Shutdown(_) => "shutdown",
                    // The service detects a lost connection on its own.
                    WorkerCommand::Redial => return,
                };
                if let Err(error) = service.send(name).await {
                    tracing::warn!("The worker service rejected {name}: {error:#}");
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
