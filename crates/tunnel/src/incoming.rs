//! The acceptor's end of an exchange: a request that has arrived, and the means to respond to it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame as BodyFrame, SizeHint};

use super::frame::{Code, StreamId};
use super::head::{self, BodyLength, HeadError, RequestHead};
use super::link::Link;
use super::mux::{Accepted, Lost};

/// A request from the server.
pub struct Incoming {
    /// Its head.
    pub head: RequestHead,
    /// Its body, as it arrives.
    pub body: RequestBody,
    /// The handle to respond with.
    pub responder: Responder,
}

impl Incoming {
    pub(super) fn new(link: &Link, accepted: Accepted) -> Result<Self, HeadError> {
        let Accepted { id, block, has_body } = accepted;
        let responder = Responder { link: link.clone(), id };
        let reader = has_body.then(|| Reader { link: link.clone(), id });
        let read = || {
            let head = head::decode_request(block)?;
            let length = head::content_length(&head.headers)?;
            // Without a body, the length must be absent or 0.
            Ok((head, if has_body { length } else { Some(length.unwrap_or(0)) }))
        };
        let (head, length) = read().inspect_err(|error: &HeadError| {
            link.mux(|mux| mux.fail(id, Code::Protocol, &error.to_string()));
        })?;
        let body = RequestBody { reader, length: BodyLength::new(length), ended: false };
        Ok(Self { body, head, responder })
    }
}

/// The body of a request. It fails if its length is not the announced one. Dropping it before its end tells the server to send no more.
pub struct RequestBody {
    reader: Option<Reader>,
    length: BodyLength,
    ended: bool,
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
        if this.is_end_stream() {
            return Poll::Ready(None);
        }
        let chunk = match &this.reader {
            Some(Reader { link, id }) => ready!(link.mux(|mux| mux.poll_data(*id, cx))),
            None => None,
        };
        let chunk = this.length.check(chunk);
        let follows = matches!(&chunk, Some(Ok(chunk)) if !chunk.last);
        // A body that ends too early fails at the next poll.
        this.ended = !follows && !matches!(&chunk, Some(Ok(_)) if !this.length.is_over());
        if !follows {
            this.reader = None;
        }
        Poll::Ready(chunk.map(|chunk| Ok(BodyFrame::data(chunk?.bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.reader.is_none() && self.length.is_over())
    }

    fn size_hint(&self) -> SizeHint {
        self.length.left().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Responds to one request. Dropping it before the end of the response was handed over fails the exchange.
pub struct Responder {
    link: Link,
    id: StreamId,
}

/// The server does not need the rest of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// When the server sent that; `None` if the tunnel is gone, or the whole response has been sent.
    pub at: Option<Instant>,
}

impl Responder {
    /// Sends the head (see [`head::encode_response`]) and the available part of the body; `end` if that is all.
    pub fn respond(&mut self, block: Bytes, chunk: Bytes, end: bool) {
        self.link.mux(|mux| mux.respond(self.id, block, chunk, end));
    }

    /// Waits until the next chunk may be sent: this is the stream's back-pressure.
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

    /// Waits until the server does not need the rest of the response: the client has disconnected, or the tunnel is gone.
    pub async fn stopped(&mut self) -> Stopped {
        poll_fn(|cx| self.link.mux(|mux| mux.poll_stopped(self.id, cx))).await;
        self.stop()
    }

    /// Whether the whole response has been sent.
    pub fn is_sent(&self) -> bool {
        self.link.mux(|mux| mux.is_sent(self.id))
    }

    fn stop(&self) -> Stopped {
        Stopped { at: self.link.mux(|mux| mux.reset_at(self.id)) }
    }

    /// Gives up the response; the client will see that it is incomplete.
    pub fn fail(self, code: Code, text: &str) {
        self.link.mux(|mux| mux.fail(self.id, code, text));
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.link.mux(|mux| mux.release_answer(self.id));
    }
}
