//! The body of a reply as it arrives, held to the length that its head announced.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::Fault;
use super::endpoint::EndpointBody;
use super::worker::WorkerBody;

/// The body of a reply as it arrives. Every frame is data: trailers are dropped. A body that is longer or shorter than announced fails; bytes
/// beyond the length are never passed on, because a client would take them for its next response.
pub struct ReplyBody {
    source: Source,
    /// Bytes to come, if the length is known.
    left: Option<u64>,
    /// Whether a part of the body has arrived.
    begun: bool,
    /// Whether the source has failed, or announced a wrong length.
    failed: bool,
}

pub(super) enum Source {
    Worker(WorkerBody),
    Endpoint(EndpointBody),
}

impl ReplyBody {
    pub(super) fn new(source: Source, length: Option<u64>) -> Self {
        Self { source, left: length, begun: false, failed: false }
    }

    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        self.failed = true;
        Poll::Ready(Some(Err(fault)))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        if this.is_end_stream() {
            return Poll::Ready(None);
        }
        let frame = match &mut this.source {
            Source::Worker(body) => ready!(Pin::new(body).poll_frame(cx)),
            Source::Endpoint(body) => ready!(Pin::new(body).poll_frame(cx)),
        };
        match (frame, &mut this.left) {
            (Some(Ok(frame)), Some(left)) => {
                match left.checked_sub(frame.data_ref().map_or(0, |data| data.len() as u64)) {
                    Some(rest) => (*left, this.begun) = (rest, true),
                    None => {
                        return this.fail(Fault::lost("The model's runtime sent more than it announced."));
                    }
                }
                Poll::Ready(Some(Ok(frame)))
            }
            (Some(Err(fault)), _) => this.fail(fault),
            (None, Some(1..)) => this.fail(Fault::lost("The model's runtime sent less than it announced.")),
            (frame, _) => Poll::Ready(frame),
        }
    }

    /// The announced length is the end: a client then has everything it waits for. A source that ended earlier has not reached it: the next poll
    /// fails.
    fn is_end_stream(&self) -> bool {
        let has_ended = match &self.source {
            Source::Worker(body) => body.is_end_stream(),
            Source::Endpoint(body) => body.is_end_stream(),
        };
        match self.left {
            _ if self.failed => true,
            Some(0) => has_ended || self.begun,
            Some(_) => false,
            None => has_ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
