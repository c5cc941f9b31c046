//! The targets of requests: the tunnel of a worker, or a static HTTP endpoint. Everything above this module treats both alike.
//!
//! [`Upstream::open`] sends one request and returns the head of the reply and its [`ReplyBody`], or a [`Fault`]: what failed, whose fault it is,
//! and whether another upstream may be tried.

pub mod endpoint;
mod fault;
mod reply_body;
mod reply_head;
mod worker;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use llamapool_tunnel::Link;
use llamapool_tunnel::control::{Bye, ByeCode, FromServer};

pub use fault::{Blame, Fault, FaultKind};
pub use llamapool_tunnel::Traffic;
pub use reply_body::ReplyBody;
use reply_body::Source;
use reply_head::ReplyHead;

/// A connection to something that serves models. Clones are the same connection.
#[derive(Clone)]
pub enum Upstream {
    /// A worker, through the tunnel that it opened.
    Worker(Link),
    /// A static HTTP endpoint.
    Endpoint(endpoint::Client),
}

/// The name of an upstream in logs, records and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Stable across reconnects and restarts.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The version of the worker's software; empty for an endpoint.
    pub version: String,
}

/// The head of a request to an upstream.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Path and query, beginning with `/v1/`.
    pub target: &'a str,
    /// Its headers. Hop-by-hop headers are not passed on.
    pub headers: &'a HeaderMap,
}

/// A reply whose body has not been read yet.
pub struct UpstreamReply {
    /// Its status.
    pub status: StatusCode,
    /// The headers that clients may get.
    pub headers: HeaderMap,
    /// Its body. Dropping the body cancels the request.
    pub body: ReplyBody,
}

impl Upstream {
    /// Sends a request and waits for the head of the reply. Dropping the future cancels the request.
    ///
    /// # Errors
    /// There is no reply; the fault says why.
    pub async fn open(&self, head: RequestHead<'_>, body: Bytes) -> Result<UpstreamReply, Fault> {
        let (head, source) = match self {
            Self::Worker(link) => {
                let (head, body) = worker::open(link, head, body).await?;
                (head, Source::Worker(body))
            }
            Self::Endpoint(client) => {
                // The HTTP client's future is large; it is boxed so that requests to workers need not carry it.
                let (head, body) = Box::pin(client.open(head, body)).await?;
                (head, Source::Endpoint(body))
            }
        };
        let ReplyHead { status, headers, length } = head;
        Ok(UpstreamReply { status, headers, body: ReplyBody::new(source, length) })
    }

    /// Whether it is a worker.
    pub fn is_worker(&self) -> bool {
        matches!(self, Self::Worker(_))
    }

    /// Whether the connection is closed for good. An endpoint's never is: it is ready or not.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Worker(link) => link.is_closed(),
            Self::Endpoint(_) => false,
        }
    }

    /// Its models differ from its last report. An endpoint is asked again immediately; a worker asks its runtime itself.
    pub fn models_changed(&self) {
        match self {
            Self::Worker(_) => {}
            Self::Endpoint(client) => client.ask_again(),
        }
    }

    /// Bytes transferred over the connection, where they are counted.
    pub fn traffic(&self) -> Option<Traffic> {
        match self {
            Self::Worker(link) => Some(link.traffic()),
            Self::Endpoint(_) => None,
        }
    }

    /// Announces that this server is about to stop.
    pub fn announce_drain(&self) {
        match self {
            Self::Worker(link) => link.say(&FromServer::Drain),
            Self::Endpoint(_) => {}
        }
    }

    /// Closes the connection because the same worker has opened a newer one.
    pub fn close_replaced(&self) {
        match self {
            Self::Worker(link) => link.close(&Bye {
                code: ByeCode::Replaced,
                reason: "a newer connection of the same worker id took over".to_owned(),
            }),
            Self::Endpoint(_) => {}
        }
    }
}
