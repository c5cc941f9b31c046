//! An HTTP/1.1 client for one runtime: it keeps connections open, and ignores redirects, proxies and compression. The worker's relay and the server's
//! static endpoints use it.
//!
//! A runtime may respond before it has read the whole request. If it refuses a request whose body is still being sent, its response is read, and a
//! write error does not matter. If it has closed a kept connection, so that it cannot have read the request, the request is sent again on a new one,
//! once.

mod connection;
mod pool;
mod replay;
mod reply;
mod wire;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri, request};
use http_body::Body;
use hyper::service::Service as _;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::service::TowerToHyperService;

use connection::{Connection, Lost};
use llamapool_tunnel::tls;
use pool::Pool;
use replay::Replay;
pub use reply::Reply;
use wire::Wire;

/// A client for one runtime, with request bodies of type `B`. TLS is set up only for an `https` runtime, because it costs megabytes.
pub struct Client<B> {
    connector: Connector,
    pool: Arc<Pool<B>>,
}

enum Connector {
    Plain(TowerToHyperService<HttpConnector>),
    Tls(TowerToHyperService<HttpsConnector<HttpConnector>>),
}

/// Why there is no response.
#[derive(Debug)]
pub enum Failure {
    /// No connection could be made.
    Unreachable(String),
    /// The connection ended, or the peer does not speak HTTP.
    Broken(String),
}

impl<B> Client<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
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
        let connector = if is_tls {
            let config = tls::client_config(extra_ca)?;
            let tls = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config((*config).clone());
            Connector::Tls(TowerToHyperService::new(tls.https_only().enable_http1().wrap_connector(tcp)))
        } else {
            Connector::Plain(TowerToHyperService::new(tcp))
        };
        Ok(Self { connector, pool: Arc::default() })
    }

    /// Sends a request and waits for the head of the response. Dropping the future, or the body of the response, cancels the request.
    ///
    /// # Errors
    /// There is no response.
    pub async fn request(&self, request: Request<B>) -> Result<Response<Reply<B>>, Failure> {
        let (head, body) = request.into_parts();
        let (uri, mut body) = (head.uri.clone(), Replay::new(body));
        let head = addressed(head)?;
        let mut kept = self.pool.take().await;
        loop {
            let connection = match kept.take() {
                Some(kept) => kept,
                // Boxed, because it is rare and large, and the future of every request would carry it.
                None => Box::pin(self.connect(uri.clone())).await?,
            };
            match self.send(connection, &head, &body).await {
                Ok(response) => return Ok(response),
                Err(Lost { unread: true, .. }) if body.rewind() => {}
                Err(lost) => return Err(Failure::Broken(lost.why)),
            }
        }
    }

    async fn send(
        &self,
        mut connection: Connection<B>,
        head: &request::Parts,
        body: &Replay<B>,
    ) -> Result<Response<Reply<B>>, Lost> {
        let response = connection.send(Request::from_parts(head.clone(), body.handle())).await?;
        body.forget();
        Ok(response.map(|incoming| Reply::new(incoming, connection, body.handle(), self.pool.clone())))
    }

    async fn connect(&self, uri: Uri) -> Result<Connection<B>, Failure> {
        let stream = match &self.connector {
            Connector::Plain(plain) => plain.call(uri).await.map(MaybeHttpsStream::Http).map_err(Into::into),
            Connector::Tls(tls) => tls.call(uri).await,
        };
        let stream = stream.map_err(|error| Failure::Unreachable(innermost(&*error)))?;
        Connection::open(Wire::new(stream)).await.map_err(|error| Failure::Broken(innermost(&error)))
    }
}

/// The head as it is sent: the path, and the host in its header.
fn addressed(mut head: request::Parts) -> Result<request::Parts, Failure> {
    let no_host = || Failure::Unreachable("the address has no host".to_owned());
    let authority = head.uri.authority().ok_or_else(no_host)?.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = HeaderValue::from_str(host).map_err(|_| no_host())?;
    head.headers.insert(HOST, host);
    let path = head.uri.path_and_query().cloned();
    head.uri = path.map(Uri::from).unwrap_or_default();
    Ok(head)
}

/// The innermost error names the cause; the outer ones only say "client error" or similar.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
