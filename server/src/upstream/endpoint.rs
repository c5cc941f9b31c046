//! A static HTTP endpoint as an upstream: requests go to its base URL, over connections that are kept open.

use std::error::Error;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body::{Body, Frame};
use http_body_util::Full;
use llamapool_tunnel::head::{MODEL, end_to_end};
use llamapool_worker_core::relay::client::{Client as HttpClient, Failure, Reply};
use llamapool_worker_core::runtime::Target;
use tokio::sync::Notify;
use url::Url;

use super::reply_head::ReplyHead;
use super::{Blame, Fault, FaultKind, RequestHead};

/// Sends requests to one endpoint. Clones share its connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: HttpClient<Full<Bytes>>,
    target: Target,
    /// Wakes its monitor: what is known about the endpoint is out of date.
    outdated: Notify,
}

/// The body of an endpoint's reply.
pub(super) struct EndpointBody {
    body: Reply<Full<Bytes>>,
    client: Client,
    /// Whether a part of the body has arrived.
    begun: bool,
}

impl Client {
    /// A client for the endpoint at this base URL, with or without `/v1` at its end. It also trusts the certificates in the PEM file `extra_ca`.
    ///
    /// # Errors
    /// For an `https` URL: the CA file or the system's trust store cannot be used.
    pub fn new(base: &Url, connect_timeout: Duration, extra_ca: Option<&Path>) -> anyhow::Result<Self> {
        let http = HttpClient::new(base.scheme() == "https", connect_timeout, extra_ca)?;
        Ok(Self(Arc::new(Inner { http, target: Target::new(base), outdated: Notify::new() })))
    }

    /// Waits until a request has shown, since the last call, that what is known about the endpoint is out of date.
    pub async fn outdated(&self) {
        self.0.outdated.notified().await;
    }

    /// Requests that the endpoint is asked for its models immediately.
    pub(super) fn ask_again(&self) {
        self.0.outdated.notify_one();
    }

    pub(super) async fn open(
        &self,
        head: RequestHead<'_>,
        body: Bytes,
    ) -> Result<(ReplyHead, EndpointBody), Fault> {
        let uri = self.0.target.endpoint(head.target).map_err(|error| unsendable(&error))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        // The host is the endpoint's own, and the model's name is for workers only.
        let headers = end_to_end(head.headers).filter(|(name, _)| **name != HOST && **name != MODEL);
        request.headers_mut().extend(headers.map(|(name, value)| (name.clone(), value.clone())));
        let reply = self.0.http.request(request).await.map_err(|failure| self.no_reply(&failure))?;
        let (parts, body) = reply.into_parts();
        let head = ReplyHead::new(parts.status, parts.headers)?;
        Ok((head, EndpointBody { body, client: self.clone(), begun: false }))
    }

    fn no_reply(&self, failure: &Failure) -> Fault {
        self.ask_again();
        match failure {
            Failure::Unreachable(why) => {
                Fault::unreachable(format!("The endpoint cannot be reached: {why}."))
            }
            Failure::Broken(why) => Fault::lost(format!("The endpoint failed before it responded: {why}.")),
        }
    }

    fn lost(&self, begun: bool) -> Fault {
        self.ask_again();
        Fault::lost(match begun {
            false => "The endpoint failed before it responded.",
            true => "The endpoint failed in the middle of its response.",
        })
    }
}

fn unsendable(error: &dyn Error) -> Fault {
    Fault {
        kind: FaultKind::Unsendable,
        blame: Blame::Server,
        retry: false,
        text: format!("The request cannot be sent to an endpoint: {error}.").into(),
    }
}

impl Body for EndpointBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            // Trailers come last, and are dropped.
            Some(Ok(frame)) => frame.into_data().ok().map(|data| Ok(Frame::data(data))),
            Some(Err(_)) => Some(Err(this.client.lost(this.begun))),
            None => None,
        };
        this.begun = true;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
