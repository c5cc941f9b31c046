//! The public side: listeners, connections, and what every response has.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use llamapool_worker_core::VERSION_HEADER;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::app::App;
use crate::drain::Drain;
use crate::refusal::Refusal;

/// After a failed accept, such as for want of file descriptors, the next try waits so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What hyper reads beyond the header limit, so that we can say what is wrong; and never less than so much, since it bounds writes too.
const BUFFER_SLACK: usize = 16 * 1024;
const MIN_BUFFER: usize = 64 * 1024;

/// A client that vanished without a word is noticed after so much silence on an open stream.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// What is not sent yet waits here rather than in the kernel, where tokens would queue behind it. Bytes.
#[cfg(target_os = "linux")]
const NOTSENT_LOWAT: u32 = 128 * 1024;

/// Binds the first of `addresses` that this machine has.
///
/// # Errors
/// The last address's error.
pub fn bind(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
    for address in addresses {
        match listen(*address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = io::Error::new(error.kind(), format!("{address}: {error}")),
        }
    }
    Err(last)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    /// Connections the kernel keeps for us while we are busy; the system's own cap applies.
    const BACKLOG: i32 = 4096;
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    if address.ip() == std::net::IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    #[cfg(unix)] // on Windows it would let two servers share a port
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts connections until the server stops; what has been answered by then is still sent.
pub(crate) async fn serve(listener: TcpListener, router: Router, app: Arc<App>) {
    let drain = &app.drain;
    let connections = TaskTracker::new();
    let limit = app.config.limits.max_headers;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(app.config.limits.header_timeout)
        .max_buf_size((limit + BUFFER_SLACK).max(MIN_BUFFER))
        .writev(false);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = drain.stopped().cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, http.clone(), router.clone(), drain.clone()));
            }
            Err(error) => {
                tracing::warn!("A connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

async fn connection(stream: TcpStream, http: http1::Builder, router: Router, drain: Drain) {
    tune(&stream);
    let service = hyper::service::service_fn(move |request| respond(router.clone(), request));
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = drain.cut().cancelled() => return,
        () = drain.stopped().cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("A connection ended: {error}");
    }
}

async fn respond(mut router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    let answer = AssertUnwindSafe(router.call(request.map(Body::new))).catch_unwind();
    let mut response = match answer.await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => Refusal::Internal.response(""), // the panic hook has logged it
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && !response.headers().contains_key(CONTENT_TYPE) {
        let allow = response.headers().get(ALLOW).and_then(|allow| allow.to_str().ok()).unwrap_or_default();
        response = Refusal::UnknownMethod(allow.to_owned()).response("");
    }
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(crate::VERSION));
    Ok(response)
}

/// Like the tunnel's sockets, but without a limit on unacknowledged data: a client may stop reading as long as it likes.
fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE));
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_notsent_lowat(NOTSENT_LOWAT);
}
