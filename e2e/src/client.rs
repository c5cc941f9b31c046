//! One HTTP exchange on a connection of its own, seen exactly: chunks as they come, and how it ended.
//!
//! No pool and no retry, so that a test knows what it did: dropping an [`Ask`] that was sent or a [`Reply`] closes
//! the connection, which is how clients leave.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

/// No single step of an exchange takes longer in any test; beyond it, something hangs.
const STEP: Duration = Duration::from_secs(60);

/// What goes wrong in a request body: nothing, in tests.
type Never = std::convert::Infallible;

/// A request to be sent.
pub struct Ask {
    to: SocketAddr,
    request: Request<BoxBody<Bytes, Never>>,
}

/// A response that is arriving.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    _connection: AbortOnDropHandle<()>,
}

/// A response that has ended.
#[derive(Debug)]
pub struct Whole {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// All that came of the body.
    pub body: Bytes,
    /// Why the body ended early, if it did: a tidy end is `None`.
    pub broken: Option<String>,
}

/// A chat request with `script` for the fake runtime.
pub fn chat(model: &str, script: &crate::Script) -> Value {
    let streams = matches!(script, crate::Script::Stream { .. } | crate::Script::Chunks { .. });
    json!({"model": model, "stream": streams, "messages": [{"role": "user", "content": "hi"}], "script": script})
}

/// A chat request without a script: the runtime does what it was told last.
pub fn plain_chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

impl Ask {
    /// A request without a body.
    pub fn new(to: SocketAddr, method: Method, path: &str) -> Self {
        let mut request = Request::new(full(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { to, request }.header("host", &to.to_string())
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("tests name headers well");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("tests write headers well");
        match name {
            // There is one of it already.
            HOST => self.request.headers_mut().insert(name, value).is_some(),
            _ => self.request.headers_mut().append(name, value),
        };
        self
    }

    /// `Authorization: Bearer key`.
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// A body of JSON.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// A body with its length declared.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = full(body.into());
        self
    }

    /// A body sent chunk by chunk, without a declared length.
    pub fn chunked(mut self, chunks: impl Stream<Item = Bytes> + Send + Sync + 'static) -> Self {
        *self.request.body_mut() =
            BodyExt::boxed(StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))));
        self
    }

    /// Sends it and waits for the head of the answer. Dropping the future closes the connection.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn send(self) -> Reply {
        self.try_send().await.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// [`Ask::send`] for those who expect that there may be no answer.
    pub async fn try_send(self) -> Result<Reply, String> {
        let stream = TcpStream::connect(self.to).await.map_err(|error| format!("cannot connect: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            // What ends a connection early is told to the exchange on it.
            let _ = connection.await;
        }));
        let answer = tokio::time::timeout(STEP, sender.send_request(self.request));
        let answer = answer.await.expect("an answer within a minute").map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body, _connection: connection })
    }

    /// Sends it and reads all of the answer.
    pub async fn whole(self) -> Whole {
        self.send().await.whole().await
    }
}

impl Reply {
    /// The next piece of the body as it came; `None` at a tidy end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, String>> {
        loop {
            let frame =
                tokio::time::timeout(STEP, self.body.frame()).await.expect("a chunk within a minute")?;
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => return Some(Ok(data)),
                Ok(Err(_trailers)) => {}
                Err(error) => return Some(Err(format!("{error:?}"))),
            }
        }
    }

    /// The next piece of the body. Panics at an end.
    pub async fn data(&mut self) -> Bytes {
        self.chunk().await.expect("more of the body").expect("no broken body")
    }

    /// Reads to the end, tidy or not.
    pub async fn whole(mut self) -> Whole {
        let (mut body, mut broken) = (Vec::new(), None);
        while let Some(chunk) = self.chunk().await {
            match chunk {
                Ok(data) => body.extend_from_slice(&data),
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        Whole { status: self.status, headers: self.headers, body: body.into(), broken }
    }

    /// A header as text, empty if absent.
    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }
}

impl Whole {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON. Panics with the whole answer if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text()))
    }

    /// A header as text, empty if absent.
    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// Checks status, end and shape of an error as OpenAI's clients understand it; gives back its `error` object.
    pub fn expect_error(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.broken, None);
        assert!(self.header("content-type").starts_with("application/json"), "{:?}", self.headers);
        let error = self.json()["error"].take();
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{}", self.text());
        assert!(error["type"].is_string(), "{}", self.text());
        assert!(!self.header("x-request-id").is_empty(), "an error without a request id: {:?}", self.headers);
        error
    }

    /// Checks that it is a 200 with a tidy end.
    pub fn expect_ok(&self) -> &Self {
        assert_eq!((self.status, &self.broken), (200, &None), "{}", self.text());
        self
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn full(body: Bytes) -> BoxBody<Bytes, Never> {
    Full::new(body).boxed()
}

/// Sends `bytes` as they are and reads until the other end closes or has said nothing for `quiet`.
pub async fn raw(to: SocketAddr, bytes: &[u8], quiet: Duration) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.expect("somebody listens");
    // A peer that has seen enough may close before it has read all.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(Ok(n)) = tokio::time::timeout(quiet, stream.read(&mut piece)).await {
        if n == 0 {
            break;
        }
        answer.extend_from_slice(&piece[..n]);
    }
    answer
}
