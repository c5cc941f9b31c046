//! Large bodies arrive byte for byte, both ways, whatever else goes on.

use futures_util::future::join_all;
use http_body::Body;

use crate::support::answer::echo;
use crate::support::pattern::{HUNDRED_MIB, compare, pattern};
use crate::support::{Tunnel, in_time};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_hundred_mebibytes_arrive_both_ways() {
    several_at_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_mebibytes_arrive_both_ways_on_two_threads() {
    // Not in this task itself, which runs on a thread of its own.
    tokio::spawn(several_at_once()).await.unwrap();
}

async fn several_at_once() {
    let tunnel = Tunnel::new(echo).await;
    let large = [(0, HUNDRED_MIB, true), (0, HUNDRED_MIB, false)];
    let small = (1..=6).map(|n| (n * 7 * MIB + n, 3 * MIB + n, n % 2 == 0));
    join_all(
        large
            .into_iter()
            .chain(small)
            .map(|(from, length, told)| there_and_back(&tunnel, from, length, told)),
    )
    .await;
    tunnel.finish().await;
}

async fn there_and_back(tunnel: &Tunnel, from: usize, length: usize, told: bool) {
    let mut exchange = tunnel.server.ask("/echo", pattern(from, length), told);
    let head = in_time(exchange.head()).await.unwrap();
    let promised = head.headers.get("content-length").map(|length| length.to_str().unwrap().parse().unwrap());
    assert_eq!(promised, told.then_some(length as u64));
    let body = exchange.into_body();
    assert_eq!(body.size_hint().exact(), promised);
    assert_eq!(compare(body, from).await, Ok(length));
}

#[tokio::test]
async fn every_size_around_a_limit_arrives() {
    let tunnel = Tunnel::new(echo).await;
    let limits = [0, 16 * 1024, 64 * 1024, 128 * 1024, MIB, 4 * MIB];
    let sizes = limits.iter().flat_map(|limit: &usize| limit.saturating_sub(1)..=limit + 1);
    join_all(sizes.map(|size| there_and_back(&tunnel, size, size, size % 2 == 0))).await;
    tunnel.finish().await;
}
