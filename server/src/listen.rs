//! Listeners and connections, and the headers that every response has.

mod connections;
mod lingering;
mod metered;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use llamapool_tunnel::control::CONNECT_PATH;
use llamapool_tunnel::dial::VERSION_HEADER;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::head;
use crate::http::origin_guard;
use crate::http::request_id::{REQUEST_ID, request_id};
use crate::http::spelling;
use crate::http::unread;
use connections::{Connections, Place, Times};
pub(crate) use lingering::LingeringStream;
use metered::{ClientBody, ClientStream};

/// Pause after a failed accept, for example because of too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Size of hyper's buffer beyond the header limit, so that larger headers get an error message, and its smallest size, because it also limits writes.
const BUFFER_SLACK: usize = 16 * 1024;
const MIN_BUFFER: usize = 64 * 1024;

/// TCP keepalive: first probe after 30 s of silence, then every 10 s; three lost probes close the connection. A client that vanished while its
/// request waits is noticed within a minute.
const SILENCE: Duration = Duration::from_secs(30);
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
#[cfg(not(windows))]
const PROBES: u32 = 3;

/// Unsent bytes that the kernel buffers per connection. More would delay tokens.
#[cfg(target_os = "linux")]
const NOTSENT_LOWAT: u32 = 128 * 1024;

/// One in this many descriptors is left for connections to workers and endpoints, and for files.
const OTHER_DESCRIPTORS: usize = 4;

/// The paths that the places for workers and administrators are kept for, and those that show whether the server is well.
const RESERVED_PATHS: [&str; 5] = [CONNECT_PATH, "/api/state", "/api/log-level", "/healthz", "/metrics"];

/// The address of the client. Only upgrade requests have it.
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
    /// Connections that the kernel queues while we are busy; the system's own limit applies.
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

