//! Streams the reply to the client, chunk by chunk as it arrives, with the ticket inside the body.

mod idle_timer;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::dispatch::Reply;
use crate::accounting::in_flight::Progress;
use crate::accounting::record::Outcome;
use crate::accounting::ticket::{REQUEST_ID, Ticket};
use crate::app::App;
use crate::http::ascii_name::ascii_name;
use crate::http::error::ApiError;
use crate::pool::SlotOutcome;
use crate::protocol::{Ending, ErrorShape, Framing, Service, StreamTail, Terminal};
use crate::upstream::ReplyBody;
use idle_timer::{IdleTimer, Silence};

/// The upstream that answered.
const WORKER: HeaderName = HeaderName::from_static("x-llamapool-worker");

/// The model that answered, if it is not the one asked for.
const MODEL: HeaderName = HeaderName::from_static("x-llamapool-model");

/// Tells nginx not to buffer events.
pub(super) const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How long before the cut an error event is sent. The official SDKs report the event, and close the connection themselves. If the cut arrived
/// together with the event, clients that had not read that far would report it instead.
const CUT_DELAY: Duration = Duration::from_millis(250);

/// A comment, which clients ignore.
pub(super) const HEARTBEAT: &[u8] = b": heartbeat\n\n";

/// Makes the response.
pub(super) fn stream(app: &App, mut reply: Box<Reply>, ticket: Box<Ticket>) -> Response {
    let mut headers = std::mem::take(&mut reply.headers);
    headers.insert(REQUEST_ID, ticket.id.clone());
    if let Ok(upstream) = HeaderValue::from_str(&ascii_name(&reply.upstream)) {
        headers.insert(WORKER, upstream);
    }
    if let Some(Ok(model)) = reply.substitute.as_deref().map(HeaderValue::from_str) {
        headers.insert(MODEL, model);
    }
    if reply.framing.is_events() {
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    }
    let status = reply.status;
    let mut response = Response::new(Body::new(Streamed::new(app, reply, ticket)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The body of a response. Dropping it before its end means that the client left.
pub(super) struct Streamed {
    first: Option<Bytes>,
    rest: Option<ReplyBody>,
    ticket: Box<Ticket>,
    service: Service,
    framing: Framing,
    tail: StreamTail,
    ending: Ending,
    idle: IdleTimer,
    broken: Option<Broken>,
}

/// The steps of an unclean end.
enum Broken {
    /// The error comes next.
    Failed(ApiError),
    /// The error frame has been passed on; the timer is the delay before the cut.
    Reported(String, Pin<Box<Sleep>>),
    /// Everything is flushed; next, the connection is cut.
    Flushed(String),
}

impl Streamed {
    /// The body of this reply.
    pub(super) fn new(app: &App, reply: Box<Reply>, mut ticket: Box<Ticket>) -> Self {
        let terminal = if reply.is_promised_stream() { reply.service.terminal() } else { Terminal::Unknown };
        let Reply { service, framing, status, first, rest, .. } = *reply;
        ticket.record.status = Some(status.as_u16());
        ticket.record.longest_gap = (framing != Framing::Opaque).then_some(Duration::ZERO);
        ticket.in_flight.reached(Progress::Streaming);
        let timeouts = &app.config.timeouts;
        let mut body = Self {
            first,
            rest,
            ticket,
            service,
            framing,
            tail: StreamTail::default(),
            ending: Ending::new(terminal),
            idle: IdleTimer::new(timeouts.chunk, timeouts.heartbeat.filter(|_| framing.is_events())),
            broken: None,
        };
        body.settle_if_over();
        body
    }

    /// The body of a stream that was promised to the client, and failed before its reply began.
    pub(super) fn failed(
        service: Service,
        framing: Framing,
        error: ApiError,
        mut ticket: Box<Ticket>,
    ) -> Self {
        ticket.record.status = Some(StatusCode::OK.as_u16());
        Self {
            first: None,
            rest: None,
            ticket,
            service,
            framing,
            tail: StreamTail::default(),
            ending: Ending::new(Terminal::Unknown),
            idle: IdleTimer::new(None, None),
            broken: Some(Broken::Failed(error)),
        }
    }

    fn pass(&mut self, chunk: Bytes) -> Frame<Bytes> {
        let ending = &mut self.ending;
        self.ticket.pass(&chunk, |part| ending.look(part));
        if self.framing != Framing::Opaque {
            self.tail.pass(&chunk);
        }
        self.settle_if_over();
        Frame::data(chunk)
    }

    /// Whether the stream lacks its terminal mark so far.
    fn is_truncated(&mut self) -> bool {
        if !self.ending.is_complete() {
            self.ending.look_at_end(self.ticket.scanner.kept());
        }
        !self.ending.is_complete()
    }

    /// Once the reply is complete, the client cannot leave too early.
    fn settle_if_over(&mut self) {
        if self.rest.is_none() && self.broken.is_none() {
            if self.is_truncated() {
                // The mark may be in the part that has not been passed on yet.
                let why = "The model's runtime ended its response before it was complete.";
                let error = || Broken::Failed(ApiError::Backend(why.to_owned()));
                self.broken = self.first.is_none().then(error);
                return;
            }
            let (outcome, slot) = match self.ticket.record.status {
                // The caller asked for something that the runtime does not support.
                Some(501 | 400..500) => (Outcome::Done, SlotOutcome::Neutral),
                Some(status @ 500..) => {
                    (Outcome::Failed(format!("The runtime responded with {status}.")), SlotOutcome::Failure)
                }
                _ => (Outcome::Done, SlotOutcome::Success),
            };
            self.settle(outcome, slot);
        }
    }

    /// Records how the request ended, and releases its slot.
    fn settle(&mut self, outcome: Outcome, slot: SlotOutcome) {
        self.ticket.record.outcome = outcome;
        self.ticket.claim.take().into_iter().for_each(|permit| permit.settle(slot));
    }

    /// The reply cannot be finished: sends an error frame if the stream has room for one, then cuts the connection.
    fn fail(&mut self, error: &ApiError, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let why = error.to_string();
        let slot = if error.is_failure() { SlotOutcome::Failure } else { SlotOutcome::Neutral };
        self.settle(super::outcome(error, &self.ticket.record), slot);
        self.rest = None;
        let json = match self.service.api().error_shape(self.framing) {
            ErrorShape::OpenAi => error.openai_json(self.ticket.id()),
            ErrorShape::OpenAiEvent => {
                self.ending.look_at_end(self.ticket.scanner.kept());
                error.openai_responses_json(self.ticket.id(), self.ending.next_sequence())
            }
        };
        match self.framing.error_frame(&self.tail, &json) {
            Some(frame) => {
                self.broken = Some(Broken::Reported(why, Box::pin(sleep(CUT_DELAY))));
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

    /// The next step of an unclean end.
    fn poll_broken(
        &mut self,
        broken: Broken,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match broken {
            Broken::Failed(error) => self.fail(&error, cx),
            Broken::Reported(why, mut delay) => {
                if delay.as_mut().poll(cx).is_pending() {
                    self.broken = Some(Broken::Reported(why, delay));
                    return Poll::Pending;
                }
                self.cut(why)
            }
            Broken::Flushed(why) => self.cut(why),
        }
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
        if this.broken.is_some()
            && let Some(broken) = this.broken.take()
        {
            return this.poll_broken(broken, cx);
        }
        if let Some(chunk) = this.first.take() {
            return Poll::Ready(Some(Ok(this.pass(chunk))));
        }
        let Some(rest) = &mut this.rest else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(&mut *rest).poll_frame(cx) else {
            if this.ticket.in_flight.poll_cancelled(cx).is_ready() {
                return this.fail(&ApiError::Cancelled, cx);
            }
            match ready!(this.idle.poll(cx, this.tail.is_between_events())) {
                Silence::Heartbeat => {
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(HEARTBEAT)))));
                }
                Silence::TooLong(limit) => {
                    this.ticket.was_silent(limit);
                    return this.fail(&ApiError::Timeout(limit), cx);
                }
            }
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
                this.settle_if_over();
                if this.broken.is_some() {
                    return Pin::new(this).poll_frame(cx);
                }
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

/// The reply is incomplete: the connection is closed without the end of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Cut(String);
