//! Back-pressure: a reader that stops costs one window and delays nobody; a sender never sends beyond what it was granted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::BodyExt;
use llamapool_tunnel::Incoming;
use llamapool_tunnel::control::{REQUEST_WINDOW, RESPONSE_WINDOW};
use llamapool_tunnel::frame::{Frame, MAX_DATA};

use crate::support::answer::{echo, give, next, status};
use crate::support::pattern::{compare, pattern};
use crate::support::peer::{Peer, request};
use crate::support::{Terms, Tunnel, in_time, read, until};

const STALLED: usize = 50;

#[tokio::test]
async fn readers_of_tokens_that_stall_delay_nobody() {
    stalled(20).await;
}

#[tokio::test]
async fn readers_of_large_chunks_that_stall_delay_nobody() {
    stalled(64 * 1024).await;
}

/// What each answer's task has handed over so far.
type Sent = Arc<[AtomicUsize; STALLED]>;

async fn flood(mut incoming: Incoming, piece: usize, sent: Sent) {
    let Ok(which) = incoming.head.target.trim_start_matches('/').parse::<usize>() else {
        return echo(incoming).await;
    };
    let add = |bytes| {
        sent[which].fetch_add(bytes, Ordering::Relaxed);
    };
    let _ = give(&mut incoming.responder, pattern(which, 8 * 1024 * 1024), piece, add).await;
}

async fn stalled(piece: usize) {
    let sent: Sent = Arc::new([const { AtomicUsize::new(0) }; STALLED]);
    let shared = sent.clone();
    let tunnel = Tunnel::new(move |incoming| flood(incoming, piece, shared.clone())).await;
    let bodies = join_all((0..STALLED).map(async |which| {
        let mut exchange = tunnel.server.get(&format!("/{which}"));
        exchange.head().await.unwrap();
        exchange.into_body()
    }));
    let mut bodies = in_time(bodies).await;

    small_exchanges(&tunnel).await; // while the windows fill
    let window = RESPONSE_WINDOW as usize;
    until(|| sent.iter().all(|sent| sent.load(Ordering::Relaxed) >= window)).await;
    small_exchanges(&tunnel).await; // and when they are full
    for sent in sent.iter() {
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent <= window + piece, "{sent} bytes of one answer are under way");
    }

    assert_eq!(
        compare(bodies.pop().unwrap(), STALLED - 1).await,
        Ok(8 * 1024 * 1024),
        "it was not forgotten"
    );
    drop(bodies);
    tunnel.finish().await;
}

async fn small_exchanges(tunnel: &Tunnel) {
    for n in 0..300 {
        let asked = pattern(n, 500);
        assert_eq!(read(tunnel.server.ask("/echo", asked.clone(), true)).await.unwrap().1, asked);
    }
}

#[tokio::test]
async fn a_slow_reader_makes_the_sender_wait() {
    const PIECE: usize = 5_000;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let tunnel = Tunnel::new(move |mut incoming: Incoming| {
        let count = count.clone();
        async move {
            let add = |bytes| {
                count.fetch_add(bytes, Ordering::Relaxed);
            };
            give(&mut incoming.responder, pattern(0, 3_000_000), PIECE, add).await.unwrap();
        }
    })
    .await;
    let mut exchange = tunnel.server.get("/");
    in_time(exchange.head()).await.unwrap();
    let mut body = exchange.into_body();
    let (mut read, mut most) = (0, 0);
    while let Some(frame) = in_time(body.frame()).await {
        read += frame.unwrap().into_data().unwrap().len();
        for _ in 0..20 {
            tokio::task::yield_now().await; // the sender runs as far as it may
        }
        most = most.max(sent.load(Ordering::Relaxed) - read);
    }
    assert_eq!(read, 3_000_000);
    let window = Terms::default().replies;
    assert!(most <= window.max as usize + PIECE, "{most} bytes were under way");
    assert!(
        most >= window.initial as usize,
        "only {most} bytes were under way: there was nothing to wait for"
    );
    drop(body);
    tunnel.finish().await;
}

/// Grants of any size: a byte, less than a frame, many frames.
const GRANTS: [u32; 6] = [1, 999, MAX_DATA as u32, 3, 200_000, 70_001];

#[tokio::test]
async fn an_answer_never_exceeds_what_was_granted() {
    let give_all = |mut incoming: Incoming| async move {
        let _ = give(&mut incoming.responder, pattern(0, 5_000_000), 30_000, |_| {}).await;
    };
    let (mut peer, _worker) = Peer::server(give_all).await;
    peer.say(&[Frame::Head { id: 7, end: true, block: request("/") }]).await;
    assert!(matches!(peer.hear().await, Frame::Head { id: 7, end: false, .. }));
    assert_eq!(peer.hear_data(RESPONSE_WINDOW as usize).await, RESPONSE_WINDOW as usize);
    peer.hear_silence().await;
    for bytes in GRANTS {
        peer.say(&[Frame::Credit { id: 7, bytes }]).await;
        assert_eq!(peer.hear_data(bytes as usize).await, bytes as usize);
        peer.hear_silence().await;
    }
}

#[tokio::test]
async fn an_upload_never_exceeds_what_was_granted() {
    let (mut peer, server) = Peer::worker().await;
    let _exchange = server.ask("/", pattern(0, 5_000_000), true);
    let Frame::Head { id, end: false, .. } = peer.hear().await else { panic!("not a HEAD") };
    assert_eq!(peer.hear_data(REQUEST_WINDOW as usize).await, REQUEST_WINDOW as usize);
    peer.hear_silence().await;
    for bytes in GRANTS {
        peer.say(&[Frame::Credit { id, bytes }]).await;
        assert_eq!(peer.hear_data(bytes as usize).await, bytes as usize);
        peer.hear_silence().await;
    }
}

/// A worker that reads nothing is granted to nothing: credit comes for what was read only.
#[tokio::test]
async fn credit_is_granted_for_what_was_read() {
    let (mut peer, _worker) = Peer::server(|mut incoming: Incoming| async move {
        let quarter = REQUEST_WINDOW as usize / 4;
        let mut read = 0;
        while read < quarter {
            read += next(&mut incoming.body).await.unwrap().unwrap().len();
        }
        incoming.responder.respond(status(200), Bytes::new(), false);
        incoming.responder.stopped().await;
    })
    .await;
    let quarter = REQUEST_WINDOW as usize / 4 / MAX_DATA;
    peer.say(&[Frame::Head { id: 1, end: false, block: request("/") }]).await;
    for n in 0..quarter {
        peer.say(&[Frame::Data { id: 1, end: false, body: pattern(n * MAX_DATA, MAX_DATA) }]).await;
    }
    let mut granted = 0;
    loop {
        match peer.hear().await {
            Frame::Credit { id: 1, bytes } => granted += bytes,
            Frame::Head { id: 1, .. } => break,
            other => panic!("{other:?}"),
        }
    }
    peer.hear_silence().await;
    let doubled = REQUEST_WINDOW;
    assert_eq!(
        granted,
        REQUEST_WINDOW / 4 + doubled,
        "what was read, and the growth of a reader that keeps up"
    );
}
