//! What a peer may say, in whatever messages and whatever order: it is understood, or rightly ignored.

use bytes::Bytes;
use http_body_util::BodyExt;
use llamapool_tunnel::frame::{Code, Frame, StreamId};
use llamapool_tunnel::mux::Lost;
use tokio_tungstenite::tungstenite::Message;

use crate::support::answer::{echo, status};
use crate::support::pattern::{compare, pattern};
use crate::support::peer::{Peer, encode, request};
use crate::support::{in_time, read};

fn head(id: StreamId, end: bool) -> Frame {
    Frame::Head { id, end, block: status(200) }
}

fn data(id: StreamId, end: bool, body: &'static str) -> Frame {
    Frame::Data { id, end, body: body.into() }
}

fn reset(id: StreamId, code: Code) -> Frame {
    Frame::Reset { id, code, text: String::new() }
}

/// One more exchange, to show that the tunnel is well; a worker by script hears the request and gives the answer.
async fn exchange_works(peer: &mut Peer, server: &crate::support::Side) {
    let exchange = server.get("/well");
    let id = loop {
        if let Frame::Head { id, .. } = peer.hear().await {
            break id;
        }
    };
    peer.say(&[head(id, false), data(id, true, "well")]).await;
    assert_eq!(read(exchange).await.unwrap().1, "well");
    server.settled().await;
}

