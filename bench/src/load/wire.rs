//! One client connection, kept alive.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use crate::exchange::{self, CHAT, Script};

/// A completion request, made once and sent often.
pub(super) struct Ask {
    headers: HeaderMap,
    body: Bytes,
}

impl Ask {
    pub(super) fn new(addr: SocketAddr, script: Option<&Script>) -> Result<Self> {
        Self::with_body(addr, exchange::ask(script))
    }

    pub(super) fn with_body(addr: SocketAddr, body: Bytes) -> Result<Self> {
        let mut headers = exchange::headers();
        headers.insert(header::HOST, HeaderValue::from_str(&addr.to_string())?);
        Ok(Self { headers, body })
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(CHAT);
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// The bytes of the request, for clients that are less than a client.
    pub(super) fn to_text(&self) -> Vec<u8> {
        let mut text =
            format!("POST {CHAT} HTTP/1.1\r\ncontent-length: {}\r\n", self.body.len()).into_bytes();
        for (name, value) in &self.headers {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&self.body);
        text
    }
}

/// A connection that is kept alive; closed when dropped.
pub(super) struct Wire {
    sender: SendRequest<Full<Bytes>>,
    _connection: AbortOnDropHandle<()>,
}

impl Wire {
    pub(super) async fn connect(addr: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(addr).await.with_context(|| format!("connect to {addr}"))?;
        socket.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        // Its errors are seen by whoever waits for an answer.
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, _connection: AbortOnDropHandle::new(connection) })
    }

    /// The answer's head, which must be a good one; its body is still on the way.
    pub(super) async fn ask(&mut self, ask: &Ask) -> Result<Response<Incoming>> {
        self.sender.ready().await?;
        let response = self.sender.send_request(ask.request()).await?;
        if !response.status().is_success() {
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::bail!("answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(response)
    }

    /// Asks and reads the answer to its end.
    pub(super) async fn ask_whole(&mut self, ask: &Ask) -> Result<()> {
        let body = self.ask(ask).await?.into_body().collect().await?.to_bytes();
        ensure!(body.len() == exchange::ANSWER_BYTES, "an answer of {} bytes", body.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_request_say_the_same() {
        let ask = Ask::new("127.0.0.1:80".parse().unwrap(), None).unwrap();
        let text = String::from_utf8(ask.to_text()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.len(), exchange::ASK_BYTES);
        assert_eq!(head.lines().count(), 1 + ask.request().headers().len() + 1);
        assert!(head.contains("\r\nhost: 127.0.0.1:80"));
    }
}
