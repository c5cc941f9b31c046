//! A recorded conversation between a worker and a server of an earlier version: made by a WebSocket relay that stands between the two, and
//! played again by [`crate::peer::Peer`] in the place of either of them.
//!
//! The file has one JSON object on a line for each message: who sent it, and either the text or the bytes in hexadecimal.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};
use tokio_util::task::AbortOnDropHandle;

use crate::peer::{Frame, decode};
use crate::server::worker_url;

/// The ends of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The worker sent it.
    Worker,
    /// The server sent it.
    Server,
}

/// One message of the conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    from: From,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary: Option<String>,
}

/// A conversation as it was recorded.
#[derive(Debug, Default)]
pub struct Recording {
    lines: Vec<Line>,
}

/// One request of the conversation and its response.
#[derive(Debug, Default)]
pub struct Exchange {
    /// The server's frames, in order, without credit and pings.
    pub request: Vec<Frame>,
    /// The worker's frames, likewise.
    pub response: Vec<Frame>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Panics
    /// If the file is not there, or is no recording.
    pub fn load(path: &Path) -> Self {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("a recording is JSON lines"));
        Self { lines: lines.collect() }
    }

    /// Writes it to a file.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) {
        let lines = self.lines.iter().map(|line| serde_json::to_string(line).expect("plain data") + "\n");
        std::fs::write(path, lines.collect::<String>())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// The control messages of one end with this type, as they were sent.
    pub fn control(&self, from: From, t: &str) -> Vec<String> {
        let texts = self.lines.iter().filter(|line| line.from == from).filter_map(|line| line.text.as_ref());
        let is = |text: &&String| {
            serde_json::from_str::<Value>(text).expect("control messages are JSON")["t"] == t
        };
        texts.filter(is).cloned().collect()
    }

    /// The exchanges, by stream id.
    pub fn exchanges(&self) -> BTreeMap<u32, Exchange> {
        let mut exchanges: BTreeMap<u32, Exchange> = BTreeMap::new();
        for line in &self.lines {
            let Some(binary) = &line.binary else { continue };
            for frame in decode(from_hex(binary)) {
                let Some(id) = frame.stream() else { continue };
                let exchange = exchanges.entry(id).or_default();
                match line.from {
                    From::Server => exchange.request.push(frame),
                    From::Worker => exchange.response.push(frame),
                }
            }
        }
        exchanges
    }
}

impl Exchange {
    /// The body of one side.
    pub fn body(frames: &[Frame]) -> Bytes {
        let mut body = BytesMut::new();
        for frame in frames {
            if let Frame::Data(_, _, bytes) = frame {
                body.extend_from_slice(bytes);
            }
        }
        body.freeze()
    }
}

/// A relay that records. It takes one worker.
pub struct Recorder {
    /// Where the worker dials.
    pub url: String,
    lines: Arc<Mutex<Vec<Line>>>,
    _task: AbortOnDropHandle<()>,
}

impl Recorder {
    /// A relay to `server`.
    pub async fn start(server: std::net::SocketAddr, key: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = worker_url(listener.local_addr().expect("an address"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(relay(listener, server, key.to_owned(), lines.clone()));
        Self { url, lines, _task: AbortOnDropHandle::new(task) }
    }

    /// What was recorded so far.
    pub fn recording(&self) -> Recording {
        Recording { lines: self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }
}

async fn relay(
    listener: TcpListener,
    server: std::net::SocketAddr,
    key: String,
    lines: Arc<Mutex<Vec<Line>>>,
) {
    let (stream, _) = listener.accept().await.expect("a listener accepts");
    #[expect(clippy::result_large_err, reason = "the library wants a whole response for a refusal")]
    let agree = |request: &Request, mut answer: Response| {
        let name = "sec-websocket-protocol";
        answer.headers_mut().extend(
            request
                .headers()
                .get(name)
                .map(|value| (name.parse::<http::HeaderName>().expect("a valid name"), value.clone())),
        );
        Ok(answer)
    };
    let worker = accept_hdr_async(stream, agree).await.expect("a WebSocket request");
    let mut request = worker_url(server).into_client_request().expect("a valid address");
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", "llamapool.v2".parse().expect("a valid header"));
    headers.insert("authorization", format!("Bearer {key}").parse().expect("a valid header"));
    let stream = TcpStream::connect(server).await.expect("the server listens");
    let (server, _) = client_async(request, stream).await.expect("the server lets workers in");
    let (to_worker, from_worker) = worker.split();
    let (to_server, from_server) = server.split();
    tokio::join!(
        pump(from_worker, to_server, From::Worker, &lines),
        pump(from_server, to_worker, From::Server, &lines)
    );
}

async fn pump(
    mut source: futures_util::stream::SplitStream<WebSocketStream<TcpStream>>,
    mut sink: futures_util::stream::SplitSink<WebSocketStream<TcpStream>, Message>,
    from: From,
    lines: &Mutex<Vec<Line>>,
) {
    while let Some(Ok(message)) = source.next().await {
        let line = match &message {
            Message::Text(text) => Some(Line { from, text: Some(text.to_string()), binary: None }),
            Message::Binary(bytes) => Some(Line { from, text: None, binary: Some(to_hex(bytes)) }),
            _ => None,
        };
        lines.lock().unwrap_or_else(PoisonError::into_inner).extend(line);
        let closed = matches!(message, Message::Close(_));
        if sink.send(message).await.is_err() || closed {
            return;
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Bytes {
    let digits =
        text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hexadecimal is ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("two hexadecimal digits")).collect()
}
