//! The opener's end of one exchange: send a request, await its head, stream its body. Dropping it before its end cancels the request.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame as BodyFrame, SizeHint};

use super::frame::{Code, StreamId};
use super::head::{self, ResponseHead};
use super::link::Link;
use super::mux::{Lost, OpenError};

impl Link {
    /// Sends a request: an encoded head (see [`head::encode_request`]) and the whole body.
    ///
    /// # Errors
    /// Nothing was sent: the tunnel is closed or full.
    pub fn open(&self, block: Bytes, body: Bytes) -> Result<Exchange, OpenError> {
        let id = self.mux(|mux| mux.open(block, body))?;
        Ok(Exchange { link: self.clone(), id })
    }
}

/// A request on its way.
pub struct Exchange {
    link: Link,
    id: StreamId,
}

impl Exchange {
    /// Waits for the head of the answer.
    ///
    /// # Errors
    /// The stream was reset or the tunnel lost. [`Lost::Reset`] with [`Code::Refused`] means that nothing was done.
    pub async fn head(&mut self) -> Result<ResponseHead, Lost> {
        let block = poll_fn(|cx| self.link.mux(|mux| mux.poll_head(self.id, cx))).await?;
        head::decode_response(block).map_err(|error| Lost::Reset(Code::Protocol, error.to_string()))
    }

    /// The body of the answer; `length` is its content-length, if it has one.
    pub fn into_body(self, length: Option<u64>) -> ReplyBody {
        ReplyBody { exchange: self, left: length, ended: false }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.link.mux(|mux| mux.release(self.id));
    }
}

/// The body of an answer, as it comes.
pub struct ReplyBody {
    exchange: Exchange,
    left: Option<u64>,
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
        let Exchange { link, id } = &this.exchange;
        let chunk = ready!(link.mux(|mux| mux.poll_data(*id, cx)));
        this.ended = !matches!(&chunk, Some(Ok(chunk)) if !chunk.last);
        Poll::Ready(match chunk {
            Some(Ok(chunk)) => {
                this.left = this.left.map(|left| left.saturating_sub(chunk.bytes.len() as u64));
                Some(Ok(BodyFrame::data(chunk.bytes)))
            }
            Some(Err(lost)) => Some(Err(lost)),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
