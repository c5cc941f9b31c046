//! `bench backend`: an OpenAI-compatible runtime that answers at once, streaming or not, as the request asks.

mod tokens;

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::task::JoinSet;

use crate::exchange::{self, CHAT, MODEL, Question};
use crate::process::{Dialogue, ourselves};
use tokens::Tokens;

/// First argument of this program when it is the backend.
pub(crate) const ROLE: &str = "backend";
/// Starting takes milliseconds; more means it never will.
const START: Duration = Duration::from_secs(10);

type Body = Either<Full<Bytes>, Tokens>;

/// The running backend; ends when dropped.
pub(crate) struct Backend {
    pub(crate) addr: SocketAddr,
    _process: Dialogue,
}

impl Backend {
    /// Starts the backend on a free port.
    pub(crate) fn start() -> Result<Self> {
        let process = Dialogue::spawn("bench backend", &mut ourselves(ROLE)?)?;
        let line = process.hear(START)?;
        Ok(Self {
            addr: line.parse().with_context(|| format!("an address, not {line:?}"))?,
            _process: process,
        })
    }
}

/// The whole life of the backend process: says its address and serves until it is ended.
pub(crate) fn run() -> Result<()> {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(io::stdout(), "{}", listener.local_addr()?)?;
        serve(listener).await
    })
}

/// Serves for ever on `listener`.
pub(crate) async fn serve(listener: TcpListener) -> Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (socket, _) = accepted?;
                socket.set_nodelay(true)?;
                connections.spawn(converse(socket));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(socket: TcpStream) {
    // A client that leaves in the middle is how every stream here ends.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(respond)).await;
}

async fn respond(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let response = match (request.method(), request.uri().path()) {
        (&Method::POST, CHAT) => match request.into_body().collect().await {
            Ok(body) => complete(&body.to_bytes()),
            Err(_) => plain(StatusCode::BAD_REQUEST, Bytes::from_static(b"{}")),
        },
        (&Method::GET, "/v1/models") => plain(StatusCode::OK, models()),
        _ => plain(StatusCode::NOT_FOUND, Bytes::from_static(b"{}")),
    };
    Ok(response)
}

fn complete(body: &[u8]) -> Response<Body> {
    match serde_json::from_slice::<Question>(body) {
        Ok(Question { model, bench: None }) if model == MODEL => plain(StatusCode::OK, exchange::answer()),
        Ok(Question { model, bench: Some(script) }) if model == MODEL => {
            typed(StatusCode::OK, "text/event-stream", Either::Right(Tokens::new(script)))
        }
        _ => plain(StatusCode::BAD_REQUEST, Bytes::from_static(b"{}")),
    }
}

fn models() -> Bytes {
    Bytes::from(format!(
        r#"{{"object":"list","data":[{{"id":"{MODEL}","object":"model","created":1700000000,"owned_by":"bench"}}]}}"#
    ))
}

fn plain(status: StatusCode, json: Bytes) -> Response<Body> {
    typed(status, "application/json", Either::Left(Full::new(json)))
}

fn typed(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
