//! A connection to a runtime, which carries one request at a time.

use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio_util::task::AbortOnDropHandle;

use super::innermost;
use super::replay::Replay;
use super::wire::{Wire, WireState};

/// Most bytes that one connection buffers in each direction. With hyper's default of 400 KiB, slow readers would fill the worker's memory.
const BUFFER: usize = 64 * 1024;

/// An open connection. Dropping it closes it, even in the middle of a request.
pub(super) struct Connection<B> {
    sender: SendRequest<Replay<B>>,
    wire: WireState,
    /// Whether it has carried a request before.
    used: bool,
    _driver: AbortOnDropHandle<()>,
}

/// The connection ended without a response.
pub(super) struct Lost {
    pub(super) why: String,
    /// Whether the peer cannot have read the request, because it had already closed the connection.
    pub(super) unread: bool,
}

impl<B> Connection<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(super) async fn open(wire: Wire) -> hyper::Result<Self> {
        let state = wire.state();
        let mut builder = Builder::new();
        builder.max_buf_size(BUFFER).writev(false);
        let (sender, driver) = builder.handshake(TokioIo::new(wire)).await?;
        // The request on it learns how it ends; between two requests, that does not matter.
        let driver = AbortOnDropHandle::new(tokio::spawn(async move { drop(driver.await) }));
        Ok(Self { sender, wire: state, used: false, _driver: driver })
    }

    /// Sends a request and waits for the head of its response.
    pub(super) async fn send(&mut self, request: Request<Replay<B>>) -> Result<Response<Incoming>, Lost> {
        let used = std::mem::replace(&mut self.used, true);
        self.wire.begin();
        match self.sender.try_send_request(request).await {
            Ok(response) => Ok(response),
            Err(mut error) => {
                let unsent = error.take_message().is_some();
                let unread = used && (unsent || self.wire.was_closed_before());
                Err(Lost { why: innermost(&error.into_error()), unread })
            }
        }
    }

    /// Whether it can carry the next request. After a response, this takes one turn of its task.
    pub(super) async fn is_ready(&mut self) -> bool {
        if !self.sender.is_ready() && !self.sender.is_closed() {
            tokio::task::yield_now().await;
        }
        self.sender.is_ready()
    }
}
