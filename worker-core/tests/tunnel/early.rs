//! A worker that answers before it has read the request.

use bytes::Bytes;
use llamapool_worker_core::tunnel::Incoming;
use llamapool_worker_core::tunnel::control::REQUEST_WINDOW;

use crate::support::answer::{echo, give, next, status};
use crate::support::cable::Cable;
use crate::support::pattern::{HUNDRED_MIB, compare, pattern};
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
    assert_eq!(compare(exchange.into_body(None), 3).await, Ok(length));
    tunnel.settled().await;
    let carried = cable.to_worker();
    assert!(carried < 2 * u64::from(REQUEST_WINDOW), "{carried} bytes of the upload went out");
    tunnel.finish().await;
}