#[tokio::test]
async fn many_frames_of_many_streams_in_one_message() {
    let (mut peer, worker) = Peer::server(echo).await;
    let ask = |id, end| Frame::Head { id, end, block: request("/") };
    let (one, two, ping) = (data(1, false, "on"), data(2, true, "two"), Frame::Ping);
    peer.say(&[ask(1, false), one, ask(3, true), ask(2, false), two, ping, data(1, true, "e")]).await;
    let mut bodies = [const { String::new() }; 4];
    let mut open = 3;
    while open > 0 {
        match peer.hear().await {
            Frame::Data { id, end, body } => {
                bodies[id as usize].push_str(std::str::from_utf8(&body).unwrap());
                open -= u32::from(end);
            }
            Frame::Head { end: false, .. } | Frame::Pong => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bodies, ["", "one", "two", ""]);
    worker.settled().await;
}

/// A proxy may cut a message into pieces and put pings between them.
#[tokio::test]
async fn messages_in_fragments_with_pings_and_unknown_texts_between() {
    for piece in [1, 7, 1_000] {
        let (mut peer, server) = Peer::worker().await;
        let length = 3_000;
        let mut exchange = server.get("/");
        let Frame::Head { id, .. } = peer.hear().await else { panic!("not a HEAD") };
        peer.send(Message::text(r#"{"t":"song","words":["la"]}"#)).await;
        peer.say_in_pieces(&encode(&[head(id, false)]), piece).await;
        peer.send(Message::text("no JSON at all")).await;
        peer.send(Message::Binary(Bytes::new())).await;
        peer.say_in_pieces(&encode(&[Frame::Data { id, end: true, body: pattern(9, length) }]), piece).await;
        assert_eq!(in_time(exchange.head()).await.unwrap().status, 200);
        assert_eq!(compare(exchange.into_body(), 9).await, Ok(length));
        exchange_works(&mut peer, &server).await;
    }
}

#[tokio::test]
async fn a_worker_understands_fragments_too() {
    let (mut peer, _worker) = Peer::server(echo).await;
    let frames = [Frame::Head { id: 1, end: false, block: request("/") }, data(1, true, "in pieces")];
    peer.say_in_pieces(&encode(&frames), 3).await;
    assert_eq!(peer.hear().await, head(1, false));
    assert_eq!(peer.hear_data("in pieces".len()).await, "in pieces".len());
}

#[tokio::test]
async fn the_largest_message_is_understood() {
    let (mut peer, _worker) = Peer::server(echo).await;
    peer.say(&vec![Frame::Ping; 1024 * 1024 / 8]).await;
    assert_eq!(peer.hear().await, Frame::Pong);
    peer.hear_silence().await; // one PONG was all
}

/// Everything that may still be under way for a stream when the server is done with it.
#[tokio::test]
async fn a_server_ignores_what_comes_late() {
    let (mut peer, server) = Peer::worker().await;
    for finished in [true, false] {
        let mut exchange = server.get("/");
        let Frame::Head { id, .. } = peer.hear().await else { panic!("not a HEAD") };
        peer.say(&[head(id, false), data(id, finished, "answer")]).await;
        in_time(exchange.head()).await.unwrap();
        let mut body = exchange.into_body();
        assert_eq!(in_time(body.frame()).await.unwrap().unwrap().into_data().unwrap(), "answer");
        drop(body);
        if !finished {
            assert_eq!(peer.hear().await, reset(id, Code::Cancel));
        }
        let credit = Frame::Credit { id, bytes: u32::MAX };
        let late = [data(id, false, "late"), data(id, true, "later"), credit, head(id, true)];
        peer.say(&late).await;
        peer.say(&[reset(id, Code::Backend), reset(id, Code::Stop), reset(id + 1_000, Code::Cancel)]).await;
        peer.hear_silence().await;
        exchange_works(&mut peer, &server).await;
    }
}

#[tokio::test]
async fn a_worker_ignores_what_comes_late() {
    let (mut peer, worker) = Peer::server(echo).await;
    peer.say(&[Frame::Head { id: 5, end: true, block: request("/") }]).await;
    assert_eq!(peer.hear().await, head(5, false));
    assert_eq!(peer.hear().await, data(5, true, ""));
    worker.settled().await;
    let credit = Frame::Credit { id: 5, bytes: u32::MAX };
    peer.say(&[reset(5, Code::Cancel), data(5, false, "late"), data(5, true, ""), credit]).await;
    peer.hear_silence().await;
    // The id is free again, as it is when ids have wrapped.
    peer.say(&[Frame::Head { id: 5, end: false, block: request("/") }, data(5, true, "again")]).await;
    assert_eq!(peer.hear().await, head(5, false));
    assert_eq!(peer.hear_data(5).await, 5);
    worker.settled().await;
}

#[tokio::test]
async fn a_reset_after_the_end_of_the_answer_harms_nothing() {
    let (mut peer, server) = Peer::worker().await;
    let exchange = server.get("/");
    let Frame::Head { id, .. } = peer.hear().await else { panic!("not a HEAD") };
    peer.say(&[head(id, true), reset(id, Code::Backend)]).await;
    assert_eq!(read(exchange).await.unwrap().1, "");
    exchange_works(&mut peer, &server).await;
}

/// What follows a reset is the tail of something given up: a HEAD there does not make an answer of it.
#[tokio::test]
async fn a_head_after_a_reset_is_not_an_answer() {
    let (mut peer, server) = Peer::worker().await;
    let mut exchange = server.get("/");
    let Frame::Head { id, .. } = peer.hear().await else { panic!("not a HEAD") };
    peer.say(&[reset(id, Code::Refused), head(id, true)]).await;
    peer.hear_silence().await; // both are there before anybody looks
    assert_eq!(in_time(exchange.head()).await, Err(Lost::Reset(Code::Refused, String::new())));
    drop(exchange);
    exchange_works(&mut peer, &server).await;
}

#[tokio::test]
async fn a_request_that_is_reset_in_the_same_message_reaches_no_one_for_long() {
    let (mut peer, worker) = Peer::server(echo).await;
    let ask = |id| Frame::Head { id, end: false, block: request("/") };
    peer.say(&[ask(1), data(1, false, "x"), reset(1, Code::Cancel), ask(2), data(2, true, "y")]).await;
    loop {
        if let Frame::Data { id: 2, end: true, .. } = peer.hear().await {
            break;
        }
    }
    worker.settled().await;
}

/// A head that is not HTTP spoils its own stream only.
#[tokio::test]
async fn rubbish_in_a_head_resets_the_stream_and_nothing_else() {
    let rubbish = Bytes::from_static(b"rubbish");
    let (mut peer, worker) = Peer::server(echo).await;
    peer.say(&[Frame::Head { id: 1, end: true, block: rubbish.clone() }]).await;
    assert!(matches!(peer.hear().await, Frame::Reset { id: 1, code: Code::Protocol, .. }));
    worker.settled().await;
    peer.hear_silence().await;

    let (mut peer, server) = Peer::worker().await;
    let exchange = server.get("/");
    let Frame::Head { id, .. } = peer.hear().await else { panic!("not a HEAD") };
    peer.say(&[Frame::Head { id, end: true, block: rubbish }]).await;
    assert!(matches!(read(exchange).await, Err(Lost::Reset(Code::Protocol, _))));
    exchange_works(&mut peer, &server).await;
}
