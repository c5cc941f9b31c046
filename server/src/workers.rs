//! Where workers connect: the upgrade, the handshake, and the session that keeps the registry up to date while the tunnel is up.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use futures_util::{SinkExt, StreamExt};
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use llamapool_tunnel::control::{
    Bye, CONNECT_PATH, FromServer, FromWorker, HELLO_TIMEOUT, MAX_REASON, MAX_STREAMS, RESPONSE_WINDOW,
    Report, SUBPROTOCOL, ServerHello, WorkerHello,
};
use llamapool_tunnel::dial;
use llamapool_tunnel::lenient;
use llamapool_tunnel::mux::{Limits, Role, Windows};
use llamapool_tunnel::{Driver, Event, Link};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::create_response;
use tokio_tungstenite::tungstenite::protocol::Role as SocketRole;

use crate::app::App;
use crate::auth::Caller;
use crate::flow;
use crate::http::error::ApiError;
use crate::http::responses::WorkerHandshake;
use crate::listen::{LingeringStream, Peer};
use crate::pool::UpstreamId;
use crate::upstream::{Identity, Upstream};
use crate::worker_ids::{ClaimedId, MAX_ID};

/// Largest window of a reply, bytes: enough for 10 MiB/s at 50 ms, and the most that one stalled reader holds.
const MAX_WINDOW: u32 = 512 * 1024;

/// Largest credit accepted from a worker's hello; more would only invite overflow.
const MAX_CREDIT: u32 = 64 * 1024 * 1024;

/// Longest id or name of a worker, characters.
const MAX_NAME: usize = MAX_ID;

type Socket = WebSocketStream<TcpStream>;

/// Where workers connect
///
/// A WebSocket with the subprotocol `llamapool.v2`, which `docs/tunnel.md` describes.
#[utoipa::path(
    get, path = "/api/workers/connect", operation_id = "connect_worker", tag = "Workers",
    responses((status = 101, description = "The tunnel is open."), WorkerHandshake),
    security(("worker_key" = [])),
)]
pub(crate) async fn connect(State(app): State<Arc<App>>, mut request: Request<Body>) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    match handshake(&app, &request) {
        Ok(response) => {
            app.sessions.spawn(serve(app.clone(), upgrade));
            response
        }
        Err(refusal) => {
            let mut ticket = app.open_ticket(request.headers());
            ticket.asks_at(CONNECT_PATH);
            ticket.record.caller = app.worker_keys.admit(request.headers()).ok().map(|()| Caller::ANONYMOUS);
            flow::refuse(&refusal, ticket)
        }
    }
}

fn handshake(app: &App, request: &Request<Body>) -> Result<Response, ApiError> {
    if app.drain.is_draining() {
        return Err(ApiError::Draining);
    }
    let headers = request.headers();
    if !headers.contains_key(UPGRADE) {
        return Err(ApiError::NotWebSocket);
    }
    app.worker_keys.admit(headers).inspect_err(|_| {
        let Some(left_out) = app.refusal_log.note() else { return };
        let how = if headers.contains_key(AUTHORIZATION) { "a wrong key" } else { "no key" };
        let from = request.extensions().get::<Peer>().map(|Peer(from)| tracing::field::display(from));
        tracing::warn!(peer.addr = from, lines.left_out = left_out, "A worker was refused: it sent {how}");
    })?;
    if !speaks_our_protocol(headers) {
        return Err(ApiError::invalid(format!(
            "This server supports only the WebSocket subprotocol {SUBPROTOCOL}."
        )));
    }
    let mut bare = Request::new(());
    *bare.version_mut() = request.version();
    *bare.headers_mut() = headers.clone();
    let response = create_response(&bare).map_err(|error| ApiError::invalid(error.to_string()))?;
    let mut response = response.map(|()| Body::empty());
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    debug_assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    Ok(response)
}

fn speaks_our_protocol(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == SUBPROTOCOL)
}

