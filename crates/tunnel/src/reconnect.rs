//! Keeps a connection up: dial, run one session, wait, dial again. The loop depends on a [`Client`], which dials and runs sessions.
//!
//! `backoff` decides how long to wait, `wake` when the wait should end early: the machine resumed from sleep, or its network changed.

mod backoff;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;

use crate::dial::DialError;
use backoff::{Backoff, QUICK, SLOW};

use wake::Route;

pub use wake::Clocks;

/// After a session that lasted longer than this, the waits start small again.
const GOOD_SESSION: Duration = Duration::from_secs(10);

/// Longest wait that a server's `Retry-After` can impose.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// What the loop connects: how to dial, and what to do on the connection.
pub trait Client: Sync {
    /// An open connection.
    type Connection: Send;

    /// The server's address. While the loop waits, a change of the route to it ends the wait.
    fn server(&self) -> &Url;

    /// Opens a connection.
    fn dial(&self) -> impl Future<Output = Result<Self::Connection, Disconnect>> + Send;

    /// Runs one session on the connection, to its end.
    fn session(&self, connection: Self::Connection) -> impl Future<Output = SessionEnd> + Send;

    /// Completes when the client stops. It may complete while the loop dials or waits; a session must watch for it itself.
    fn stopped(&self) -> impl Future<Output = ()> + Send;

    /// Called at each step outside a session.
    fn step(&self, step: Step<'_>);
}

/// What the loop does next.
#[derive(Debug)]
pub enum Step<'a> {
    /// It dials.
    Dialing,
    /// It waits before it dials again.
    Waiting {
        /// When it dials.
        until: Instant,
        /// Why it waits.
        because: &'a Disconnect,
    },
}

/// How a session ended.
#[derive(Debug)]
pub enum SessionEnd {
    /// The client stops and has said goodbye.
    Stopped,
    /// The connection is gone.
    Disconnected(Disconnect),
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// The reason, as a sentence.
    pub reason: String,
    /// Whether something has to be changed before another attempt can succeed.
    pub refused: bool,
    /// How long the server asks the client to wait.
    pub retry_after: Option<Duration>,
}

/// How the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The client stopped.
    Stopped,
    /// The connection was lost or refused, and reconnecting is off.
    Lost(String),
}

/// The loop around one client.
#[derive(Debug)]
pub struct Reconnect<C> {
    client: C,
    enabled: bool,
    redial: Arc<Notify>,
    quick: Backoff,
    slow: Backoff,
    route: Route,
}

impl Disconnect {
    /// The connection was lost, or could not be opened; another attempt may succeed.
    pub fn lost(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), refused: false, retry_after: None }
    }

    /// The server refuses the client.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self { refused: true, ..Self::lost(reason) }
    }

    /// Whether an event on this machine may end the wait: not if the server, or a person, has to act first.
    fn may_hurry(&self) -> bool {
        !self.refused && self.retry_after.is_none()
    }
}

impl From<DialError> for Disconnect {
    fn from(error: DialError) -> Self {
        Self { reason: error.to_string(), refused: error.is_refusal(), retry_after: error.retry_after() }
    }
}

impl<C: Client> Reconnect<C> {
    /// A loop for this client. Each notification of `redial` ends the session or the wait, and dials at once.
    pub fn new(client: C, redial: Arc<Notify>) -> Self {
        Self { client, enabled: true, redial, quick: QUICK, slow: SLOW, route: Route::default() }
    }

    /// Whether to reconnect. If `false`, the loop ends at the first disconnect.
    #[must_use]
    pub fn enabled(self, enabled: bool) -> Self {
        Self { enabled, ..self }
    }

    /// Runs until the client stops, or is disconnected and reconnecting is off.
    pub async fn run(mut self) -> Exit {
        loop {
            let redial = self.redial.clone();
            let disconnect = tokio::select! {
                end = self.connect_once() => match end {
                    SessionEnd::Stopped => return Exit::Stopped,
                    SessionEnd::Disconnected(disconnect) => disconnect,
                },
                () = redial.notified() => continue,
            };
            if disconnect.refused {
                tracing::error!("The server refused the connection: {}", disconnect.reason);
            } else {
                tracing::warn!("No connection to the server: {}", disconnect.reason);
            }
            if !self.enabled {
                return Exit::Lost(disconnect.reason);
            }
            let delay = self.delay(&disconnect);
            let until = Instant::now() + delay;
            self.client.step(Step::Waiting { until, because: &disconnect });
            tracing::info!("Reconnecting in {:.0} s", delay.as_secs_f32());
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = self.route.woken(self.client.server()), if disconnect.may_hurry() => {}
                () = redial.notified(), if disconnect.may_hurry() => {}
                () = self.client.stopped() => return Exit::Stopped,
            }
        }
    }

    /// One connection, from dialing to its end.
    async fn connect_once(&mut self) -> SessionEnd {
        self.client.step(Step::Dialing);
        let connection = tokio::select! {
            connection = self.client.dial() => match connection {
                Ok(connection) => connection,
                Err(disconnect) => return SessionEnd::Disconnected(disconnect),
            },
            () = self.client.stopped() => return SessionEnd::Stopped,
        };
        let started = Instant::now();
        let end = self.client.session(connection).await;
        if started.elapsed() > GOOD_SESSION {
            (self.quick, self.slow) = (QUICK, SLOW);
        }
        end
    }

    fn delay(&mut self, disconnect: &Disconnect) -> Duration {
        let backoff = if disconnect.refused { &mut self.slow } else { &mut self.quick };
        let delay = backoff.next(fastrand::f64());
        delay.max(disconnect.retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
    }
}

#[cfg(test)]
mod tests;
