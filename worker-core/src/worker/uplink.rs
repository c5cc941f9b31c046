//! Keeps the connection to the server: dial, live one session, wait, again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::{Backoff, QUICK, SLOW};
use super::session::{self, Left};
use super::status::{Connection, Trouble};
use super::{Exit, Shared, wake};
use crate::dial::{self, DialError, Dialed};

/// A session that lasted so long was a good one: the next wait starts small again.
const GOOD_SESSION: Duration = Duration::from_secs(10);

/// Longest wait that a server's `Retry-After` can make us take.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

pub(super) struct Uplink {
    shared: Arc<Shared>,
    options: dial::Options,
    quick: Backoff,
    slow: Backoff,
}

/// Why there is no connection.
struct Down {
    why: String,
    /// Somebody has to change something first.
    refused: bool,
    retry_after: Option<Duration>,
}

impl Down {
    /// Whether a machine that wakes up may try at once: not if the server, or somebody else, has to act first.
    fn may_hurry(&self) -> bool {
        !self.refused && self.retry_after.is_none()
    }
}

impl From<DialError> for Down {
    fn from(error: DialError) -> Self {
        Self { why: error.to_string(), refused: error.is_refusal(), retry_after: error.retry_after() }
    }
}

impl Uplink {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let options = dial::Options::new(shared.config.server.ca_file.clone());
        Self { shared, options, quick: QUICK, slow: SLOW }
    }

    /// Until the worker is told to end, or loses the connection and may not reconnect.
    pub(super) async fn keep(mut self) -> Exit {
        loop {
            let redial = self.shared.steer.redial.clone();
            let down = tokio::select! {
                done = self.once() => match done {
                    Ok(()) => return Exit::Told,
                    Err(down) => down,
                },
                () = redial.notified() => continue,
            };
            self.tell(&down);
            if !self.shared.config.server.reconnect {
                return Exit::Lost(down.why);
            }
            let delay = self.delay(&down);
            let until = Instant::now() + delay;
            self.shared.board.change(|status| {
                status.connection = Connection::Waiting { until, refused: down.refused };
                status.link_error = Some(Trouble::found(&down.why, status.link_error.as_ref()));
                status.latency = None;
            });
            tracing::info!("Connecting again in {:.0} s", delay.as_secs_f32());
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = wake::woken(&self.shared.config.server.url), if down.may_hurry() => {}
                () = redial.notified(), if down.may_hurry() => {}
                () = session::told_to_end(&self.shared) => return Exit::Told,
            }
        }
    }

    /// One connection, from dialing to its end. `Ok` if the worker is to end.
    async fn once(&mut self) -> Result<(), Down> {
        self.shared.board.change(|status| status.connection = Connection::Connecting);
        let server = &self.shared.config.server;
        let dialed = tokio::select! {
            dialed = dial::dial(&server.url, server.client_key.as_ref(), &self.options) => dialed?,
            () = session::told_to_end(&self.shared) => return Ok(()),
        };
        let Dialed { socket, server_version, .. } = dialed;
        tracing::debug!(server.version = server_version, "The server answers");
        let started = Instant::now();
        let left = session::live(&self.shared, socket).await;
        if started.elapsed() > GOOD_SESSION {
            (self.quick, self.slow) = (QUICK, SLOW);
        }
        match left {
            Left::Told => Ok(()),
            Left::Lost(why) => Err(Down { why, refused: false, retry_after: None }),
            Left::Refused(why) => Err(Down { why, refused: true, retry_after: None }),
        }
    }

    fn delay(&mut self, down: &Down) -> Duration {
        let backoff = if down.refused { &mut self.slow } else { &mut self.quick };
        let delay = backoff.next(fastrand::f64());
        delay.max(down.retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
    }

    fn tell(&self, down: &Down) {
        if down.refused {
            tracing::error!("The connection is refused: {}", down.why);
        } else {
            tracing::warn!("No connection to the server: {}", down.why);
        }
    }
}
