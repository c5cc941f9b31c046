//! Clients that leave, ten thousand in a row, at every stage of an exchange.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::BodyExt;
use llamapool_tunnel::Incoming;
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::mux::{Lost, Windows};

use crate::support::answer::{echo, give, next, status};
use crate::support::pattern::{compare, pattern};
use crate::support::{Terms, Tunnel, in_time, tcp, until};

const CANCELS: usize = 10_000;

/// Small, so that ten thousand uploads cut short are not gigabytes.
const SMALL: Terms = Terms {
    replies: Windows { initial: 8 * 1024, max: 32 * 1024 },
    requests: Windows { initial: 16 * 1024, max: 64 * 1024 },
    keepalive: std::time::Duration::from_secs(15),
};

/// A body larger than every window and every buffer passes both ways, and nothing is left.
async fn all_is_well(tunnel: Tunnel) {
    tunnel.settled().await;
    let length = 6 * 1024 * 1024;
    let mut exchange = tunnel.server.ask("/echo", pattern(5, length), true);
    in_time(exchange.head()).await.unwrap();
    assert_eq!(compare(exchange.into_body(), 5).await, Ok(length));
    tunnel.finish().await;
}

#[tokio::test]
async fn before_the_head() {
    let tunnel = Tunnel::new(|mut incoming: Incoming| async move {
        if incoming.head.target == "/echo" {
            return echo(incoming).await;
        }
        incoming.responder.stopped().await;
    })
    .await;
    for n in 0..CANCELS {
        let exchange = tunnel.server.ask("/", Bytes::from_static(b"{}"), true);
        match n % 3 {
            0 => {} // HEAD and RESET travel in one message
            1 => tokio::task::yield_now().await,
            _ => until(|| tunnel.worker.link.streams() > 0).await,
        }
        drop(exchange);
    }
    all_is_well(tunnel).await;
}

#[tokio::test]
async fn in_the_middle_of_the_answer() {
    let stopped = Arc::new(AtomicUsize::new(0));
    let count = stopped.clone();
    let tunnel = Tunnel::with(SMALL, tcp().await, move |mut incoming: Incoming| {
        let count = count.clone();
        async move {
            if incoming.head.target == "/echo" {
                return echo(incoming).await;
            }
            let given = give(&mut incoming.responder, pattern(0, 1024 * 1024), 3_000, |_| {}).await;
            count.fetch_add(usize::from(given.is_err()), Ordering::Relaxed);
        }
    })
    .await;
    for n in 0..CANCELS {
        let mut exchange = tunnel.server.get("/");
        in_time(exchange.head()).await.unwrap();
        let mut body = exchange.into_body();
        for _ in 0..n % 4 {
            in_time(body.frame()).await.unwrap().unwrap();
        }
    }
    tunnel.settled().await;
    assert_eq!(stopped.load(Ordering::Relaxed), CANCELS, "every answer was stopped");
    all_is_well(tunnel).await;
}

#[tokio::test]
async fn in_the_middle_of_the_upload() {
    let cancelled = Arc::new(AtomicUsize::new(0));
    let count = cancelled.clone();
    let tunnel = Tunnel::with(SMALL, tcp().await, move |mut incoming: Incoming| {
        let count = count.clone();
        async move {
            if incoming.head.target == "/echo" {
                return echo(incoming).await;
            }
            next(&mut incoming.body).await.unwrap().unwrap();
            incoming.responder.respond(status(200), Bytes::new(), false);
            incoming.responder.stopped().await;
            let lost = loop {
                if let Err(lost) = next(&mut incoming.body).await.unwrap() {
                    break lost;
                }
            };
            assert!(matches!(lost, Lost::Reset(Code::Cancel, _)), "{lost}");
            count.fetch_add(1, Ordering::Relaxed);
        }
    })
    .await;
    for _ in 0..CANCELS {
        let mut exchange = tunnel.server.ask("/", pattern(0, 256 * 1024), true);
        in_time(exchange.head()).await.unwrap();
    }
    tunnel.settled().await;
    assert_eq!(cancelled.load(Ordering::Relaxed), CANCELS, "every upload was cancelled");
    all_is_well(tunnel).await;
}
