//! Streams the reply to the client, chunk by chunk as it arrives, with the ticket inside the body.

mod idle_timer;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};

use super::dispatch::Reply;
use crate::accounting::in_flight::Progress;
use crate::accounting::record::Outcome;
use crate::accounting::ticket::{REQUEST_ID, Ticket};
use crate::app::App;
use crate::http::error::ApiError;
use crate::pool::SlotOutcome;
use crate::protocol::{Api, ErrorShape, Framing, StreamTail};
use crate::upstream::ReplyBody;
use idle_timer::IdleTimer;

/// The upstream that answered.
const WORKER: HeaderName = HeaderName::from_static("x-llamapool-worker");

/// The model that answered, if it is not the one asked for.
const MODEL: HeaderName = HeaderName::from_static("x-llamapool-model");

/// Tells nginx not to hold events back.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Makes the response.
pub(super) fn stream(app: &App, reply: Reply, mut ticket: Ticket) -> Response {
    let Reply { api, framing, .. } = reply;
    let mut headers = reply.headers;
    headers.insert(REQUEST_ID, ticket.id.clone());
    headers.extend(HeaderValue::from_str(&reply.upstream).ok().map(|upstream| (WORKER, upstream)));
    headers.extend(
        reply.substitute.and_then(|model| HeaderValue::from_str(&model).ok()).map(|model| (MODEL, model)),
    );
    if framing.is_events() {
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    }
    ticket.record.status = Some(reply.status.as_u16());
    ticket.record.longest_gap = (framing != Framing::Opaque).then_some(Duration::ZERO);
    ticket.in_flight.reached(Progress::Streaming);
    let mut body = Streamed {
        first: reply.first,
        rest: reply.rest,
        ticket,
        api,
        framing,
        tail: StreamTail::default(),
        idle: IdleTimer::new(app.config.timeouts.chunk),
        broken: None,
    };
    body.settle_if_done();
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = headers;
    response
}

/// The body of a response. Dropping it before its end means that the client left.
struct Streamed {
    first: Option<Bytes>,
    rest: Option<ReplyBody>,
    ticket: Ticket,
    api: Api,
    framing: Framing,
    tail: StreamTail,
    idle: IdleTimer,
    broken: Option<Broken>,
}

/// The steps of an unclean end.
enum Broken {
    /// The error frame has been passed on.
    Reported(String),
    /// Everything is flushed; next the connection is cut.
    Flushed(String),
}

impl Streamed {
    fn pass(&mut self, chunk: Bytes) -> Frame<Bytes> {
        self.ticket.pass(&chunk);
        if self.framing != Framing::Opaque {
            self.tail.pass(&chunk);
        }
        self.settle_if_done();
        Frame::data(chunk)
    }

    /// Once nothing more is to come, the client cannot leave too early.
    fn settle_if_done(&mut self) {
        if self.rest.is_none() && self.broken.is_none() {
            let (outcome, slot) = match self.ticket.record.status {
                // The caller asked for what the runtime does not do.
                Some(501 | 400..500) => (Outcome::Done, SlotOutcome::Neutral),
                Some(status @ 500..) => {
                    (Outcome::Failed(format!("The runtime answered {status}.")), SlotOutcome::Failure)
                }
                _ => (Outcome::Done, SlotOutcome::Success),
            };
            self.settle(outcome, slot);
        }
    }

    /// Notes how the request ended, and releases its slot.
    fn settle(&mut self, outcome: Outcome, slot: SlotOutcome) {
        self.ticket.record.outcome = outcome;
        self.ticket.claim.take().into_iter().for_each(|permit| permit.settle(slot));
    }

    /// The reply cannot be finished: an error frame if the stream has room for one, then the cut.
    fn fail(&mut self, error: &ApiError, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let why = error.to_string();
        match error {
            ApiError::Cancelled => self.settle(Outcome::Cancelled, SlotOutcome::Neutral),
            _ => self.settle(Outcome::Failed(why.clone()), SlotOutcome::Failure),
        }
        self.rest = None;
        let json = match self.api.error_shape(self.framing) {
            ErrorShape::OpenAi => error.openai_json(self.ticket.id()),
            ErrorShape::OpenAiEvent => error.openai_responses_json(self.ticket.id()),
        };
        match self.framing.error_frame(&self.tail, &json) {
            Some(frame) => {
                self.broken = Some(Broken::Reported(why));
                Poll::Ready(Some(Ok(Frame::data(frame.into()))))
            }
            None => self.flush_then_cut(why, cx),
        }
    }

    /// The connection flushes while there is nothing to send, and is cut at the next poll, so that earlier chunks are not lost with it.
    fn flush_then_cut(&mut self, why: String, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.broken = Some(Broken::Flushed(why));
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn cut(&mut self, why: String) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.broken = Some(Broken::Flushed(why.clone()));
        Poll::Ready(Some(Err(Cut(why))))
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        match this.broken.take() {
            Some(Broken::Reported(why)) => return this.flush_then_cut(why, cx),
            Some(Broken::Flushed(why)) => return this.cut(why),
            None => {}
        }
        if let Some(chunk) = this.first.take() {
            return Poll::Ready(Some(Ok(this.pass(chunk))));
        }
        let Some(rest) = &mut this.rest else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(&mut *rest).poll_frame(cx) else {
            if this.ticket.in_flight.poll_cancelled(cx).is_ready() {
                return this.fail(&ApiError::Cancelled, cx);
            }
            let limit = ready!(this.idle.poll(cx));
            this.ticket.was_silent(limit);
            return this.fail(&ApiError::Timeout(limit), cx);
        };
        if let Some(gap) = this.idle.chunk_arrived() {
            this.ticket.was_silent(gap);
        }
        match frame {
            Some(Ok(frame)) => {
                if rest.is_end_stream() {
                    this.rest = None;
                }
                Poll::Ready(frame.into_data().ok().map(|chunk| Ok(this.pass(chunk))))
            }
            Some(Err(fault)) => this.fail(&ApiError::Backend(fault.text.into_owned()), cx),
            None => {
                this.rest = None;
                this.settle_if_done();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_none() && self.broken.is_none()
    }

    /// A stream has no length, so that an error can be added to it.
    fn size_hint(&self) -> SizeHint {
        if self.framing != Framing::Opaque {
            return SizeHint::default();
        }
        let first = self.first.as_ref().map_or(0, |chunk| chunk.len() as u64);
        match &self.rest {
            None => SizeHint::with_exact(first),
            Some(rest) => rest
                .size_hint()
                .exact()
                .map_or_else(SizeHint::default, |rest| SizeHint::with_exact(first + rest)),
        }
    }
}

/// The reply ends unfinished: the connection is closed without the end of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Cut(String);
