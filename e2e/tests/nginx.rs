//! nginx as reverse proxy in front of everything, as people have it on their servers.

use http::Method;
use llamapool_e2e::fake_llm::sse_token;
use llamapool_e2e::nginx::Nginx;
use llamapool_e2e::server::{API_KEY, worker_url};
use llamapool_e2e::{Ask, Cut, End, FakeLlm, MODEL, Pace, Script, Server, Worker, chat, holds, secs};

/// Seconds of silence after which this nginx closes a connection.
const READ_TIMEOUT: u32 = 6;

/// API and worker link both go through nginx: streams flow, and the link outlives nginx's patience although nobody uses it.
#[tokio::test]
async fn everything_works_behind_nginx() {
    let server = Server::start().await;
    let Some(nginx) = Nginx::before(server.addr, READ_TIMEOUT).await else { return };
    // Between worker and nginx, to count how often the worker dials.
    let wire = Cut::before(nginx.addr).await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let _worker = Worker::start("behind", &worker_url(wire.addr), &llm);
    server.until_owners(MODEL, 1).await;
    let ask = |script: &Script| {
        Ask::new(nginx.addr, Method::POST, "/api/v1/chat/completions").key(API_KEY).json(&chat(MODEL, script))
    };

    llm.step(1);
    let mut reply = ask(&Script::stepped(5)).send().await;
    for at in 0..5 {
        assert_eq!(reply.data().await, sse_token(MODEL, at));
        llm.step(1);
    }
    reply.whole().await;

    let dialled = wire.accepted();
    holds(secs(u64::from(READ_TIMEOUT) * 2 + 1), "the worker's link", async || wire.accepted()).await;
    assert_eq!(wire.accepted(), dialled);
    ask(&Script::tokens(10)).whole().await.expect_ok();

    let hanging = Script::Stream { tokens: 1, pace: Pace::FlatOut, end: End::Hang };
    let mut left = ask(&hanging).send().await;
    left.data().await;
    drop(left);
    llm.until_open(0).await;
    server.stop().await;
}

/// A stream that dies behind nginx does not look complete before it.
#[tokio::test]
async fn a_dying_stream_is_unclean_through_nginx() {
    let server = Server::start().await;
    let Some(nginx) = Nginx::before(server.addr, READ_TIMEOUT).await else { return };
    let llm = FakeLlm::start(&[MODEL]).await;
    let _worker = Worker::start("behind", &worker_url(nginx.addr), &llm);
    server.until_owners(MODEL, 1).await;
    let dying = Script::Stream { tokens: 2, pace: Pace::FlatOut, end: End::Die };
    let ask =
        Ask::new(nginx.addr, Method::POST, "/v1/chat/completions").key(API_KEY).json(&chat(MODEL, &dying));
    let reply = ask.whole().await;
    assert!(reply.broken.is_some() && reply.text().contains("\"error\""), "{}", reply.text());
    server.stop().await;
}
