//! The acceptor's end of one exchange: a request that has arrived, and the means to answer it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame as BodyFrame, SizeHint};

use super::frame::{Code, StreamId};
use super::head::{self, HeadError, RequestHead};
use super::link::Link;
use super::mux::{Accepted, Lost};

/// A request from the server.
pub struct Incoming {
    /// Its head.
    pub head: RequestHead,
    /// Its body, as it arrives.
    pub body: RequestBody,
    /// Answers it.
    pub responder: Responder,
}

impl Incoming {
    pub(super) fn new(link: &Link, accepted: Accepted) -> Result<Self, HeadError> {
        let Accepted { id, block, has_body } = accepted;
        let responder = Responder { link: link.clone(), id };
        let reader = has_body.then(|| Reader { link: link.clone(), id });
        let head = head::decode_request(block).inspect_err(|error| {
            link.mux(|mux| mux.fail(id, Code::Protocol, &error.to_string()));
        })?;
        let length = head.headers.get(http::header::CONTENT_LENGTH);
        let left = length.and_then(|length| length.to_str().ok()?.parse().ok());
        Ok(Self {
            body: RequestBody { reader, left: if has_body { left } else { Some(0) } },
            head,
            responder,
        })
    }
}

/// The body of a request. Dropping it before its end tells the server to send no more.
pub struct RequestBody {
    reader: Option<Reader>,
    left: Option<u64>,
}

struct Reader {
    link: Link,
    id: StreamId,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.link.mux(|mux| mux.release_body(self.id));
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Lost>>> {
        let this = self.get_mut();
        let Some(Reader { link, id }) = &this.reader else { return Poll::Ready(None) };
        let chunk = ready!(link.mux(|mux| mux.poll_data(*id, cx)));
        if !matches!(&chunk, Some(Ok(chunk)) if !chunk.last) {
            this.reader = None;
        }
        Poll::Ready(chunk.map(|chunk| {
            let chunk = chunk?;
            this.left = this.left.map(|left| left.saturating_sub(chunk.bytes.len() as u64));
            Ok(BodyFrame::data(chunk.bytes))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.reader.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Answers one request. Dropping it before the end of the answer was handed over fails the exchange.
pub struct Responder {
    link: Link,
    id: StreamId,
}

/// The server wants no more of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// When it said so; `None` if the tunnel is gone, or all of the answer has been sent.
    pub at: Option<Instant>,
}

impl Responder {
    /// Sends the head (see [`head::encode_response`]) and what is there of the body; `end` if that is all.
    pub fn respond(&mut self, block: Bytes, chunk: Bytes, end: bool) {
        self.link.mux(|mux| mux.respond(self.id, block, chunk, end));
    }

    /// Waits until the next chunk may be sent: that is the back-pressure of the stream.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn ready(&mut self) -> Result<(), Stopped> {
        poll_fn(|cx| self.link.mux(|mux| mux.poll_ready(self.id, cx))).await.map_err(|()| self.stop())
    }

    /// Sends a chunk, after [`Self::ready`]; `end` if it is the last.
    pub fn send(&mut self, chunk: Bytes, end: bool) {
        self.link.mux(|mux| mux.send(self.id, chunk, end));
    }

    /// Waits until the server wants no more of the answer: the client has gone, or the tunnel has.
    pub async fn stopped(&mut self) -> Stopped {
        poll_fn(|cx| self.link.mux(|mux| mux.poll_stopped(self.id, cx))).await;
        self.stop()
    }

    /// Whether all of the answer has gone out.
    pub fn is_sent(&self) -> bool {
        self.link.mux(|mux| mux.is_sent(self.id))
    }

    fn stop(&self) -> Stopped {
        Stopped { at: self.link.mux(|mux| mux.reset_at(self.id)) }
    }

    /// Gives the answer up; the client will see that it is not whole.
    pub fn fail(self, code: Code, text: &str) {
        self.link.mux(|mux| mux.fail(self.id, code, text));
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.link.mux(|mux| mux.release_answer(self.id));
    }
}
