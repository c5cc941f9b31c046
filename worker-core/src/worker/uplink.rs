//! The worker's side of the reconnect loop: how it dials the server, and what it publishes at each step.

use std::sync::Arc;

use llamapool_tunnel::dial::{self, Dialed};
use llamapool_tunnel::reconnect::{self, Disconnect, Reconnect, SessionEnd, Step};
use url::Url;

use super::session;
use super::status::{Connection, Problem};
use super::{Exit, Shared};

struct Uplink {
    shared: Arc<Shared>,
    options: dial::Options,
}

/// Keeps the connection to the server up until the worker stops, or until the connection is lost and reconnecting is off.
pub(super) async fn run(shared: Arc<Shared>) -> Exit {
    let (redial, enabled) = (shared.handle.redial.clone(), shared.config.server.reconnect);
    let options = dial::Options::new(shared.config.server.ca_file.clone())
        .keepalive_timeout(shared.config.server.keepalive_timeout);
    match Reconnect::new(Uplink { shared, options }, redial).enabled(enabled).run().await {
        reconnect::Exit::Stopped => Exit::Requested,
        reconnect::Exit::Lost(reason) => Exit::Lost(reason),
    }
}

impl reconnect::Client for Uplink {
    type Connection = session::Socket;

    fn server(&self) -> &Url {
        &self.shared.config.server.url
    }

    async fn dial(&self) -> Result<session::Socket, Disconnect> {
        let server = &self.shared.config.server;
        let dialed = dial::dial(&server.url, server.client_key.as_ref(), &self.options).await?;
        let Dialed { socket, server_version, .. } = dialed;
        tracing::debug!(server.version = server_version, "The server accepted the connection");
        Ok(socket)
    }

    async fn session(&self, socket: session::Socket) -> SessionEnd {
        session::run(&self.shared, socket).await
    }

    async fn stopped(&self) {
        session::stopped(&self.shared).await;
    }

    fn step(&self, step: Step<'_>) {
        self.shared.publisher.change(|status| match step {
            Step::Dialing => status.connection = Connection::Connecting,
            Step::Waiting { until, because } => {
                status.connection = Connection::Waiting { until, refused: because.refused };
                status.link_error = Some(Problem::found(&because.reason, status.link_error.as_ref()));
                status.latency = None;
            }
        });
    }
}
