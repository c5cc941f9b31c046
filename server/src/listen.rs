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
use http::header::{ALLOW, CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use llamapool_worker_core::VERSION_HEADER;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::accounting::ticket::{self, REQUEST_ID};
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::origin_guard;

/// After a failed accept, such as for want of file descriptors, the next try waits so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What hyper reads beyond the header limit, so that we can say what is wrong; and never less than so much, since it bounds writes too.
const BUFFER_SLACK: usize = 16 * 1024;
const MIN_BUFFER: usize = 64 * 1024;

/// A connection on which nothing is said is asked for a sign of life after so long, and then so often and so many times: a client that vanished
/// while its request waits is noticed within a minute.
const SILENCE: Duration = Duration::from_secs(30);
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
#[cfg(not(windows))]
const PROBES: u32 = 3;

/// What is not sent yet waits here rather than in the kernel, where tokens would queue behind it. Bytes.
#[cfg(target_os = "linux")]
const NOTSENT_LOWAT: u32 = 128 * 1024;

/// Where a connection comes from; known of upgrade requests only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

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
            Ok((stream, peer)) => {
                tune(&stream, app.config.timeouts.client);
                connections.spawn(connection(stream, peer, http.clone(), router.clone(), app.clone()));
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

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    http: http1::Builder,
    router: Router,
    app: Arc<App>,
) {
    let drain = app.drain.clone();
    let service =
        hyper::service::service_fn(move |request| respond(router.clone(), peer, app.clone(), request));
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        biased; // a cut comes with the stop, and goes before it
        () = drain.cut().cancelled() => return,
        ended = connection.as_mut() => ended,
        () = drain.stopped().cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("A connection ended: {error}");
    }
}

async fn respond(
    router: Router,
    peer: SocketAddr,
    app: Arc<App>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let id = ticket::request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    if request.headers().contains_key(UPGRADE) {
        request.extensions_mut().insert(Peer(peer));
    }
    let asker = app.config.cors.asker(&request);
    let mut response = if let Some(answer) = asker.preflight(&request) {
        answer
    } else {
        let mut answer = match origin_guard::check_read(&app, &request) {
            Ok(()) => answer(router, request, &id).await,
            Err(refusal) => refusal.answer(request.headers()),
        };
        asker.mark(answer.headers_mut());
        answer
    };
    response.headers_mut().entry(REQUEST_ID).or_insert(id);
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(crate::VERSION));
    Ok(response)
}

/// What the paths say, with a panic and a wrong method in the same shape as every other error.
async fn answer(mut router: Router, request: Request<Incoming>, id: &HeaderValue) -> Response {
    let id = id.to_str().unwrap_or_default();
    let answer = AssertUnwindSafe(router.call(request.map(Body::new))).catch_unwind();
    let response = match answer.await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => ApiError::Internal.response(id), // the panic hook has logged it
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && !response.headers().contains_key(CONTENT_TYPE) {
        let allow = response.headers().get(ALLOW).and_then(|allow| allow.to_str().ok()).unwrap_or_default();
        return ApiError::UnknownMethod(allow.to_owned()).response(id);
    }
    response
}

/// Each setting is a wish: on systems that lack it the server works all the same.
fn tune(stream: &TcpStream, patience: Option<Duration>) {
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    let probes = TcpKeepalive::new().with_time(SILENCE).with_interval(PROBE_INTERVAL);
    #[cfg(not(windows))]
    let probes = probes.with_retries(PROBES);
    let _ = socket.set_tcp_keepalive(&probes);
    #[cfg(target_os = "linux")]
    {
        let _ = socket.set_tcp_notsent_lowat(NOTSENT_LOWAT);
        let _ = socket.set_tcp_user_timeout(patience);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = patience;
}
