//! More requests than the workers can take.

use llamapool_e2e::client::plain_chat;
use llamapool_e2e::{MODEL, Pool, Script, holds, millis, secs};
use serde_json::Value;
use tokio::task::JoinHandle;

const ONE: &[(&str, &str)] = &[("MAX_CONCURRENCY", "1")];

/// Sends a request that the runtime finishes at the test's next step; returns when it waits at its place in line.
async fn line_up(pool: &Pool, name: &str) -> JoinHandle<llamapool_e2e::Whole> {
    let mut body = llamapool_e2e::chat(MODEL, &Script::stepped(1));
    body["user"] = name.into();
    let waiting = tokio::spawn(pool.server.post("/v1/chat/completions", &body).whole());
    if pool.llm().open() == 0 {
        pool.llm().until_open(1).await;
    } else {
        holds(millis(100), "the one being served", async || pool.llm().open()).await;
    }
    waiting
}

/// Requests wait for a free slot and are served in the order in which they came.
#[tokio::test]
async fn waiting_requests_are_served_in_order() {
    let pool = Pool::with(1, &[("QUEUE_SIZE", "10")], ONE).await;
    let mut line = Vec::new();
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        line.push(line_up(&pool, name).await);
    }
    // One token and the `[DONE]` of each.
    pool.llm().step(2 * names.len());
    for waiting in line {
        waiting.await.unwrap().expect_ok();
    }
    let served: Vec<_> = pool
        .llm()
        .seen()
        .iter()
        .map(|seen| {
            let body: Value = serde_json::from_slice(&seen.body).unwrap();
            body["user"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(served, names);
    pool.stop().await;
}

/// When the line is full, a request is refused at once, with a time to come back; never as an unknown model.
#[tokio::test]
async fn a_full_queue_is_a_503_with_retry_after() {
    let pool = Pool::with(1, &[("QUEUE_SIZE", "2")], ONE).await;
    let first = line_up(&pool, "a").await;
    let waiting = [line_up(&pool, "b").await, line_up(&pool, "c").await];
    let refused = pool.server.chat(MODEL, &Script::Answer).whole().await;
    refused.expect_error(503);
    let seconds: u64 = refused.header("retry-after").parse().expect("Retry-After in seconds");
    assert!((1..=60).contains(&seconds), "clients give up on Retry-After: {seconds}");
    pool.llm().step(6);
    first.await.unwrap().expect_ok();
    for one in waiting {
        one.await.unwrap().expect_ok();
    }
    pool.stop().await;
}

/// Nobody waits longer than the longest wait.
#[tokio::test]
async fn the_longest_wait_ends_in_a_503() {
    let pool = Pool::with(1, &[("QUEUE_TIMEOUT", "1s")], ONE).await;
    let first = line_up(&pool, "a").await;
    let waiting = pool.server.chat(MODEL, &Script::Answer).whole();
    let refused = tokio::time::timeout(secs(5), waiting).await.expect("an end of waiting");
    refused.expect_error(503);
    assert!(!refused.header("retry-after").is_empty());
    pool.llm().step(2);
    first.await.unwrap().expect_ok();
    pool.stop().await;
}

/// A line for one model does not hold up another.
#[tokio::test]
async fn a_busy_model_does_not_block_another() {
    let pool = Pool::with(1, &[], ONE).await;
    let other = llamapool_e2e::FakeLlm::start(&["other"]).await;
    let _worker = llamapool_e2e::Worker::start("other", &pool.server.worker_url(), &other);
    pool.server.until_owners("other", 1).await;
    let first = line_up(&pool, "a").await;
    let second = line_up(&pool, "b").await;
    pool.server.post("/v1/chat/completions", &plain_chat("other")).whole().await.expect_ok();
    pool.llm().step(4);
    first.await.unwrap().expect_ok();
    second.await.unwrap().expect_ok();
    pool.stop().await;
}

/// A worker that joins takes over from the line.
#[tokio::test]
async fn a_new_worker_serves_who_waits() {
    let pool = Pool::with(1, &[], ONE).await;
    let first = line_up(&pool, "a").await;
    let waiting = tokio::spawn(pool.server.post("/v1/chat/completions", &plain_chat(MODEL)).whole());
    holds(millis(100), "the wait", async || waiting.is_finished()).await;
    let help = llamapool_e2e::FakeLlm::start(&[MODEL]).await;
    let _worker = llamapool_e2e::Worker::start("help", &pool.server.worker_url(), &help);
    waiting.await.unwrap().expect_ok();
    assert_eq!(help.seen().len(), 1);
    pool.llm().step(2);
    first.await.unwrap().expect_ok();
    pool.stop().await;
}
