//! Bodies that no handler reads: a request that is refused early leaves one.
//!
//! Most clients read the response only after they have sent everything, and a connection can serve the next request only after the body of this
//! one. So the body is read and discarded for a moment, within limits. If there is more, the response announces that the connection closes. The
//! request's ticket has been settled by then: discarding does not count as an open request, and does not delay a drain.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// This much of a body is discarded, for this long: enough for a client on a local network to send the rest of it.
const MOST_BYTES: usize = 32 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(3);

/// A client that has shown no valid key may send only this much: enough for most requests that contain no files.
const MOST_BYTES_OF_STRANGERS: usize = 256 * 1024;

/// A client that sends nothing for this long waits for the response.
const SILENCE: Duration = Duration::from_millis(250);

/// Most bodies discarded at the same time. Beyond that, connections are closed right away.
const MOST_AT_ONCE: usize = 64;

/// Discards unread bodies, up to a limit at the same time.
#[derive(Debug)]
pub(crate) struct Unread {
    permits: Semaphore,
    stopped: CancellationToken,
}

/// What is left of one request's body.
pub(crate) struct Rest {
    left: Arc<Mutex<Option<Incoming>>>,
    waits_for_continue: bool,
}

/// A body that leaves its unread part behind.
struct Watched {
    body: Option<Incoming>,
    left: Arc<Mutex<Option<Incoming>>>,
}

/// The request for the handlers, and the part of its body that they will leave unread; `None` if it has no body.
pub(crate) fn watch(request: Request<Incoming>) -> (Request<Body>, Option<Rest>) {
    if request.body().is_end_stream() {
        return (request.map(Body::new), None);
    }
    let left = Arc::new(Mutex::new(None));
    let rest = Rest { left: left.clone(), waits_for_continue: request.headers().contains_key(EXPECT) };
    (request.map(|body| Body::new(Watched { body: Some(body), left })), Some(rest))
}

impl Unread {
    /// Discards bodies until `stopped` is cancelled.
    pub(crate) fn new(stopped: CancellationToken) -> Self {
        Self { permits: Semaphore::new(MOST_AT_ONCE), stopped }
    }

    /// Discards the rest of the body of a request that gets this response. Returns whether all of it has arrived; otherwise the connection closes
    /// after the response.
    pub(crate) async fn discard(
        &self,
        rest: Option<Rest>,
        is_stranger: bool,
        response: &mut Response,
    ) -> bool {
        let Some(Rest { left, waits_for_continue }) = rest else { return true };
        let Some(body) = left.lock().unwrap_or_else(PoisonError::into_inner).take() else { return true };
        let most = if is_stranger { MOST_BYTES_OF_STRANGERS } else { MOST_BYTES };
        // A client that waits for `100 Continue` has not begun to send. Reading would make it send.
        let is_whole = !waits_for_continue && self.is_discarded(body, most).await;
        if !is_whole {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        is_whole
    }

    /// Reads the body within the limits. Returns whether that was all of it.
    async fn is_discarded(&self, mut body: Incoming, most: usize) -> bool {
        let Ok(_permit) = self.permits.try_acquire() else { return false };
        let mut bytes = 0;
        let discard = async {
            loop {
                match tokio::time::timeout(SILENCE, body.frame()).await {
                    Ok(Some(Ok(frame))) => bytes += frame.data_ref().map_or(0, Bytes::len),
                    Ok(None) => return true,
                    Ok(Some(Err(_))) | Err(_) => return false,
                }
                if bytes > most {
                    return false;
                }
            }
        };
        let discarded = self.stopped.run_until_cancelled(tokio::time::timeout(LONGEST, discard)).await;
        matches!(discarded, Some(Ok(true)))
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if frame.is_none() {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Incoming::size_hint).unwrap_or_default()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
