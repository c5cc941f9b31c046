//! Signals: SIGTERM and SIGINT (Ctrl-C), or their equivalents on Windows, to stop; and SIGHUP.

use std::io;
#[cfg(unix)]
use std::io::IsTerminal as _;

/// Signals to stop, as they arrive.
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    /// The console was closed.
    #[cfg(windows)]
    close: tokio::signal::windows::CtrlClose,
    #[cfg(windows)]
    log_off: tokio::signal::windows::CtrlLogoff,
    #[cfg(windows)]
    shutdown: tokio::signal::windows::CtrlShutdown,
}

impl Signals {
    /// Starts listening; from now on, these signals do not end the process.
    ///
    /// # Errors
    /// Signals cannot be received.
    #[cfg(unix)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Starts listening; from now on, these signals do not end the process.
    ///
    /// # Errors
    /// Signals cannot be received.
    #[cfg(windows)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
        let (interrupt, close) = (ctrl_c()?, ctrl_close()?);
        Ok(Self { interrupt, close, log_off: ctrl_logoff()?, shutdown: ctrl_shutdown()? })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(windows)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
            _ = self.log_off.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}

/// Hang-ups as they arrive; there are none on Windows.
pub struct Hangups {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    /// Whether the process was started from a terminal.
    #[cfg(unix)]
    at_terminal: bool,
}

/// The meaning of a hang-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// A request to reload the configuration.
    Reload,
    /// The terminal in which the process was started was closed.
    TerminalGone,
}

impl Hangups {
    /// Starts listening; from now on, a hang-up does not end the process.
    ///
    /// # Errors
    /// Signals cannot be received.
    pub fn new() -> io::Result<Self> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            #[cfg(unix)]
            hangup: signal(SignalKind::hangup())?,
            #[cfg(unix)]
            at_terminal: io::stdin().is_terminal(),
        })
    }

    /// Waits for the next hang-up.
    #[cfg(unix)]
    pub async fn next(&mut self) -> Hangup {
        self.hangup.recv().await;
        // After it was closed, standard input is no longer a terminal.
        if self.at_terminal && !io::stdin().is_terminal() { Hangup::TerminalGone } else { Hangup::Reload }
    }

    /// Never completes.
    #[cfg(windows)]
    pub async fn next(&mut self) -> Hangup {
        std::future::pending().await
    }
}
