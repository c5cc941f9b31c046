//! A worker, or a server, that says exactly what the test tells it to: the tunnel's frames written and read here a second time,
//! from its description alone, so that a mistake in the real ones is not repeated.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use http::header::SEC_WEBSOCKET_PROTOCOL;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::server::worker_url;
use crate::wait::PATIENCE;

const HEAD: u8 = 1;
const DATA: u8 = 2;
const RESET: u8 = 4;
const CREDIT: u8 = 5;
const PING: u8 = 6;
const PONG: u8 = 7;
const END: u8 = 0x80;

/// RESET: the receiver needs no more of the body.
pub const STOP: u32 = 0;
/// RESET: the client has gone.
pub const CANCEL: u32 = 1;
/// RESET: nothing was done.
pub const REFUSED: u32 = 4;

/// One frame of the tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The head of a request or an answer, with its encoded block.
    Head(u32, bool, Bytes),
    /// Body bytes; `true`: the last.
    Data(u32, bool, Bytes),
    /// The stream is over, with a code.
    Reset(u32, u32),
    /// So many more bytes may be sent.
    Credit(u32, u32),
    /// Are you there?
    Ping,
    /// Yes.
    Pong,
    /// Any bytes as type, id and payload.
    Other(u8, u32, Bytes),
}

/// What came from the other end.
#[derive(Debug)]
pub enum Received {
    /// A control message.
    Text(Value),
    /// A frame.
    Frame(Frame),
    /// The end, with the WebSocket code if one was given.
    Closed(Option<u16>),
}

/// A connected peer.
pub struct Peer {
    socket: WebSocketStream<TcpStream>,
    frames: VecDeque<Frame>,
}

