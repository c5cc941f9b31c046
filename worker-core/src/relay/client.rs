//! An HTTP client for runtimes: it keeps connections open, and ignores redirects, proxies and compression. The worker's relay and the server's
//! static endpoints use it.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use llamapool_tunnel::tls;

/// Connections without work are closed after so long; Python's servers close theirs after 5 s by default, others after minutes, and a request
/// that meets a closing connection is sent again on another.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// What one connection buffers at most in either direction. hyper's default of 400 KiB would be the worker's memory under slow readers.
const BUFFER: usize = 64 * 1024;

/// A client for one runtime, sending request bodies of type `B`. TLS is set up only for an `https` runtime, because it costs megabytes.
#[derive(Debug)]
pub struct Client<B>(Inner<B>);

#[derive(Debug)]
enum Inner<B> {
    Plain(legacy::Client<HttpConnector, B>),
    Tls(legacy::Client<HttpsConnector<HttpConnector>, B>),
}

/// The reason why there is no response.
#[derive(Debug)]
pub enum Failure {
    /// No connection could be made.
    Unreachable(String),
    /// The connection ended, or the peer did not send HTTP.
    Broken(String),
}

impl<B> Client<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// A client that also trusts the certificates in the PEM file `extra_ca`.
    ///
    /// # Errors
    /// For a TLS client: the CA file or the system's trust store cannot be used.
    pub fn new(is_tls: bool, connect_timeout: Duration, extra_ca: Option<&Path>) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.enforce_http(!is_tls);
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http1_max_buf_size(BUFFER)
            .http1_writev(false);
        if !is_tls {
            return Ok(Self(Inner::Plain(builder.build(tcp))));
        }
        let config = tls::client_config(extra_ca)?;
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config((*config).clone())
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self(Inner::Tls(builder.build(connector))))
    }

    /// Sends a request and waits for the head of the response. Dropping the future, or the body of the response, cancels the request.
    ///
    /// # Errors
    /// There is no response.
    pub async fn request(&self, request: Request<B>) -> Result<Response<Incoming>, Failure> {
        let answered = match &self.0 {
            Inner::Plain(client) => client.request(request).await,
            Inner::Tls(client) => client.request(request).await,
        };
        answered.map_err(|error| {
            // The innermost error names the cause; the outer ones say "client error" and the like.
            let why = anyhow::Chain::new(&error).next_back().map(ToString::to_string).unwrap_or_default();
            if error.is_connect() { Failure::Unreachable(why) } else { Failure::Broken(why) }
        })
    }
}
