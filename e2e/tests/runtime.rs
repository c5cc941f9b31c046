//! The runtime beside the worker comes, goes and changes.

use llamapool_e2e::client::plain_chat;
use llamapool_e2e::{FakeLlm, MODEL, Pool, Server, Worker, holds, millis, until};

const QUICK: &[(&str, &str)] = &[("MODEL_POLL_INTERVAL", "1s")];

/// A model pulled or removed on the machine is in the pool soon after.
#[tokio::test]
async fn models_follow_the_runtime() {
    let pool = Pool::with(1, &[], QUICK).await;
    pool.llm().set_models(&[MODEL, "new-model"]);
    pool.server.until_models(&[MODEL, "new-model"]).await;
    pool.llm().set_models(&["new-model"]);
    pool.server.until_models(&["new-model"]).await;
    pool.server.post("/v1/chat/completions", &plain_chat("new-model")).whole().await.expect_ok();
    pool.stop().await;
}

/// A runtime that is started after its worker.
#[tokio::test]
async fn a_late_runtime_is_found() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&[MODEL]).await;
    llm.go_away();
    let mut worker =
        Worker::with("w", &server.worker_url(), &llm, &[("STATUS_ADDR", "127.0.0.1:0"), QUICK[0]]);
    let status = worker.status().await;
    let waiting = until("the worker to wait for its runtime", async || {
        let status = status.status().await;
        (status["state"] == "not_ready" && status["last_error"] != "").then_some(status)
    });
    let waiting = waiting.await;
    assert_eq!(
        (&waiting["connected_to_server"], &waiting["connected_to_backend"]),
        (&true.into(), &false.into())
    );
    assert!(waiting["last_error"].is_string(), "no reason in {waiting}");
    assert_eq!(server.healthz().await.status, 503);
    llm.come_back();
    server.until_models(&[MODEL]).await;
    server.post("/v1/chat/completions", &plain_chat(MODEL)).whole().await.expect_ok();
    server.stop().await;
}

/// A runtime that lists nonsense is one without models, not the end of its worker.
#[tokio::test]
async fn a_runtime_with_absurd_models_is_survived() {
    let pool = Pool::with(1, &[], QUICK).await;
    let long = "x".repeat(100_000);
    pool.llm().set_models(&["", &long, "a\u{0}b", MODEL, MODEL]);
    holds(millis(2500), "the list", async || pool.server.models().await).await;
    pool.server.post("/v1/chat/completions", &plain_chat(MODEL)).whole().await.expect_ok();
    pool.stop().await;
}

/// The worker keeps its connections to the runtime: a hundred requests in turn do not take a hundred.
#[tokio::test]
async fn connections_to_the_runtime_are_kept() {
    let pool = Pool::start().await;
    let before = pool.llm().connections();
    for _ in 0..100 {
        pool.server.post("/v1/chat/completions", &plain_chat(MODEL)).whole().await.expect_ok();
    }
    let opened = pool.llm().connections() - before;
    assert!(opened < 20, "{opened} connections for 100 requests in turn");
    pool.stop().await;
}

/// A worker takes no more than it was told, whatever the crowd.
#[tokio::test]
async fn a_worker_keeps_to_its_concurrency() {
    let pool = Pool::with(1, &[], &[("MAX_CONCURRENCY", "3")]).await;
    let crowd = (0..30).map(|_| pool.server.chat(MODEL, &llamapool_e2e::Script::paced(3, 10)).whole());
    let watch = async {
        until("the crowd to be served", async || {
            let open = pool.llm().open();
            assert!(open <= 3, "{open} at a time");
            (pool.llm().seen().len() == 30 && open == 0).then_some(())
        })
        .await;
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(crowd), watch);
    answers.iter().for_each(|answer| {
        answer.expect_ok();
    });
    pool.stop().await;
}
