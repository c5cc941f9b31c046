//! A worker that drains refuses what is new and finishes what is open.

use bytes::Bytes;
use http_body_util::BodyExt;
use llamapool_tunnel::Incoming;
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::mux::Lost;

use crate::support::answer::{next, status};
use crate::support::pattern::{compare, pattern};
use crate::support::{Tunnel, in_time, read, until};

async fn slow_echo(Incoming { mut body, mut responder, .. }: Incoming) {
    responder.respond(status(200), Bytes::new(), false);
    while let Some(chunk) = next(&mut body).await {
        responder.ready().await.unwrap();
        responder.send(chunk.unwrap(), false);
    }
    responder.ready().await.unwrap();
    responder.send(Bytes::new(), true);
}

#[tokio::test]
async fn what_is_new_is_refused_and_what_is_open_finishes() {
    let tunnel = Tunnel::new(slow_echo).await;
    let length = 4_000_000;
    let mut open = tunnel.server.ask("/", pattern(0, length), true);
    in_time(open.head()).await.unwrap();
    let mut open = open.into_body();
    let first = in_time(open.frame()).await.unwrap().unwrap().into_data().unwrap();

    tunnel.worker.link.refuse(true);
    for body in [Bytes::new(), pattern(0, 100), pattern(0, 3_000_000)] {
        let lost = read(tunnel.server.ask("/", body, true)).await.unwrap_err();
        assert!(matches!(lost, Lost::Reset(Code::Refused, _)), "{lost}");
    }
    assert_eq!(compare(open, first.len()).await, Ok(length - first.len()));

    tunnel.worker.link.refuse(false);
    assert_eq!(read(tunnel.server.ask("/", "back".into(), true)).await.unwrap().1, "back");
    tunnel.finish().await;
}

/// Requests that cross the word of the drain on the wire: each is either answered or refused, never lost.
#[tokio::test]
async fn requests_that_cross_the_drain_are_answered_or_refused() {
    let tunnel = Tunnel::new(slow_echo).await;
    let asked: Vec<_> = (0..500).map(|n| tunnel.server.ask("/", pattern(n, 2_000), true)).collect();
    until(|| tunnel.worker.link.streams() > 0).await;
    tunnel.worker.link.refuse(true);
    let late: Vec<_> = (0..500).map(|n| tunnel.server.ask("/", pattern(n, 2_000), true)).collect();
    let (mut answered, mut refused) = (0, 0);
    for (n, exchange) in asked.into_iter().chain(late).enumerate() {
        match read(exchange).await {
            Ok((_, body)) => {
                assert!(body == pattern(n % 500, 2_000));
                answered += 1;
            }
            Err(Lost::Reset(Code::Refused, _)) => refused += 1,
            Err(lost) => panic!("{lost}"),
        }
    }
    assert!(answered > 0 && refused >= 500, "{answered} answered, {refused} refused");
    tunnel.finish().await;
}
