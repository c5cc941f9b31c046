//! The body of a runtime's response. At its end, the connection is kept for the next request; if it is dropped earlier, the connection is closed.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::Connection;
use super::pool::Pool;
use super::replay::Replay;

/// The body of a response.
pub struct Reply<B> {
    incoming: Incoming,
    held: Option<Held<B>>,
}

/// The connection that the response arrives on.
struct Held<B> {
    connection: Connection<B>,
    request: Replay<B>,
    pool: Arc<Pool<B>>,
}

impl<B> Reply<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(super) fn new(
        incoming: Incoming,
        connection: Connection<B>,
        request: Replay<B>,
        pool: Arc<Pool<B>>,
    ) -> Self {
        let mut reply = Self { incoming, held: Some(Held { connection, request, pool }) };
        reply.keep_connection_at_end();
        reply
    }

    /// A connection on which the request body is still being sent after the response has ended cannot be reused.
    fn keep_connection_at_end(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(Held { connection, pool, .. }) =
                self.held.take_if(|held| held.request.is_end_stream())
        {
            pool.put(connection);
        }
    }
}

impl<B> Body for Reply<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.incoming).poll_frame(cx));
        if !matches!(frame, Some(Err(_))) {
            this.keep_connection_at_end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
