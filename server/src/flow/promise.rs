//! Keeps a client that asked for a stream connected while its request waits in the queue, for a model to load, or for the next candidate: proxies in
//! between cut connections on which nothing is sent for a minute.
//!
//! For the length of one heartbeat nothing is promised, so that a request that fails gets a proper status. Then the head of a stream is sent, and
//! comments follow until the first byte of a reply arrives. Meanwhile, other candidates are still tried: a comment is not part of any response. An
//! error is from then on an event in the stream.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body::Frame;
use serde::Deserialize;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::dispatch::{self, Reply};
use super::route::Plan;
use super::stream::{Cut, HEARTBEAT, Streamed, X_ACCEL_BUFFERING};
use super::until_cancelled;
use crate::accounting::ticket::{REQUEST_ID, Ticket};
use crate::app::App;
use crate::http::error::ApiError;
use crate::protocol::{Service, Terminal};

type Dispatching = Pin<Box<dyn Future<Output = (Result<Box<Reply>, ApiError>, Box<Ticket>)> + Send>>;

/// The state of a request after the first heartbeat.
pub(super) enum Dispatched {
    /// The reply, or the reason why there is none.
    InTime(Result<Box<Reply>, ApiError>, Box<Ticket>),
    /// Nothing yet: a stream is promised to the client.
    Late(Box<Promise>),
}

/// A stream whose reply has not arrived yet.
pub(super) struct Promise {
    app: Arc<App>,
    service: Service,
    id: HeaderValue,
    interval: Duration,
    dispatching: Dispatching,
}

/// Dispatches the request. Only a client that asked for a stream of events can be promised one.
pub(super) async fn dispatch(app: &Arc<App>, plan: Plan, ticket: Box<Ticket>) -> Dispatched {
    let service = plan.ask.service;
    let can_wait = plan.ask.stream && service.terminal() != Terminal::Unknown;
    let Some(interval) = app.config.timeouts.heartbeat.filter(|_| can_wait) else {
        let (reply, ticket) = run(app.clone(), plan, ticket).await;
        return Dispatched::InTime(reply, ticket);
    };
    let id = ticket.id.clone();
    let mut dispatching: Dispatching = Box::pin(run(app.clone(), plan, ticket));
    match timeout(interval, &mut dispatching).await {
        Ok((reply, ticket)) => Dispatched::InTime(reply, ticket),
        Err(_) => {
            Dispatched::Late(Box::new(Promise { app: app.clone(), service, id, interval, dispatching }))
        }
    }
}

async fn run(
    app: Arc<App>,
    plan: Plan,
    mut ticket: Box<Ticket>,
) -> (Result<Box<Reply>, ApiError>, Box<Ticket>) {
    let in_flight = ticket.in_flight.clone();
    let reply = {
        let dispatching = pin!(dispatch::dispatch(&app, plan, &mut ticket));
        until_cancelled(&in_flight, dispatching).await
    };
    (reply, ticket)
}

impl Promise {
    /// The response: its head and the first heartbeat are sent at once.
    pub(super) fn respond(self) -> Response {
        let mut headers = stream_headers();
        headers.insert(REQUEST_ID, self.id.clone());
        let body = Promised::Waiting { promise: self, next: Box::pin(sleep(Duration::ZERO)) };
        let mut response = Response::new(Body::new(body));
        *response.headers_mut() = headers;
        response
    }

    /// The stream continues with the reply. A reply that is not a stream becomes an error event: its status can no longer be sent.
    fn keep(&self, reply: Result<Box<Reply>, ApiError>, ticket: Box<Ticket>) -> Streamed {
        match reply {
            Ok(reply) if reply.is_promised_stream() => Streamed::new(&self.app, reply, ticket),
            Ok(reply) => self.fail(not_a_stream(&reply), ticket),
            Err(error) => self.fail(error, ticket),
        }
    }

    fn fail(&self, error: ApiError, ticket: Box<Ticket>) -> Streamed {
        Streamed::failed(self.service, self.service.framing(&stream_headers()), error, ticket)
    }
}

/// The error for a reply whose status can no longer be sent. The runtime's own message is kept.
fn not_a_stream(reply: &Reply) -> ApiError {
    if reply.status.is_success() {
        return ApiError::Backend("The model's runtime did not respond with a stream.".to_owned());
    }
    let said = reply.first.as_deref().and_then(|body| serde_json::from_slice::<Said>(body).ok());
    let message = said
        .and_then(Said::message)
        .unwrap_or_else(|| format!("The model's runtime responded with {}.", reply.status.as_u16()));
    if reply.status.is_client_error() { ApiError::invalid(message) } else { ApiError::Backend(message) }
}

/// The shapes of errors that runtimes send instead of a stream: OpenAI's, Ollama's, or FastAPI's.
#[derive(Deserialize)]
struct Said {
    error: Option<SaidError>,
    detail: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SaidError {
    Object { message: String },
    Text(String),
}

impl Said {
    fn message(self) -> Option<String> {
        match self.error {
            Some(SaidError::Object { message } | SaidError::Text(message)) => Some(message),
            None => self.detail,
        }
    }
}

fn stream_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers
}

/// The body of a promised stream.
enum Promised {
    Waiting { promise: Promise, next: Pin<Box<Sleep>> },
    Streaming(Box<Streamed>),
}

impl http_body::Body for Promised {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        if let Self::Waiting { promise, next } = this {
            let Poll::Ready((reply, ticket)) = promise.dispatching.as_mut().poll(cx) else {
                ready!(next.as_mut().poll(cx));
                next.as_mut().reset(Instant::now() + promise.interval);
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(HEARTBEAT)))));
            };
            let streamed = promise.keep(reply, ticket);
            *this = Self::Streaming(Box::new(streamed));
        }
        match this {
            Self::Streaming(streamed) => Pin::new(&mut **streamed).poll_frame(cx),
            Self::Waiting { .. } => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Waiting { .. } => false,
            Self::Streaming(streamed) => streamed.is_end_stream(),
        }
    }
}