/// The handshake of a connection, then its session.
async fn serve(app: Arc<App>, upgrade: OnUpgrade) {
    let stopped = app.drain.stopped().clone();
    let hello = async {
        let socket = open(upgrade, app.config.timeouts.keepalive).await?;
        receive_hello(socket).await
    };
    let hello = tokio::select! {
        hello = tokio::time::timeout(HELLO_TIMEOUT, hello) => hello,
        () = stopped.cancelled() => return,
    };
    match hello {
        Ok(Ok((socket, hello))) => admit(&app, socket, hello).await,
        Ok(Err(error)) => refused(&app, &format!("{error:#}")),
        Err(_) => refused(&app, &format!("it sent no hello within {} s", HELLO_TIMEOUT.as_secs())),
    }
}

fn refused(app: &App, why: &str) {
    if let Some(left_out) = app.refusal_log.note() {
        tracing::warn!(lines.left_out = left_out, "A worker was refused: {why}");
    }
}

async fn open(upgrade: OnUpgrade, keepalive_timeout: Duration) -> anyhow::Result<Socket> {
    let parts = upgrade.await?.downcast::<TokioIo<LingeringStream>>();
    let parts = parts.map_err(|_| anyhow::anyhow!("the connection is not a client's"))?;
    let stream = parts.io.into_inner().into_inner().into_inner();
    dial::tune(&stream, keepalive_timeout);
    let config = Some(dial::websocket_config());
    Ok(WebSocketStream::from_partially_read(stream, parts.read_buf.to_vec(), SocketRole::Server, config)
        .await)
}

/// Receives the worker's hello. A worker that is refused gets the reason.
async fn receive_hello(mut socket: Socket) -> anyhow::Result<(Socket, WorkerHello)> {
    let why = match first_message(&mut socket).await? {
        Ok(FromWorker::Hello(hello)) => match acceptable(hello) {
            Some(hello) => return Ok((socket, hello)),
            None => "its hello has invalid fields".to_owned(),
        },
        Ok(_) => "its first message is not a hello".to_owned(),
        Err(error) => lenient::line(&format!("its hello is not valid: {error}"), MAX_REASON),
    };
    refuse(&mut socket, why.clone()).await?;
    anyhow::bail!(why)
}

/// Determines the worker's id, and runs its session.
async fn admit(app: &App, mut socket: Socket, hello: WorkerHello) {
    let asked = app.worker_ids.ask_holder(&hello.id, &hello.instance);
    if app.drain.stopped().run_until_cancelled(asked).await.is_none() {
        return;
    }
    // Only workers that send `resumed` have one instance for all connections of a process.
    let claimed = app.worker_ids.claim(&hello.id, &hello.instance, hello.resumed.is_some());
    let claimed = claimed.map_err(|in_use| in_use.to_string());
    let claimed = match claimed.and_then(|claimed| check_room(app, &claimed.id).map(|()| claimed)) {
        Ok(claimed) => claimed,
        Err(why) => {
            if let Some(left_out) = app.refusal_log.note() {
                tracing::warn!(
                    worker.name = hello.name,
                    lines.left_out = left_out,
                    "Worker {} was refused: {why}",
                    hello.name
                );
            }
            let _ = tokio::time::timeout(HELLO_TIMEOUT, refuse(&mut socket, why)).await;
            return;
        }
    };
    if claimed.id != hello.id
        && let Some(left_out) = app.refusal_log.note()
    {
        tracing::warn!(
            worker.id = hello.id,
            worker.assigned_id = claimed.id,
            worker.name = hello.name,
            lines.left_out = left_out,
            "Two workers have the id {}: this one ({}) is {} while it is connected. Give each a CLIENT_ID of its own; a copied folder or disk \
             image carries the stored id of the original",
            hello.id,
            hello.name,
            claimed.id
        );
    }
    session(app, socket, hello, claimed).await;
}

/// Tells a worker why it cannot join.
async fn refuse(socket: &mut Socket, why: String) -> anyhow::Result<()> {
    let bye = serde_json::to_string(&FromServer::Bye(Bye::refused(why)))?;
    socket.send(Message::text(bye)).await?;
    Ok(socket.close(None).await?)
}

/// Whether another worker may join. One that reconnects takes over the place of its older connection.
fn check_room(app: &App, id: &str) -> Result<(), String> {
    let most = app.config.limits.max_workers;
    if app.registry.workers_besides(id) >= most {
        return Err(format!("max_workers ({most}) are connected to the server"));
    }
    Ok(())
}

