//! The demo's listener: connections live and die with it.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::debug;

/// Far more than the workers of one machine open; what comes beyond waits in the kernel's queue.
const MAX_CONNECTIONS: usize = 4_096;
/// After a failed accept (no file descriptors left, say): long enough not to spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((socket, _)) => {
                    // A token must not wait for the next one; a socket that cannot be set works all the same.
                    let _ = socket.set_nodelay(true);
                    let service = TowerToHyperService::new(router.clone());
                    let mut http = http1::Builder::new();
                    http.timer(TokioTimer::new());
                    connections.spawn(http.serve_connection(TokioIo::new(socket), service));
                }
                Err(error) => {
                    debug!("The demo runtime could not take a connection: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}