impl Peer {
    /// Connects as workers do. The error is the HTTP status of the refusal.
    pub async fn connect(server: SocketAddr, key: &str) -> Result<Self, u16> {
        let mut request = worker_url(server).into_client_request().expect("a valid address");
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "llamapool.v2".parse().expect("a valid header"));
        headers.insert("authorization", format!("Bearer {key}").parse().expect("a valid header"));
        let stream = TcpStream::connect(server).await.expect("somebody listens");
        stream.set_nodelay(true).expect("a fresh socket takes options");
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket, frames: VecDeque::new() }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no WebSocket: {error}"),
        }
    }

    /// Connects and introduces itself as worker `id` with `models`; returns when the server knows them.
    pub async fn join(server: SocketAddr, id: &str, models: &[&str], capacity: u32) -> Self {
        let mut peer = Self::connect(server, crate::server::CLIENT_KEY).await.expect("the key is right");
        peer.say(&hello(id)).await;
        peer.say(&report(models, capacity)).await;
        peer.control("hello").await;
        // What came before this has been dealt with when it is answered.
        peer.send(&[Frame::Ping]).await;
        let mut early = Vec::new();
        peer.until(|received| match received {
            Received::Frame(Frame::Pong) => Some(()),
            Received::Frame(frame) => {
                early.push(frame.clone());
                None
            }
            _ => None,
        })
        .await;
        // A request may have come meanwhile.
        early.into_iter().rev().for_each(|frame| peer.frames.push_front(frame));
        peer
    }

    /// Takes a worker's connection, as servers do.
    pub async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.expect("a listener accepts");
        stream.set_nodelay(true).expect("a fresh socket takes options");
        #[expect(clippy::result_large_err, reason = "the library wants a whole response for a refusal")]
        let agree = |request: &Request, mut answer: Response| {
            let wanted = request.headers().get("sec-websocket-protocol").cloned();
            answer.headers_mut().extend(wanted.map(|value| (SEC_WEBSOCKET_PROTOCOL, value)));
            Ok(answer)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, agree).await.expect("a WebSocket request");
        Self { socket, frames: VecDeque::new() }
    }

    /// Takes a worker's connection and its hello, and answers with one; gives back what the worker said.
    pub async fn welcome(listener: &TcpListener) -> (Self, Value) {
        let accept = tokio::time::timeout(PATIENCE, Self::accept(listener));
        let mut peer = accept.await.expect("a worker dials");
        let hello = peer.control("hello").await;
        peer.say(&json!({"t": "hello", "tunnel": "t1", "version": "0", "shards": 1, "recv_window": 65_536}))
            .await;
        (peer, hello)
    }

    /// Waits for a control message.
    pub async fn control(&mut self, t: &str) -> Value {
        self.until(|received| match received {
            Received::Text(text) if text["t"] == t => Some(text.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for the answer to stream `id`: its status, or the code of its reset.
    pub async fn answer(&mut self, id: u32) -> Result<u16, u32> {
        self.until(|received| match received {
            Received::Frame(Frame::Head(of, _, block)) if *of == id => Some(Ok(block.clone().get_u16_le())),
            Received::Frame(Frame::Reset(of, code)) if *of == id => Some(Err(*code)),
            _ => None,
        })
        .await
    }

    /// Sends a control message.
    pub async fn say(&mut self, message: &Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    /// Sends frames as one message.
    pub async fn send(&mut self, frames: &[Frame]) {
        self.send_raw(Message::binary(Frame::encode_all(frames))).await;
    }

    /// Sends a message of any kind; a server that has closed meanwhile is none of its business.
    pub async fn send_raw(&mut self, message: Message) {
        let _ = self.socket.send(message).await;
    }

    /// The next thing the server says. Answers its pings.
    pub async fn next(&mut self) -> Received {
        loop {
            match self.frames.pop_front() {
                Some(Frame::Ping) => self.send(&[Frame::Pong]).await,
                Some(frame) => return Received::Frame(frame),
                None => match self.socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => self.frames = decode(bytes),
                    Some(Ok(Message::Text(text))) => {
                        return Received::Text(
                            serde_json::from_str(&text).expect("control messages are JSON"),
                        );
                    }
                    Some(Ok(Message::Close(frame))) => {
                        return Received::Closed(frame.map(|frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Received::Closed(None),
                },
            }
        }
    }

    /// Waits until `pick` finds something in what the server says.
    pub async fn until<T>(&mut self, mut pick: impl FnMut(&Received) -> Option<T>) -> T {
        let search = async {
            loop {
                let received = self.next().await;
                if let Some(found) = pick(&received) {
                    return found;
                }
                assert!(!matches!(received, Received::Closed(_)), "the server closed the link: {received:?}");
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("the server says what is waited for")
    }

    /// Waits for a request: its stream, and its method and path.
    pub async fn request(&mut self) -> (u32, String) {
        self.until(|received| match received {
            Received::Frame(Frame::Head(id, _, block)) => Some((*id, request_line(block))),
            _ => None,
        })
        .await
    }

    /// Waits until the server closes: the WebSocket code if it gave one.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Received::Closed(code) = self.next().await {
                return code;
            }
        }
    }

    /// The stream beneath, for those who want to say something that is not WebSocket.
    pub fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}

/// A worker's first words.
pub fn hello(id: &str) -> Value {
    json!({
        "t": "hello", "id": id, "name": id, "version": "0.0.0", "instance": format!("run of {id}"),
        "max_streams": 4096, "recv_window": 1_048_576,
    })
}

/// A worker's state.
pub fn report(models: &[&str], capacity: u32) -> Value {
    let models: Vec<_> = models.iter().map(|name| json!({"name": name})).collect();
    json!({"t": "report", "state": "ready", "capacity": capacity, "in_flight": 0, "models": models})
}

/// The head of an answer.
pub fn answer_head(id: u32, end: bool, status: u16, headers: &[(&str, &str)]) -> Frame {
    let mut block = BytesMut::new();
    block.put_u16_le(status);
    put_headers(&mut block, headers);
    Frame::Head(id, end, block.freeze())
}

/// The head of a request.
pub fn request_head(id: u32, end: bool, line: (&str, &str), headers: &[(&str, &str)]) -> Frame {
    let mut block = BytesMut::new();
    for text in [line.0, line.1] {
        block.put_u16_le(text.len().try_into().expect("short lines"));
        block.put_slice(text.as_bytes());
    }
    put_headers(&mut block, headers);
    Frame::Head(id, end, block.freeze())
}

fn put_headers(block: &mut BytesMut, headers: &[(&str, &str)]) {
    block.put_u16_le(headers.len().try_into().expect("few headers"));
    for (name, value) in headers {
        block.put_u16_le(name.len().try_into().expect("short names"));
        block.put_u16_le(value.len().try_into().expect("short values"));
        block.put_slice(name.as_bytes());
        block.put_slice(value.as_bytes());
    }
}

/// The method and path of an encoded request head.
pub fn request_line(block: &Bytes) -> String {
    let mut block = block.clone();
    let mut text = || {
        let length = block.get_u16_le().into();
        String::from_utf8(block.split_to(length).to_vec()).expect("methods and paths are ASCII")
    };
    format!("{} {}", text(), text())
}

impl Frame {
    /// The payload of a message that holds `frames`.
    pub fn encode_all(frames: &[Self]) -> Bytes {
        let mut out = BytesMut::new();
        frames.iter().for_each(|frame| frame.encode(&mut out));
        out.freeze()
    }

    /// The stream it belongs to and moves forward; `None` for credit, pings and what is unknown.
    pub fn stream(&self) -> Option<u32> {
        match self {
            Self::Head(id, ..) | Self::Data(id, ..) | Self::Reset(id, _) => Some(*id),
            Self::Credit(..) | Self::Ping | Self::Pong | Self::Other(..) => None,
        }
    }

    fn encode(&self, out: &mut BytesMut) {
        let number = |n: &u32| Bytes::copy_from_slice(&n.to_le_bytes());
        let (kind, id, payload) = match self {
            Self::Head(id, end, block) => (HEAD | end_bit(*end), *id, block.clone()),
            Self::Data(id, end, body) => (DATA | end_bit(*end), *id, body.clone()),
            Self::Reset(id, code) => (RESET, *id, number(code)),
            Self::Credit(id, bytes) => (CREDIT, *id, number(bytes)),
            Self::Ping => (PING, 0, Bytes::new()),
            Self::Pong => (PONG, 0, Bytes::new()),
            Self::Other(kind, id, payload) => (*kind, *id, payload.clone()),
        };
        let length = u32::try_from(payload.len()).expect("tests send small frames");
        out.put_u32_le(length << 8 | u32::from(kind));
        out.put_u32_le(id);
        out.put_slice(&payload);
    }
}

fn end_bit(end: bool) -> u8 {
    if end { END } else { 0 }
}

/// The frames of a binary message.
pub fn decode(mut bytes: Bytes) -> VecDeque<Frame> {
    let mut frames = VecDeque::new();
    while bytes.has_remaining() {
        let first = bytes.get_u32_le();
        let (kind, length) = (first as u8, (first >> 8) as usize);
        let id = bytes.get_u32_le();
        let mut payload = bytes.split_to(length);
        let end = kind & END != 0;
        frames.push_back(match kind & !END {
            HEAD => Frame::Head(id, end, payload),
            DATA => Frame::Data(id, end, payload),
            RESET => Frame::Reset(id, payload.get_u32_le()),
            CREDIT => Frame::Credit(id, payload.get_u32_le()),
            PING => Frame::Ping,
            PONG => Frame::Pong,
            _ => Frame::Other(kind, id, payload),
        });
    }
    frames
}
