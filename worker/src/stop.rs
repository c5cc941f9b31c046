//! Who says stop: whoever has the terminal or the process, or Windows if the worker is its service.

use llamapool_telemetry::signals::Signals;

#[cfg(windows)]
use {std::time::Duration, tokio::sync::mpsc, windows_service::service_control_handler::ServiceStatusHandle};

/// Orders to stop, as they come.
pub(crate) enum Stops {
    /// From the system.
    Signals(Signals),
    /// From Windows, to its service; it is told that the worker does so, and how long that may take.
    #[cfg(windows)]
    Windows {
        /// The orders.
        orders: mpsc::Receiver<()>,
        /// Whom to tell.
        windows: ServiceStatusHandle,
        /// How long it may take.
        patience: Duration,
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
    pub(crate) fn of_windows(
        orders: mpsc::Receiver<()>,
        windows: ServiceStatusHandle,
        patience: Duration,
    ) -> Self {
        Self::Windows { orders, windows, patience }
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) {
        match self {
            Self::Signals(signals) => signals.next().await,
            #[cfg(windows)]
            Self::Windows { orders, windows, patience } => match orders.recv().await {
                Some(()) => crate::service::say_stopping(*windows, *patience),
                None => std::future::pending().await,
            },
        }
    }
}
