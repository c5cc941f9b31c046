//! What a peer may not say ends the tunnel: with close code 1002, the reason in words, and every stream lost.

use bytes::Bytes;
use llamapool_tunnel::control::{REQUEST_WINDOW, RESPONSE_WINDOW};
use llamapool_tunnel::frame::{Frame, MAX_DATA, MAX_FIRST_DATA, Violation};
use llamapool_tunnel::mux::Lost;
use llamapool_tunnel::{End, Incoming};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::answer::status;
use crate::support::pattern::pattern;
use crate::support::peer::{Peer, encode, request};
use crate::support::{Side, read, until};

/// Every violation is one on stream 1.
const ID: u32 = 1;

fn head(end: bool) -> Frame {
    Frame::Head { id: ID, end, block: status(200) }
}

fn ask(end: bool) -> Frame {
    Frame::Head { id: ID, end, block: request("/") }
}

fn data(length: usize, end: bool) -> Frame {
    Frame::Data { id: ID, end, body: pattern(0, length) }
}

/// A frame by hand: its type, and a payload.
fn by_hand(kind: u8, payload: &[u8]) -> Bytes {
    let word = (payload.len() as u32) << 8 | u32::from(kind);
    [&word.to_le_bytes()[..], &ID.to_le_bytes(), payload].concat().into()
}

/// What is wrong in itself, whoever says it.
fn nonsense() -> [(Bytes, Violation); 6] {
    let cut = |frame: Frame, left| encode(&[frame]).slice(..left);
    [
        (by_hand(9, b""), Violation::UnknownType(9)),
        (by_hand(0, b"null"), Violation::UnknownType(0)),
        (by_hand(5, b"abc"), Violation::Size(5, 3)),
        (by_hand(2, b""), Violation::Size(2, 0)),
        (cut(data(100, false), 107), Violation::Truncated),
        (cut(Frame::Ping, 5), Violation::Truncated),
    ]
}

async fn is_closed_with(peer: &mut Peer, side: &mut Side, expect: Violation) {
    assert_eq!(side.ended().await, End::Violation(expect));
    assert_eq!(peer.hear_close().await, Some((CloseCode::Protocol, expect.to_string())));
    assert!(side.link.is_closed());
}

/// A worker that says this, in one message each, to a server that waits for its answer.
async fn a_server_hears(messages: Vec<Bytes>, expect: Violation) {
    let (mut peer, mut server) = Peer::worker().await;
    let exchange = server.get("/");
    assert!(matches!(peer.hear().await, Frame::Head { id: ID, .. }));
    for message in messages {
        peer.send(Message::Binary(message)).await;
    }
    is_closed_with(&mut peer, &mut server, expect).await;
    // An answer that was whole before its worker went wrong stays whole.
    if let Err(lost) = read(exchange).await {
        assert!(matches!(lost, Lost::Closed(_)), "{lost}");
    }
    server.settled().await;
}

#[tokio::test]
async fn of_a_worker() {
    for (message, expect) in nonsense() {
        a_server_hears(vec![message], expect).await;
    }
    let check = async |frames: &[Frame], expect| a_server_hears(vec![encode(frames)], expect).await;
    check(&[data(5, false)], Violation::UnexpectedData(ID)).await;
    check(&[head(false), head(false)], Violation::UnexpectedHead(ID)).await;
    check(&[head(false), data(5, true), data(5, true)], Violation::UnexpectedData(ID)).await;
    check(&[Frame::Credit { id: ID, bytes: u32::MAX }], Violation::Overflow(ID)).await;

    let full: Vec<_> = (0..RESPONSE_WINDOW as usize / MAX_DATA).map(|_| data(MAX_DATA, false)).collect();
    let messages = vec![encode(&[head(false)]), encode(&full), encode(&[data(1, false)])];
    a_server_hears(messages, Violation::Credit(ID)).await;
}

/// A worker's task that holds the request and does nothing.
async fn wait(mut incoming: Incoming) {
    incoming.responder.stopped().await;
}

/// A server that says this, in one message each, to a worker.
async fn a_worker_hears(messages: Vec<Bytes>, expect: Violation) {
    let (mut peer, mut worker) = Peer::server(wait).await;
    for message in messages {
        peer.send(Message::Binary(message)).await;
    }
    is_closed_with(&mut peer, &mut worker, expect).await;
    worker.settled().await;
}

#[tokio::test]
async fn of_a_server() {
    for (message, expect) in nonsense() {
        a_worker_hears(vec![message], expect).await;
    }
    let check = async |frames: &[Frame], expect| a_worker_hears(vec![encode(frames)], expect).await;
    check(&[Frame::Head { id: 0, end: true, block: request("/") }], Violation::UnexpectedHead(0)).await;
    check(&[ask(true), ask(true)], Violation::UnexpectedHead(ID)).await;
    check(&[ask(true), data(5, true)], Violation::UnexpectedData(ID)).await;
    check(&[ask(true), Frame::Credit { id: ID, bytes: u32::MAX }], Violation::Overflow(ID)).await;

    let mut messages = vec![encode(&[ask(false)])];
    messages.extend(
        (0..REQUEST_WINDOW as usize / MAX_FIRST_DATA).map(|_| encode(&[data(MAX_FIRST_DATA, false)])),
    );
    messages.push(encode(&[data(1, true)]));
    a_worker_hears(messages, Violation::Credit(ID)).await;
}

#[tokio::test]
async fn a_message_beyond_the_limit_ends_the_tunnel() {
    let (mut peer, mut server) = Peer::worker().await;
    let exchange = server.get("/");
    peer.hear().await;
    peer.try_send(Message::Binary(vec![0; 1024 * 1024 + 1].into())).await;
    let end = server.ended().await;
    assert!(matches!(&end, End::Failed(why) if why.contains("too long")), "{end:?}");
    assert_eq!(peer.hear_close().await, None);
    drop(exchange);
    server.settled().await;
}

/// A peer may do worse than be wrong.
#[tokio::test]
async fn what_is_no_websocket_ends_the_tunnel() {
    let (socket, mut stranger) = crate::support::tcp().await;
    let mut server = Side::server(socket, crate::support::Terms::default()).await;
    tokio::io::AsyncWriteExt::write_all(&mut stranger, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let end = server.ended().await;
    assert!(matches!(end, End::Failed(_)), "{end:?}");
    until(|| server.link.is_closed()).await;
}
