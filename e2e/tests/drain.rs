//! Stopping without breaking anything.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use http::Method;
use llamapool_e2e::client::Ask;
use llamapool_e2e::fake_llm::sse_whole;
use llamapool_e2e::{End, MODEL, Pace, Pool, Script, Worker, holds, millis, secs, until};

/// Workers are restarted one after the other while people use the pool: no request fails.
#[tokio::test]
async fn a_rolling_restart_of_workers_fails_no_request() {
    let mut pool = Pool::with(2, &[], &[]).await;
    let (done, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (server, llms, workers) = (&pool.server, &pool.llms, &mut pool.workers);
    let user = async |stream: bool| {
        while !over.load(Ordering::SeqCst) {
            let script = if stream { Script::paced(10, 10) } else { Script::Answer };
            let answer = server.chat(MODEL, &script).whole().await;
            answer.expect_ok();
            if stream {
                assert!(answer.body == sse_whole(MODEL, 10), "{}", answer.text());
            }
            done.fetch_add(1, Ordering::SeqCst);
        }
    };
    let restarts = async {
        for (at, worker) in workers.iter_mut().enumerate() {
            let served = done.load(Ordering::SeqCst);
            until("the load", async || (done.load(Ordering::SeqCst) > served + 30).then_some(())).await;
            worker.sigterm();
            assert_eq!(worker.wait_exit(secs(10)).await.1, Some(0));
            *worker = Worker::start(&format!("w{at}"), &server.worker_url(), &llms[at]);
            server.until_owners(MODEL, 2).await;
        }
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(join_all((0..8).map(|at| user(at % 2 == 0))), restarts);
    pool.stop().await;
}

/// The server is asked to stop: it takes nothing new, finishes what is open, and then ends, all at once.
#[tokio::test]
async fn a_stopping_server_finishes_what_is_open() {
    let mut pool = Pool::start().await;
    pool.llm().step(1);
    let mut open = pool.server.chat(MODEL, &Script::stepped(5)).send().await;
    open.data().await;
    pool.server.sigterm();
    until("healthz to say no", async || (pool.server.healthz().await.status == 503).then_some(())).await;
    assert!(pool.server.healthz().await.text().contains("drain"), "{}", pool.server.healthz().await.text());
    pool.server.chat(MODEL, &Script::Answer).whole().await.expect_error(503);
    pool.llm().step(5);
    let rest = open.whole().await;
    assert!(rest.text().ends_with("data: [DONE]\n\n") && rest.broken.is_none(), "{rest:?}");
    let (time, code) = pool.server.wait_exit(secs(5)).await;
    assert_eq!(code, Some(0), "after {time:?}");
}

/// Ctrl-C does the same.
#[tokio::test]
async fn an_idle_server_and_an_idle_worker_stop_at_once() {
    let mut pool = Pool::start().await;
    pool.workers[0].sigint();
    assert_eq!(pool.workers[0].wait_exit(secs(5)).await.1, Some(0));
    pool.server.sigint();
    assert_eq!(pool.server.wait_exit(secs(5)).await.1, Some(0));
}

/// A request that waits in line when the server is asked to stop is an open one.
#[tokio::test]
async fn a_stopping_server_serves_its_line() {
    let mut pool = Pool::with(1, &[], &[("MAX_CONCURRENCY", "1")]).await;
    let first = tokio::spawn(pool.server.chat(MODEL, &Script::stepped(1)).whole());
    pool.llm().until_open(1).await;
    let second = tokio::spawn(pool.server.chat(MODEL, &Script::Answer).whole());
    holds(millis(100), "the line", async || second.is_finished()).await;
    pool.server.sigterm();
    until("healthz to say no", async || (pool.server.healthz().await.status == 503).then_some(())).await;
    pool.llm().step(2);
    first.await.unwrap().expect_ok();
    second.await.unwrap().expect_ok();
    assert_eq!(pool.server.wait_exit(secs(5)).await.1, Some(0));
}

async fn with_an_open_stream(drain_timeout: &str) -> (Pool, llamapool_e2e::Reply) {
    let pool = Pool::with(1, &[("DRAIN_TIMEOUT", drain_timeout)], &[]).await;
    let script = Script::Stream { tokens: 1, pace: Pace::FlatOut, end: End::Hang };
    let mut open = pool.server.chat(MODEL, &script).send().await;
    open.data().await;
    (pool, open)
}

/// Somebody who asks twice wants it now.
#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let (mut pool, open) = with_an_open_stream("5m").await;
    pool.server.sigterm();
    until("healthz to say no", async || (pool.server.healthz().await.status == 503).then_some(())).await;
    pool.server.sigterm();
    pool.server.wait_exit(secs(3)).await;
    assert!(open.whole().await.broken.is_some(), "a stream cut by the server looks complete");
}

/// Without patience the server stops at once, open streams or not.
#[tokio::test]
async fn no_drain_timeout_stops_at_once() {
    let (mut pool, open) = with_an_open_stream("0").await;
    pool.server.sigterm();
    assert_eq!(pool.server.wait_exit(secs(3)).await.1, Some(0));
    assert!(open.whole().await.broken.is_some(), "a stream cut by the server looks complete");
}

/// Patience ends.
#[tokio::test]
async fn the_drain_timeout_ends_the_wait() {
    let (mut pool, open) = with_an_open_stream("2s").await;
    pool.server.sigterm();
    let (time, code) = pool.server.wait_exit(secs(8)).await;
    assert_eq!(code, Some(0));
    assert!(time >= millis(1900), "it gave up after {time:?}");
    assert!(open.whole().await.broken.is_some(), "a stream cut by the server looks complete");
}

/// Or never does.
#[tokio::test]
async fn a_negative_drain_timeout_waits_for_ever() {
    let (mut pool, open) = with_an_open_stream("-1s").await;
    pool.server.sigterm();
    holds(secs(3), "the server", async || pool.server.runs()).await;
    drop(open);
    assert_eq!(pool.server.wait_exit(secs(5)).await.1, Some(0));
}

/// A worker that is asked to stop finishes its streams; new requests go elsewhere meanwhile.
#[tokio::test]
async fn a_stopping_worker_finishes_what_is_open() {
    let mut pool = Pool::with(2, &[], &[]).await;
    let (mut open, busy) = tokio::join!(pool.server.chat(MODEL, &Script::stepped(5)).send(), async {
        let busy =
            until("a runtime to have it", async || pool.llms.iter().position(|llm| llm.open() == 1)).await;
        pool.llms[busy].step(1);
        busy
    });
    open.data().await;
    pool.workers[busy].sigterm();
    until("the other worker to get all", async || {
        let before = pool.llms[busy].seen().len();
        for _ in 0..4 {
            pool.server.chat(MODEL, &Script::Answer).whole().await.expect_ok();
        }
        (pool.llms[busy].seen().len() == before).then_some(())
    })
    .await;
    assert!(pool.workers[busy].runs(), "the worker left an open stream behind");
    pool.llms[busy].step(5);
    let rest = open.whole().await;
    assert!(rest.text().ends_with("data: [DONE]\n\n") && rest.broken.is_none(), "{rest:?}");
    assert_eq!(pool.workers[busy].wait_exit(secs(5)).await.1, Some(0));
    pool.stop().await;
}

/// A worker without patience, or asked twice, stops at once; its client is not deceived.
#[tokio::test]
async fn a_worker_can_stop_at_once() {
    for (drain_timeout, signals) in [("0", 1), ("1m", 2)] {
        let mut pool = Pool::with(1, &[], &[("DRAIN_TIMEOUT", drain_timeout)]).await;
        let script = Script::Stream { tokens: 1, pace: Pace::FlatOut, end: End::Hang };
        let mut open = pool.server.chat(MODEL, &script).send().await;
        open.data().await;
        pool.workers[0].sigterm();
        if signals == 2 {
            // The first must have been heard, or the two count as one.
            until("the worker to take nothing new", async || {
                let answer = pool.server.chat(MODEL, &Script::Answer).whole().await;
                (answer.status == 503).then_some(())
            })
            .await;
            pool.workers[0].sigterm();
        }
        pool.workers[0].wait_exit(secs(3)).await;
        assert!(open.whole().await.broken.is_some(), "a stream cut by its worker looks complete");
        pool.stop().await;
    }
}

/// `healthz` tells a load balancer: ready with a worker, not ready without one, and which of both.
#[tokio::test]
async fn healthz_tells_what_is_missing() {
    let server = llamapool_e2e::Server::start().await;
    let none = Ask::new(server.addr, Method::GET, "/healthz").whole().await;
    assert_eq!(none.status, 503);
    assert!(none.text().contains("worker"), "{}", none.text());
    let llm = llamapool_e2e::FakeLlm::start(&[MODEL]).await;
    let worker = Worker::start("w", &server.worker_url(), &llm);
    server.until_models(&[MODEL]).await;
    server.healthz().await.expect_ok();
    worker.stop().await;
    until("healthz to say no", async || (server.healthz().await.status == 503).then_some(())).await;
    server.stop().await;
}
