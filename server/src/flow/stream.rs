//! The reply on its way to the client: chunk for chunk, as it comes, with the ticket inside.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use llamapool_worker_core::tunnel::ReplyBody;
use llamapool_worker_core::tunnel::frame::Code;
use llamapool_worker_core::tunnel::mux::Lost;
use tokio::time::{Instant, Sleep};

use super::dialect::{Dialect, StreamTail};
use super::dispatch::Reply;
use crate::accounting::ticket::{Outcome, REQUEST_ID, Ticket};
use crate::app::App;
use crate::http::error::ApiError;
use crate::state::view::RequestState;

/// The worker that answered.
const WORKER: HeaderName = HeaderName::from_static("x-llamapool-worker");

/// The model that answered, where it is not the one asked for.
const MODEL: HeaderName = HeaderName::from_static("x-llamapool-model");

/// Tells nginx not to hold events back.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Makes the response.
pub(super) fn stream(app: &App, reply: Reply, mut ticket: Ticket) -> Response {
    let dialect = Dialect::of(ticket.facts.path, &reply.headers);
    let mut headers = reply.headers;
    headers.insert(REQUEST_ID, ticket.id.clone());
    headers.extend(HeaderValue::from_str(&reply.worker).ok().map(|worker| (WORKER, worker)));
    headers.extend(
        reply.substitute.and_then(|model| HeaderValue::from_str(&model).ok()).map(|model| (MODEL, model)),
    );
    if dialect.is_events() {
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    }
    ticket.facts.status = Some(reply.status.as_u16());
    ticket.facts.longest_gap = (dialect != Dialect::Opaque).then_some(Duration::ZERO);
    ticket.live.reached(RequestState::Streaming);
    let mut body = Streamed {
        first: reply.first,
        rest: reply.rest,
        ticket,
        dialect,
        boundary: StreamTail::default(),
        silence: IdleTimer::new(app.config.timeouts.chunk),
        broken: None,
    };
    body.settle_if_done();
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = headers;
    response
}

/// A reply's body. Dropping it before its end means that the client left.
struct Streamed {
    first: Option<Bytes>,
    rest: Option<ReplyBody>,
    ticket: Ticket,
    dialect: Dialect,
    boundary: StreamTail,
    silence: IdleTimer,
    broken: Option<Broken>,
}

/// The steps of an unclean end.
enum Broken {
    /// The last words have been handed over.
    Told(String),
    /// All is flushed: the connection is cut.
    Cut(String),
}

impl Streamed {
    fn pass(&mut self, chunk: Bytes) -> Frame<Bytes> {
        self.ticket.pass(&chunk);
        if self.dialect != Dialect::Opaque {
            self.boundary.pass(&chunk);
        }
        self.settle_if_done();
        Frame::data(chunk)
    }

    /// Where nothing is to come, the client cannot leave too early any more.
    fn settle_if_done(&mut self) {
        if self.rest.is_none() && self.broken.is_none() {
            self.ticket.facts.outcome = match self.ticket.facts.status {
                Some(status @ 500..) => Outcome::Failed(format!("The runtime answered {status}.")),
                _ => Outcome::Done,
            };
            self.ticket.claim = None;
        }
    }

    /// The reply cannot be finished: last words if the stream has room for them, then the cut.
    fn fail(&mut self, refusal: &ApiError, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let why = refusal.to_string();
        self.ticket.facts.outcome = match refusal {
            ApiError::Cancelled => Outcome::Cancelled,
            _ => Outcome::Failed(why.clone()),
        };
        self.ticket.claim = None;
        self.rest = None;
        match self.dialect.error_frame(&self.boundary, refusal, self.ticket.id()) {
            Some(words) => {
                self.broken = Some(Broken::Told(why));
                Poll::Ready(Some(Ok(Frame::data(words.into()))))
            }
            None => self.flush_then_cut(why, cx),
        }
    }

