//! Streams in great number: held open, and gone at once.

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use llamapool_tunnel::control::MAX_STREAMS;
use llamapool_tunnel::{Incoming, head};

use crate::support::answer::{echo, status};
use crate::support::{Tunnel, in_time, read, until};

const HELD: usize = 2_000;

async fn a_token_then_silence(mut incoming: Incoming) {
    if incoming.head.target == "/echo" {
        return echo(incoming).await;
    }
    incoming.responder.respond(status(200), Bytes::from_static(b"token"), false);
    incoming.responder.stopped().await;
}

#[tokio::test]
async fn two_thousand_streams_are_held_and_dropped_at_once() {
    let tunnel = Tunnel::new(a_token_then_silence).await;
    let held = join_all((0..HELD).map(|_| async {
        let mut exchange = tunnel.server.get("/hold");
        exchange.head().await.unwrap();
        let mut body = exchange.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "token");
        body
    }));
    let held = in_time(held).await;
    assert_eq!((tunnel.server.link.streams(), tunnel.worker.link.streams()), (HELD, HELD));
    drop(held);
    assert_eq!(tunnel.server.link.streams(), 0);
    tunnel.settled().await;
    let echoed = read(tunnel.server.ask("/echo", "still here".into(), true)).await.unwrap();
    assert_eq!(echoed.1, "still here");
    tunnel.finish().await;
}

/// Together these heads are several times as large as the largest message a peer takes.
#[tokio::test]
async fn as_many_requests_with_long_heads_as_streams_are_opened_and_answered_at_once() {
    let mut headers = HeaderMap::new();
    headers.insert("x-long", HeaderValue::from_str(&"x".repeat(2_000)).unwrap());
    let answer = head::encode_response(http::StatusCode::OK, &headers).unwrap();
    let question = head::encode_request(&Method::GET, "/", &headers).unwrap();
    let tunnel = Tunnel::new(move |Incoming { mut responder, .. }| {
        let answer = answer.clone();
        async move { responder.respond(answer, Bytes::from_static(b"fine"), true) }
    })
    .await;
    let asked: Vec<_> =
        (0..MAX_STREAMS).map(|_| tunnel.server.link.open(question.clone(), Bytes::new()).unwrap()).collect();
    until(|| tunnel.server.link.is_closed() || tunnel.worker.link.streams() > 0).await;
    for exchange in asked {
        assert_eq!(read(exchange).await.unwrap().1, "fine");
    }
    tunnel.finish().await;
}
