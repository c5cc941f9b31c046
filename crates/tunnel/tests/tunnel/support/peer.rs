//! A peer by script: it says what a test says and nothing else, frame by frame.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Method};
use llamapool_tunnel::frame::Frame;
use llamapool_tunnel::{Incoming, head};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role as SocketRole;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as SocketFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::task::TaskTracker;

use super::{Side, Terms, in_time, tcp, websocket};

pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
    heard: VecDeque<Frame>,
}

impl Peer {
    /// A worker by script, and the server it talks to.
    pub(crate) async fn worker() -> (Self, Side) {
        let (server, worker) = tcp().await;
        let peer = Self { socket: websocket(worker, SocketRole::Client).await, heard: VecDeque::new() };
        (peer, Side::server(server, Terms::default()).await)
    }

    /// A server by script, and the worker it talks to.
    pub(crate) async fn server<A, F>(answer: A) -> (Self, Side)
    where
        A: Fn(Incoming) -> F + Send + Unpin + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (server, worker) = tcp().await;
        let peer = Self { socket: websocket(server, SocketRole::Server).await, heard: VecDeque::new() };
        (peer, Side::worker(worker, Terms::default(), TaskTracker::new(), answer).await)
    }

    /// Sends frames as one message.
    pub(crate) async fn say(&mut self, frames: &[Frame]) {
        self.send(Message::Binary(encode(frames))).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        in_time(self.socket.send(message)).await.unwrap();
    }

    /// Sends a message that the other end may not take to its end.
    pub(crate) async fn try_send(&mut self, message: Message) {
        let _ = in_time(self.socket.send(message)).await;
    }

    /// Sends a binary message in fragments of a size, with a ping after each.
    pub(crate) async fn say_in_pieces(&mut self, message: &[u8], piece: usize) {
        let pieces = message.chunks(piece);
        let last = pieces.len() - 1;
        for (n, piece) in pieces.enumerate() {
            let kind = if n == 0 { Data::Binary } else { Data::Continue };
            let piece = SocketFrame::message(piece.to_vec(), OpCode::Data(kind), n == last);
            self.send(Message::Frame(piece)).await;
            self.send(Message::Ping(Bytes::from_static(b"between"))).await;
        }
    }

    /// The next frame.
    pub(crate) async fn hear(&mut self) -> Frame {
        while self.heard.is_empty() {
            let Some(Ok(message)) = in_time(self.socket.next()).await else { panic!("the tunnel ended") };
            if let Message::Binary(mut batch) = message {
                self.heard.extend(std::iter::from_fn(|| Frame::decode(&mut batch).unwrap()));
            }
        }
        self.heard.pop_front().unwrap()
    }

    /// The body bytes of a stream that come before the next frame of another kind.
    pub(crate) async fn hear_data(&mut self, until: usize) -> usize {
        let mut bytes = 0;
        while bytes < until {
            let Frame::Data { body, .. } = self.hear().await else { panic!("not DATA") };
            bytes += body.len();
        }
        bytes
    }

    /// Proves that nothing is on its way here: what was said before is answered by PONG, and by nothing else.
    pub(crate) async fn hear_silence(&mut self) {
        self.say(&[Frame::Ping]).await;
        assert_eq!(self.hear().await, Frame::Pong);
    }

    /// The code and reason of the close that comes next; `None` if the connection ends without.
    pub(crate) async fn hear_close(&mut self) -> Option<(CloseCode, String)> {
        loop {
            match in_time(self.socket.next()).await {
                Some(Ok(Message::Close(frame))) => {
                    return frame.map(|frame| (frame.code, frame.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(Error::Io(_) | Error::Protocol(_))) | None => return None,
                Some(Err(error)) => panic!("{error}"),
            }
        }
    }
}

/// An encoded head of a request.
pub(crate) fn request(target: &str) -> Bytes {
    head::encode_request(&Method::POST, target, &HeaderMap::new()).unwrap()
}

/// The frames as one message.
pub(crate) fn encode(frames: &[Frame]) -> Bytes {
    let mut message = BytesMut::new();
    frames.iter().for_each(|frame| frame.encode(&mut message));
    message.freeze()
}
