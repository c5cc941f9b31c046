//! The HTTP client for the runtime: keeps connections, and knows nothing of redirects, proxies or compression.

use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::Setup;
use crate::tls;
use crate::tunnel::RequestBody;

/// Connections without work are closed after so long; Python's servers close theirs after 5 s by default, others after minutes, and a request
/// that meets a closing connection is sent again on another.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// What one connection buffers at most in either direction. hyper's default of 400 KiB would be the worker's memory under slow readers.
const BUFFER: usize = 64 * 1024;

/// A client for one runtime. TLS is set up only for a runtime that wants it: it costs megabytes.
pub(super) enum Client {
    Plain(legacy::Client<HttpConnector, RequestBody>),
    Tls(legacy::Client<HttpsConnector<HttpConnector>, RequestBody>),
}

/// Why there is no answer.
pub(super) enum Failure {
    /// No connection could be made.
    Unreachable(String),
    /// The connection ended, or what came was not HTTP.
    Broken(String),
}

impl Client {
    pub(super) fn new(is_tls: bool, setup: &Setup) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(setup.connect_timeout));
        tcp.enforce_http(!is_tls);
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http1_max_buf_size(BUFFER)
            .http1_writev(false);
        if !is_tls {
            return Ok(Self::Plain(builder.build(tcp)));
        }
        let config = tls::client_config(setup.ca_file.as_deref())?;
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config((*config).clone())
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self::Tls(builder.build(connector)))
    }

    pub(super) async fn request(&self, request: Request<RequestBody>) -> Result<Response<Incoming>, Failure> {
        let answered = match self {
            Self::Plain(client) => client.request(request).await,
            Self::Tls(client) => client.request(request).await,
        };
        answered.map_err(|error| {
            // The innermost error names the cause; the outer ones say "client error" and the like.
            let why = anyhow::Chain::new(&error).next_back().map(ToString::to_string).unwrap_or_default();
            if error.is_connect() { Failure::Unreachable(why) } else { Failure::Broken(why) }
        })
    }
}
