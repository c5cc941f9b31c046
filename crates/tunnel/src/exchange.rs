//! The opener's end of an exchange: sends a request, waits for its head, streams its body. Dropping it before its end cancels the request.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame as BodyFrame, SizeHint};

use super::frame::{Code, StreamId};
use super::head::{self, BodyLength, ResponseHead};
use super::link::Link;
use super::mux::{Lost, OpenError};

impl Link {
    /// Sends a request: an encoded head (see [`head::encode_request`]) and the whole body.
    ///
    /// # Errors
    /// Nothing was sent: the tunnel is closed or full.
    pub fn open(&self, block: Bytes, body: Bytes) -> Result<Exchange, OpenError> {
        let is_head = head::is_head_request(&block);
        let id = self.mux(|mux| mux.open(block, body))?;
        Ok(Exchange { link: self.clone(), id, is_head, length: None })
    }
}

/// A request whose response has not arrived yet.
pub struct Exchange {
    link: Link,
    id: StreamId,
    /// Whether the method is HEAD.
    is_head: bool,
    /// The length of the response body, once its head has arrived.
    length: Option<u64>,
}

impl Exchange {
    /// Waits for the head of the response.
    ///
    /// # Errors
    /// The stream was reset or the tunnel lost. [`Lost::Reset`] with [`Code::Refused`] means that nothing was done.
    pub async fn head(&mut self) -> Result<ResponseHead, Lost> {
        let block = poll_fn(|cx| self.link.mux(|mux| mux.poll_head(self.id, cx))).await?;
        let invalid = |error: head::HeadError| Lost::Reset(Code::Protocol, error.to_string());
        let head = head::decode_response(block).map_err(invalid)?;
        self.length = head.body_length(self.is_head).map_err(invalid)?;
        Ok(head)
    }

    /// The body of the response. It fails if its length is not the announced one.
    pub fn into_body(self) -> ReplyBody {
        ReplyBody { length: BodyLength::new(self.length), exchange: self, ended: false }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.link.mux(|mux| mux.release(self.id));
    }
}

/// The body of a response, as it arrives.
pub struct ReplyBody {
    exchange: Exchange,
    length: BodyLength,
    ended: bool,
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Lost>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let Exchange { link, id, .. } = &this.exchange;
        let chunk = ready!(link.mux(|mux| mux.poll_data(*id, cx)));
        let chunk = this.length.check(chunk);
        // A body that ends too early fails at the next poll.
        this.ended = !matches!(&chunk, Some(Ok(chunk)) if !chunk.last || !this.length.is_over());
        Poll::Ready(chunk.map(|chunk| Ok(BodyFrame::data(chunk?.bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.length.left().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