/// Accepts connections until the server stops. Responses that are complete by then are still sent.
pub(crate) async fn serve(listener: TcpListener, router: Router, app: Arc<App>) {
    let drain = &app.drain;
    let connections = TaskTracker::new();
    let limit = app.config.limits.max_headers;
    let times = Times { head: app.config.limits.header_timeout, idle: app.config.timeouts.idle };
    let places = Arc::new(Connections::new(most_connections(app.config.limits.max_connections), times));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(None) // `Place::deadline` tells heads from idle connections
        .max_buf_size((limit + BUFFER_SLACK).max(MIN_BUFFER))
        .max_headers(head::MAX_READ_LINES)
        .writev(false);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = drain.stopped().cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = places.admit(peer.ip()) else {
                    tracing::debug!(peer.addr = %peer, "Closed a connection: too many are open");
                    continue;
                };
                tune(&stream, app.config.timeouts.client);
                let client = Client { peer, place: Arc::new(place) };
                connections.spawn(connection(stream, client, http.clone(), router.clone(), app.clone()));
            }
            Err(error) => {
                tracing::warn!("Cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

/// As many connections as configured, if the process may have that many descriptors.
fn most_connections(configured: usize) -> usize {
    let limit = llamapool_telemetry::descriptors::limit().unwrap_or(usize::MAX);
    configured.min(limit - limit / OTHER_DESCRIPTORS)
}

/// The client, and its place.
#[derive(Clone)]
struct Client {
    peer: SocketAddr,
    place: Arc<Place>,
}

async fn connection(stream: TcpStream, client: Client, http: http1::Builder, router: Router, app: Arc<App>) {
    let drain = app.drain.clone();
    let place = client.place.clone();
    let service = hyper::service::service_fn(move |request| {
        client.place.connection.serve();
        respond(router.clone(), client.clone(), app.clone(), request)
    });
    let stream = ClientStream::new(stream, place.clone());
    let stream = LingeringStream::new(stream, place.connection.clone(), drain.stopped().clone());
    let stream = TokioIo::new(stream);
    let mut connection = pin!(http.serve_connection(stream, service).with_upgrades());
    let overdue = overdue(&place);
    let ended = tokio::select! {
        biased; // a cut comes together with the stop, and takes precedence
        () = drain.cut().cancelled() => return,
        ended = connection.as_mut() => ended,
        () = place.connection.evicted() => return,
        () = overdue => return,
        () = drain.stopped().cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("A connection ended: {error}");
    }
}

/// Waits until the connection's deadline has passed. Deadlines only appear and move; `select` polls this after the connection, so that each change
/// is noticed in the same poll. A later deadline is noticed when the timer fires, because setting a timer costs more than reading the deadline.
async fn overdue(place: &Place) {
    let mut timer = pin!(tokio::time::sleep(Duration::MAX));
    std::future::poll_fn(|cx| {
        loop {
            let Some(deadline) = place.deadline() else { return Poll::Pending };
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() == deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    })
    .await;
}

async fn respond(
    router: Router,
    client: Client,
    app: Arc<App>,
    mut request: Request<Incoming>,
) -> Result<http::Response<ClientBody>, Infallible> {
    let connection = client.place.connection.clone();
    let head = head::check(&request); // before the server adds its own header
    let id = request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    spelling::normalize(&mut request);
    if request.headers().contains_key(UPGRADE) {
        request.extensions_mut().insert(Peer(client.peer));
    }
    if !connection.is_known() && has_key(&app, request.headers()) {
        connection.set_known();
    }
    let (request, rest) = unread::watch(request);
    let mut response = if connection.is_reserved && !is_reserved_for(request.uri().path()) {
        let mut response = ApiError::Overloaded.response(id.to_str().unwrap_or_default());
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    } else {
        answer(router, &app, request, &id, head).await
    };
    if !app.unread.discard(rest, !connection.is_known(), &mut response).await {
        connection.cut_short();
    }
    response.headers_mut().entry(REQUEST_ID).or_insert(id);
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(crate::VERSION));
    Ok(response.map(|body| ClientBody::new(body, connection)))
}

/// Whether these headers contain the key of a caller or of a worker.
fn has_key(app: &App, headers: &http::HeaderMap) -> bool {
    app.keys.identify(headers).is_ok() || app.worker_keys.admit(headers).is_ok()
}

fn is_reserved_for(path: &str) -> bool {
    RESERVED_PATHS.iter().any(|reserved| {
        path.strip_prefix(reserved).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

async fn answer(
    router: Router,
    app: &App,
    request: Request<Body>,
    id: &HeaderValue,
    head: Result<(), ApiError>,
) -> Response {
    let cors = app.config.cors.check(&request);
    if let Some(preflight) = cors.preflight(&request) {
        return preflight;
    }
    let mut response = match head {
        Ok(()) => match check_origin(app, &request) {
            Ok(()) => handle(router, request, id).await,
            Err(error) => error.response_to(request.headers()),
        },
        Err(error) => head::refusal(&error, request.headers()),
    };
    cors.apply(response.headers_mut());
    response
}

/// Without keys, the origin guard keeps pages of other sites out.
fn check_origin(app: &App, request: &Request<Body>) -> Result<(), ApiError> {
    let is_worker = request.uri().path() == CONNECT_PATH;
    let is_open = if is_worker { app.worker_keys.is_open() } else { app.keys.is_open() };
    if is_open { origin_guard::check_read(&app.config, request) } else { Ok(()) }
}

/// The router's response. A panic and an unknown method get the same error shape as everything else.
async fn handle(mut router: Router, request: Request<Body>, id: &HeaderValue) -> Response {
    let id = id.to_str().unwrap_or_default();
    let called = AssertUnwindSafe(router.call(request)).catch_unwind();
    let response = match called.await {
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

/// Sets socket options. Errors are ignored: the server also works on systems that lack an option.
fn tune(stream: &TcpStream, client_timeout: Option<Duration>) {
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    let probes = TcpKeepalive::new().with_time(SILENCE).with_interval(PROBE_INTERVAL);
    #[cfg(not(windows))]
    let probes = probes.with_retries(PROBES);
    let _ = socket.set_tcp_keepalive(&probes);
    #[cfg(target_os = "linux")]
    {
        let _ = socket.set_tcp_notsent_lowat(NOTSENT_LOWAT);
        let _ = socket.set_tcp_user_timeout(client_timeout);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = client_timeout;
}