async fn first_message(socket: &mut Socket) -> anyhow::Result<serde_json::Result<FromWorker>> {
    loop {
        match socket
            .next()
            .await
            .ok_or_else(|| anyhow::anyhow!("it closed the connection without a hello"))??
        {
            Message::Text(text) => return Ok(serde_json::from_str(&text)),
            Message::Binary(_) => return Ok(Ok(FromWorker::Unknown)),
            Message::Close(_) => anyhow::bail!("it closed the connection without a hello"),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// A hello with a name that can be displayed, unless something else in it is invalid. A worker is not refused because of its name, which is only
/// displayed.
fn acceptable(mut hello: WorkerHello) -> Option<WorkerHello> {
    hello.name = lenient::line(&hello.name, usize::MAX).trim().to_owned();
    is_sane(&hello).then_some(hello)
}

fn is_sane(hello: &WorkerHello) -> bool {
    let named = |text: &str| {
        (1..=MAX_NAME).contains(&text.chars().count()) && text.chars().all(lenient::is_printable)
    };
    named(&hello.id)
        && named(&hello.name)
        && named(&hello.version)
        && named(&hello.instance)
        && hello.max_streams > 0
        && hello.recv_window > 0
}

async fn session(app: &App, socket: Socket, hello: WorkerHello, claimed: ClaimedId) {
    let windows = Windows { initial: RESPONSE_WINDOW, max: MAX_WINDOW };
    let credit = hello.recv_window.min(MAX_CREDIT);
    let link =
        Link::new(Role::Opener, Limits { windows, credit, max_streams: hello.max_streams.min(MAX_STREAMS) });
    link.say(&FromServer::Hello(ServerHello {
        tunnel: uuid::Uuid::new_v4().to_string(),
        version: crate::VERSION.to_owned(),
        shards: 1,
        recv_window: RESPONSE_WINDOW,
        assigned_id: (claimed.id != hello.id).then(|| claimed.id.clone()),
    }));
    claimed.connected(&link);
    let name = hello.name.clone();
    let identity = Identity { id: claimed.id.clone(), name: hello.name, version: hello.version.clone() };
    if hello.resumed == Some(true) {
        app.registry.note_resumed();
    }
    let id = app.registry.join(identity, Upstream::Worker(link.clone()));
    if let Some(left_out) = app.session_log.note() {
        let version = hello.version;
        tracing::info!(
            worker.name = name,
            worker.version = version,
            lines.left_out = left_out,
            "Worker {name} joined"
        );
    }

    let registry = app.registry.clone();
    let mut goodbye = None;
    let on_event = |event| match event {
        Event::Control(FromWorker::Report(report)) => {
            claimed.heard();
            registry.report(id, tidied(report));
        }
        Event::Control(FromWorker::Bye(bye)) => {
            goodbye = Some(bye.reason);
            link.close(&Bye::stopping("goodbye"));
        }
        Event::Control(FromWorker::Hello(_) | FromWorker::Unknown) => {}
        Event::RoundTrip(took) => {
            claimed.heard();
            registry.measured(id, took);
        }
        Event::Unreadable(why) => {
            if let Some(left_out) = app.refusal_log.note() {
                tracing::warn!(worker.name = name, lines.left_out = left_out, "Worker {name}: {why}");
            }
        }
        Event::Request(_) => unreachable!("an opener accepts no streams"),
    };
    let driver = Driver::new(socket, link.clone(), app.config.timeouts.keepalive, on_event).asking_at_once();
    let joined = Joined { app, id };
    let end = tokio::select! {
        end = driver => end.to_string(),
        () = leave(app, &link) => unreachable!("the driver ends first"),
    };
    drop(joined);
    let why = goodbye.unwrap_or(end);
    if let Some(left_out) = app.session_log.note() {
        tracing::info!(worker.name = name, lines.left_out = left_out, "Worker {name} left: {why}");
    }
}

/// A worker in the registry. Dropping this removes it, however the session ends.
struct Joined<'a> {
    app: &'a App,
    id: UpstreamId,
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.app.registry.leave(self.id);
    }
}

/// Closes the tunnel when the server stops; the driver ends then.
async fn leave(app: &App, link: &Link) {
    app.drain.stopped().cancelled().await;
    link.close(&Bye::stopping("the server stops"));
    std::future::pending().await
}

/// A report within the limits that every correct worker keeps.
fn tidied(mut report: Report) -> Report {
    report.tidy();
    report
}
