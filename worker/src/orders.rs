//! Orders to the worker: signals from the terminal or other processes, or requests from Windows if the worker is its service.

use llamapool_telemetry::signals::{Hangup, Hangups, Signals};

#[cfg(windows)]
use tokio::sync::mpsc;

/// An order to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Stop.
    Stop,
    /// Reload the configuration.
    Reload,
}

/// Orders as they arrive.
pub(crate) enum Orders {
    /// From the system.
    Signals {
        /// Signals to stop.
        stops: Signals,
        /// Hang-ups: to reload, or to stop if the terminal was closed.
        hangups: Hangups,
    },
    /// From Windows, to its service.
    #[cfg(windows)]
    Windows {
        /// The requests to stop.
        stops: mpsc::Receiver<()>,
        /// Tells Windows that the service is stopping.
        acknowledge: Box<dyn Fn() + Send>,
    },
}

impl Orders {
    /// From the system.
    ///
    /// # Errors
    /// Signals cannot be received.
    pub(crate) fn of_process() -> anyhow::Result<Self> {
        Ok(Self::Signals { stops: Signals::new()?, hangups: Hangups::new()? })
    }

    /// From Windows.
    #[cfg(windows)]
    pub(crate) fn of_windows(stops: mpsc::Receiver<()>, acknowledge: impl Fn() + Send + 'static) -> Self {
        Self::Windows { stops, acknowledge: Box::new(acknowledge) }
    }

    /// Waits for the next order.
    pub(crate) async fn next(&mut self) -> Order {
        match self {
            Self::Signals { stops, hangups } => tokio::select! {
                () = stops.next() => Order::Stop,
                hangup = hangups.next() => match hangup {
                    Hangup::Reload => Order::Reload,
                    Hangup::TerminalGone => Order::Stop,
                },
            },
            #[cfg(windows)]
            Self::Windows { stops, acknowledge } => match stops.recv().await {
                Some(()) => {
                    acknowledge();
                    Order::Stop
                }
                None => std::future::pending().await,
            },
        }
    }
}