    /// The connection flushes when there is nothing to send, and is cut at the next turn: what was passed on before is not lost with it.
    fn flush_then_cut(&mut self, why: String, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.broken = Some(Broken::Cut(why));
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn cut(&mut self, why: String) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.broken = Some(Broken::Cut(why.clone()));
        Poll::Ready(Some(Err(Cut(why))))
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        match this.broken.take() {
            Some(Broken::Told(why)) => return this.flush_then_cut(why, cx),
            Some(Broken::Cut(why)) => return this.cut(why),
            None => {}
        }
        if let Some(chunk) = this.first.take() {
            return Poll::Ready(Some(Ok(this.pass(chunk))));
        }
        let Some(rest) = &mut this.rest else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(&mut *rest).poll_frame(cx) else {
            if this.ticket.live.poll_cancelled(cx).is_ready() {
                return this.fail(&ApiError::Cancelled, cx);
            }
            let limit = ready!(this.silence.poll(cx));
            this.ticket.was_silent(limit);
            return this.fail(&ApiError::Timeout(limit), cx);
        };
        if let Some(gap) = this.silence.broken() {
            this.ticket.was_silent(gap);
        }
        match frame {
            Some(Ok(frame)) => {
                if rest.is_end_stream() {
                    this.rest = None;
                }
                Poll::Ready(frame.into_data().ok().map(|chunk| Ok(this.pass(chunk))))
            }
            Some(Err(lost)) => this.fail(&ApiError::Backend(explain(&lost).to_owned()), cx),
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

    fn size_hint(&self) -> SizeHint {
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

fn explain(lost: &Lost) -> &'static str {
    match lost {
        Lost::Reset(Code::Timeout, _) => "The model's runtime was silent for too long.",
        Lost::Reset(..) => "The model's runtime failed in the middle of its answer.",
        Lost::Closed(_) => "The worker was lost in the middle of its answer.",
    }
}

/// The answer ends here, unfinished. The connection is closed without the end of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Cut(String);

/// Notices when a stream has been silent for too long, and for how long it was silent. A chunk costs at most one look at the clock, and none as long
/// as all that is asked for is there already; the timer is set anew only when it fires.
struct IdleTimer {
    limit: Option<Duration>,
    /// When the last chunk was passed on; `None` as long as nobody had to wait for one.
    last: Option<Instant>,
    /// Whether somebody has waited since then. What a slow reader comes for late is no silence of the runtime's.
    waited: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleTimer {
    fn new(limit: Option<Duration>) -> Self {
        Self { limit, last: None, waited: false, timer: None }
    }

    /// A chunk is there. Gives the time that it was waited for.
    fn broken(&mut self) -> Option<Duration> {
        let last = self.last.as_mut()?;
        let now = Instant::now();
        let gap = now - std::mem::replace(last, now);
        std::mem::take(&mut self.waited).then_some(gap)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        self.waited = true;
        let last = *self.last.get_or_insert_with(Instant::now);
        let Some(limit) = self.limit else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(last + limit)));
        loop {
            ready!(timer.as_mut().poll(cx));
            let due = last + limit;
            if due <= Instant::now() {
                return Poll::Ready(limit);
            }
            timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for a chunk that comes after a while.
    async fn wait(silence: &mut IdleTimer, time: Duration) -> Option<Duration> {
        let waited = std::future::poll_fn(|cx| silence.poll(cx));
        assert!(tokio::time::timeout(time, waited).await.is_err(), "it is not silent for too long yet");
        silence.broken()
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_waited_for_is_a_gap() {
        let second = Duration::from_secs(1);
        for limit in [None, Some(10 * second)] {
            let mut silence = IdleTimer::new(limit);
            assert_eq!(silence.broken(), None, "there at once");
            assert_eq!(wait(&mut silence, 3 * second).await, Some(3 * second));
            tokio::time::advance(9 * second).await;
            assert_eq!(silence.broken(), None, "it was there, and the reader came late");
            assert_eq!(wait(&mut silence, second).await, Some(second));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_chunk_begins_the_silence_anew() {
        let limit = Duration::from_secs(10);
        let mut silence = IdleTimer::new(Some(limit));
        for _ in 0..3 {
            wait(&mut silence, Duration::from_secs(9)).await;
        }
        let before = Instant::now();
        assert_eq!(std::future::poll_fn(|cx| silence.poll(cx)).await, limit);
        assert_eq!(before.elapsed(), limit);
    }
}
