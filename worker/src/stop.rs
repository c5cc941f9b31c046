//! Who says stop: whoever has the terminal or the process, or Windows if the worker is its service.

use llamapool_telemetry::signals::Signals;

#[cfg(windows)]
use tokio::sync::mpsc;

/// Orders to stop, as they come.
pub(crate) enum Stops {
    /// From the system.
    Signals(Signals),
    /// From Windows, to its service.
    #[cfg(windows)]
    Windows {
        /// The requests to stop.
        orders: mpsc::Receiver<()>,
        /// Tells Windows that the service is stopping.
        acknowledge: Box<dyn Fn() + Send>,
    },
}

impl Stops {
    /// From the system.
    ///
    /// # Errors
    /// The system gives no signals.
    pub(crate) fn of_process() -> anyhow::Result<Self> {
        Ok(Self::Signals(Signals::new()?))
    }

    /// From Windows.
    #[cfg(windows)]
    pub(crate) fn of_windows(orders: mpsc::Receiver<()>, acknowledge: impl Fn() + Send + 'static) -> Self {
        Self::Windows { orders, acknowledge: Box::new(acknowledge) }
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) {
        match self {
            Self::Signals(signals) => signals.next().await,
            #[cfg(windows)]
            Self::Windows { orders, acknowledge } => match orders.recv().await {
                Some(()) => acknowledge(),
                None => std::future::pending().await,
            },
        }
    }
}
