//! The system's word to stop: SIGTERM and SIGINT (Ctrl-C), or what Windows has for them, one after the other. And its other word, SIGHUP.

use std::io;
#[cfg(unix)]
use std::io::IsTerminal as _;

/// Signals to stop, as they come.
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
    /// Listens from now on; the process does not end by itself any more.
    ///
    /// # Errors
    /// The system gives no signals.
    #[cfg(unix)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Listens from now on; the process does not end by itself any more.
    ///
    /// # Errors
    /// The system gives no signals.
    #[cfg(windows)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
        let (interrupt, close) = (ctrl_c()?, ctrl_close()?);
        Ok(Self { interrupt, close, log_off: ctrl_logoff()?, shutdown: ctrl_shutdown()? })
    }

    /// Waits for the next.
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

/// Hang-ups, as they come; on Windows there are none.
pub struct Hangups {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    /// The process was started by somebody at a terminal.
    #[cfg(unix)]
    at_terminal: bool,
}

/// What a hang-up means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// Somebody asks for the configuration to be read again.
    Reload,
    /// The terminal is gone, in which the process was started.
    TerminalGone,
}

impl Hangups {
    /// Listens from now on; a hang-up does not end the process by itself any more.
    ///
    /// # Errors
    /// The system gives no signals.
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

    /// Waits for the next.
    #[cfg(unix)]
    pub async fn next(&mut self) -> Hangup {
        self.hangup.recv().await;
        // A terminal that was closed is none any more.
        if self.at_terminal && !io::stdin().is_terminal() { Hangup::TerminalGone } else { Hangup::Reload }
    }

    /// Waits for ever.
    #[cfg(windows)]
    pub async fn next(&mut self) -> Hangup {
        std::future::pending().await
    }
}
