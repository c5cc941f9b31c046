//! The demo's listener. Dropping it closes its connections.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::debug;

/// Far more than the workers of one machine open; further connections wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4_096;
/// Pause after a failed accept (for example, no file descriptors left), to avoid a busy loop.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((socket, _)) => {
                    // A token must not wait for the next one. If the option cannot be set, the connection still works.
                    let _ = socket.set_nodelay(true);
                    let service = TowerToHyperService::new(router.clone());
                    let mut http = http1::Builder::new();
                    http.timer(TokioTimer::new());
                    connections.spawn(http.serve_connection(TokioIo::new(socket), service));
                }
                Err(error) => {
                    debug!("The demo runtime cannot accept a connection: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}
