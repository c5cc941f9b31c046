//! A worker that answers before it has read the request.

use bytes::Bytes;
use llamapool_tunnel::Incoming;
use llamapool_tunnel::control::REQUEST_WINDOW;
use llamapool_tunnel::frame::{Code, Frame};

use crate::support::answer::{echo, give, next, status};
use crate::support::cable::Cable;
use crate::support::pattern::{HUNDRED_MIB, compare, pattern};
use crate::support::peer::{Peer, request};
use crate::support::{Terms, Tunnel, in_time, read};

#[tokio::test]
async fn a_413_ends_the_upload() {
    let (cable, wire) = Cable::new().await;
    let tunnel = Tunnel::with(Terms::default(), wire, |mut incoming: Incoming| async move {
        if incoming.head.target == "/echo" {
            return echo(incoming).await;
        }
        next(&mut incoming.body).await.unwrap().unwrap();
        incoming.responder.respond(status(413), Bytes::from_static(b"too large"), true);
    })
    .await;
    let asked = tunnel.server.ask("/upload", pattern(0, HUNDRED_MIB), true);
    let (status, body) = read(asked).await.unwrap();
    assert_eq!((status.as_u16(), body), (413, Bytes::from_static(b"too large")));
    tunnel.settled().await;
    assert_eq!(read(tunnel.server.ask("/echo", "next".into(), true)).await.unwrap().1, "next");
    let carried = cable.to_worker();
    // The window, its first growth, and the frames' headers with room to spare.
    assert!(carried < 3 * u64::from(REQUEST_WINDOW), "{carried} bytes of the upload went out");
    tunnel.finish().await;
}

/// STOP ends the upload only: the answer is whole, however long it is.
#[tokio::test]
async fn an_answer_goes_on_after_the_upload_was_stopped() {
    let (cable, wire) = Cable::new().await;
    let length = 5_000_000;
    let tunnel = Tunnel::with(Terms::default(), wire, move |incoming: Incoming| async move {
        let Incoming { body, mut responder, .. } = incoming;
        drop(body);
        give(&mut responder, pattern(3, length), 10_000, |_| {}).await.unwrap();
    })
    .await;
    let mut exchange = tunnel.server.ask("/upload", pattern(0, HUNDRED_MIB), false);
    assert_eq!(in_time(exchange.head()).await.unwrap().status, 200);
    assert_eq!(compare(exchange.into_body(), 3).await, Ok(length));
    tunnel.settled().await;
    let carried = cable.to_worker();
    assert!(carried < 2 * u64::from(REQUEST_WINDOW), "{carried} bytes of the upload went out");
    tunnel.finish().await;
}

#[tokio::test]
async fn a_worker_that_wants_no_more_of_the_request_says_so_at_once() {
    let (mut peer, _worker) = Peer::server(|incoming: Incoming| async move {
        let Incoming { body, mut responder, .. } = incoming;
        drop(body);
        responder.stopped().await;
    })
    .await;
    peer.say(&[Frame::Head { id: 1, end: false, block: request("/") }]).await;
    assert!(matches!(peer.hear().await, Frame::Reset { id: 1, code: Code::Stop, .. }));
    peer.say(&[Frame::Data { id: 1, end: false, body: pattern(0, 1_000) }]).await;
    peer.hear_silence().await;
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_sends_no_more_and_takes_the_answer() {
    let (mut peer, server) = Peer::worker().await;
    let exchange = server.ask("/", pattern(0, 5_000_000), true);
    let Frame::Head { id, end: false, .. } = peer.hear().await else { panic!("not a HEAD") };
    assert_eq!(peer.hear_data(REQUEST_WINDOW as usize).await, REQUEST_WINDOW as usize);
    let stop = Frame::Reset { id, code: Code::Stop, text: String::new() };
    peer.say(&[stop, Frame::Credit { id, bytes: 1_000_000 }]).await;
    peer.hear_silence().await;
    let head = Frame::Head { id, end: false, block: status(413) };
    peer.say(&[head, Frame::Data { id, end: true, body: pattern(0, 10) }]).await;
    assert_eq!(read(exchange).await.unwrap(), (http::StatusCode::PAYLOAD_TOO_LARGE, pattern(0, 10)));
    peer.hear_silence().await; // no RESET: nothing was cancelled
}
