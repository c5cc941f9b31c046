//! A client that stops reading holds up nobody else and costs bounded memory.

use std::time::Instant;

use llamapool_e2e::fake_llm::sse_whole;
use llamapool_e2e::wait::PATIENCE;
use llamapool_e2e::{MODEL, Pool, Script, millis, secs, until};

const MIB: u64 = 1 << 20;

/// A reader that pauses gets every byte when it goes on.
#[tokio::test]
async fn a_paused_reader_loses_nothing() {
    const TOKENS: u32 = 60_000;
    let pool = Pool::start().await;
    let reply = pool.server.chat(MODEL, &Script::tokens(TOKENS)).send().await;
    // While it is paused, others are served.
    for _ in 0..50 {
        pool.server.chat(MODEL, &Script::tokens(20)).whole().await.expect_ok();
    }
    assert!(reply.whole().await.expect_ok().body == sse_whole(MODEL, TOKENS), "bytes were lost or changed");
    pool.stop().await;
}

/// Fifty people close their laptops in the middle of an answer: the others do not notice, and memory is bounded.
#[tokio::test]
async fn fifty_stalled_readers_harm_nobody() {
    let pool = Pool::with(1, &[], &[("MAX_CONCURRENCY", "200")]).await;
    for _ in 0..20 {
        pool.server.chat(MODEL, &Script::tokens(50)).whole().await.expect_ok();
    }
    let before = (pool.server.rss(), pool.workers[0].rss());
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let mut reply = pool.server.chat(MODEL, &Script::tokens(u32::MAX)).send().await;
        reply.data().await;
        stalled.push(reply);
    }
    for _ in 0..50 {
        let begun = Instant::now();
        pool.server.chat(MODEL, &Script::tokens(50)).whole().await.expect_ok();
        assert!(begun.elapsed() < secs(5), "a request took {:?} beside stalled readers", begun.elapsed());
    }
    let grown = (pool.server.rss().saturating_sub(before.0), pool.workers[0].rss().saturating_sub(before.1));
    assert!(grown.0 < 64 * MIB, "50 stalled readers cost the server {} MiB", grown.0 / MIB);
    assert!(grown.1 < 64 * MIB, "50 stalled readers cost the worker {} MiB", grown.1 / MIB);
    drop(stalled);
    until("the runtime to be rid of them", async || (pool.llm().open() == 0).then_some(())).await;
    pool.stop().await;
}

/// One very slow reader among many: it sees the tokens of its own pace until the end.
#[tokio::test]
async fn a_slow_reader_beside_fast_ones() {
    let pool = Pool::start().await;
    let slow = async {
        let mut reply = pool.server.chat(MODEL, &Script::tokens(20_000)).send().await;
        let mut bytes = Vec::new();
        while let Some(chunk) = reply.chunk().await {
            bytes.extend_from_slice(&chunk.expect("no broken body"));
            tokio::time::sleep(millis(5)).await;
        }
        assert!(bytes == sse_whole(MODEL, 20_000));
    };
    let fast = async {
        for _ in 0..100 {
            let answer = pool.server.chat(MODEL, &Script::tokens(10)).whole();
            tokio::time::timeout(PATIENCE, answer).await.expect("a fast reader").expect_ok();
        }
    };
    tokio::join!(slow, fast);
    pool.stop().await;
}
