//! A client that leaves takes its request with it: the runtime stops working for nobody.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use http::Method;
use llamapool_e2e::client::plain_chat;
use llamapool_e2e::{End, MODEL, Pace, Pool, Script, holds, millis, until};

/// What the product promises.
const PROMISED: Duration = millis(100);

/// Leaves several times and judges by the median: the machine may be busy with something else once or twice.
async fn median(mut leave: impl AsyncFnMut() -> Duration) -> Duration {
    let mut times = Vec::new();
    for _ in 0..5 {
        times.push(leave().await);
    }
    times.sort();
    times[2]
}

/// How long after `left` the runtime's latest request was dropped.
async fn dropped_after(pool: &Pool, left: Instant) -> Duration {
    until("the request to be dropped in the runtime", async || pool.llm().last().dropped_at()).await - left
}

/// Stop is pressed while the model is still thinking.
#[tokio::test]
async fn leaving_before_the_first_byte_cancels() {
    let pool = Pool::start().await;
    let time = median(async || {
        let seen = pool.llm().seen().len();
        let waiting = tokio::spawn(pool.server.chat(MODEL, &Script::HangBeforeHead).try_send());
        pool.llm().until_seen(seen + 1).await;
        let left = Instant::now();
        waiting.abort();
        dropped_after(&pool, left).await
    })
    .await;
    assert!(time < PROMISED, "{time:?}");
    pool.stop().await;
}

/// Stop is pressed while the answer is coming, or has paused.
#[tokio::test]
async fn leaving_in_mid_stream_cancels() {
    let pool = Pool::start().await;
    for pace in [Pace::Every(20), Pace::FlatOut] {
        let time = median(async || {
            let tokens = if matches!(pace, Pace::FlatOut) { 3 } else { 100_000 };
            let script = Script::Stream { tokens, pace, end: End::Hang };
            let mut reply = pool.server.chat(MODEL, &script).send().await;
            reply.data().await;
            let left = Instant::now();
            drop(reply);
            dropped_after(&pool, left).await
        })
        .await;
        assert!(time < PROMISED, "{pace:?}: {time:?}");
    }
    pool.stop().await;
}

/// Stop is pressed although nothing was read for a while and all buffers are full.
#[tokio::test]
async fn leaving_with_full_buffers_cancels() {
    let pool = Pool::start().await;
    let time = median(async || {
        let mut reply = pool.server.chat(MODEL, &Script::tokens(u32::MAX)).send().await;
        reply.data().await;
        holds(millis(200), "the request", async || pool.llm().open()).await;
        let left = Instant::now();
        drop(reply);
        dropped_after(&pool, left).await
    })
    .await;
    assert!(time < PROMISED, "{time:?}");
    pool.stop().await;
}

/// Who leaves while waiting in line never reaches the runtime, and does not keep the place.
#[tokio::test]
async fn leaving_the_queue_cancels() {
    let pool = Pool::with(1, &[("QUEUE_SIZE", "1")], &[("MAX_CONCURRENCY", "1")]).await;
    let first = tokio::spawn(pool.server.chat(MODEL, &Script::stepped(1)).whole());
    pool.llm().until_open(1).await;
    for _ in 0..5 {
        let waiting = tokio::spawn(pool.server.chat(MODEL, &Script::Answer).try_send());
        holds(millis(100), "what the runtime has seen", async || pool.llm().seen().len()).await;
        assert!(!waiting.is_finished(), "the line has one place, which should be free again");
        waiting.abort();
        // Its place is free again as soon as the server has noticed, which the next one in line gives it time for.
        holds(PROMISED, "what the runtime has seen", async || pool.llm().seen().len()).await;
    }
    pool.llm().step(2);
    first.await.unwrap().expect_ok();
    pool.server.chat(MODEL, &Script::Answer).whole().await.expect_ok();
    assert_eq!(pool.llm().seen().len(), 2, "a request whose client had left was run");
    pool.stop().await;
}

/// Who leaves in the middle of sending a request leaves nothing behind.
#[tokio::test]
async fn leaving_in_mid_upload_leaves_nothing() {
    let pool = Pool::start().await;
    for _ in 0..5 {
        let start = Bytes::from(format!(r#"{{"model":"{MODEL}","input":"{}"#, "x".repeat(200_000)));
        let body = stream::iter([start]).chain(stream::pending());
        let ask = pool.server.ask(Method::POST, "/v1/embeddings").header("content-type", "application/json");
        let sending = tokio::spawn(ask.chunked(body).try_send());
        holds(millis(50), "the upload", async || sending.is_finished()).await;
        sending.abort();
    }
    until("nothing to be open", async || (pool.llm().open() == 0).then_some(())).await;
    pool.stop().await;
}

/// Who leaves while a large request is still on its way from the worker to a slow runtime: the rest is not sent.
#[tokio::test]
async fn leaving_while_the_runtime_reads_cancels() {
    let pool = Pool::start().await;
    pool.llm().always(Script::ReadStepped);
    let body = format!(r#"{{"model":"{MODEL}","input":"{}"}}"#, "x".repeat(30 << 20));
    let ask = pool.server.ask(Method::POST, "/v1/embeddings").header("content-type", "application/json");
    let waiting = tokio::spawn(ask.body(body).try_send());
    pool.llm().step(3);
    pool.llm().until_open(1).await;
    waiting.abort();
    holds(PROMISED, "the request", async || pool.llm().seen().len()).await;
    // What is on its way already is read, and then the connection must be closed.
    pool.llm().step(100_000);
    until("the request to be dropped in the runtime", async || pool.llm().last().dropped_at()).await;
    assert_eq!(pool.llm().last().hash, None, "all of a request was sent although its client had left");
    pool.stop().await;
}

/// Hundreds of clients that come and leave at once: all slots are free afterwards.
#[tokio::test]
async fn a_stampede_of_cancels_leaves_the_pool_usable() {
    let pool = Pool::with(1, &[], &[("MAX_CONCURRENCY", "16")]).await;
    pool.llm().always(Script::HangBeforeHead);
    for _ in 0..10 {
        let crowd =
            (0..50).map(|_| tokio::spawn(pool.server.post("/v1/responses", &plain_chat(MODEL)).try_send()));
        let crowd: Vec<_> = crowd.collect();
        pool.llm().until_open(16).await;
        crowd.iter().for_each(tokio::task::JoinHandle::abort);
        pool.llm().until_open(0).await;
    }
    pool.llm().always(Script::Answer);
    for _ in 0..20 {
        pool.server.post("/v1/responses", &plain_chat(MODEL)).whole().await.expect_ok();
    }
    pool.stop().await;
}
