//! Who gets a request, and what happens to it until the first byte of a reply.

use std::time::Duration;

use crate::support::{Clock, PATIENCE, ScriptedWorker, TestServer, response};
use bytes::Bytes;
use http_body_util::BodyExt;
use llamapool_server::config::AliasFallback;
use llamapool_tunnel::Incoming;
use llamapool_tunnel::control::Readiness;
use llamapool_tunnel::frame::Code;

async fn error(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// Two workers and a request, which is the first one's: among equals it is the turn of who joined first.
async fn two(
    server: &TestServer,
) -> (ScriptedWorker, ScriptedWorker, tokio::task::JoinHandle<reqwest::Response>) {
    let mut a = ScriptedWorker::join(server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let warm = server.ask("m");
    a.answer(200, "warm").await;
    warm.await.unwrap();
    let mut b = ScriptedWorker::join(server, "b", 1, &["m", "n"]).await;
    server.until_models(2).await;
    let asked = server.ask("m");
    b.wait_asked().await;
    (b, a, asked)
}

#[tokio::test]
async fn a_request_travels_whole_but_for_what_ends_here() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let request = server
        .chat("m")
        .query(&[("trace", "1")])
        .header("authorization", "Bearer mine")
        .header("cookie", "mine")
        .header("x-request-id", "id-1")
        .header("x-llamapool-model", "not for a client to say")
        .header("openai-beta", "kept");
    let asked = tokio::spawn(async move { request.send().await.unwrap() });
    let Incoming { head, body, mut responder } = worker.next().await;
    assert_eq!(head.target, "/v1/chat/completions?trace=1");
    assert_eq!(
        (head.headers["x-request-id"].as_bytes(), head.headers["openai-beta"].as_bytes()),
        (&b"id-1"[..], &b"kept"[..])
    );
    assert_eq!(head.headers.get_all("x-llamapool-model").iter().collect::<Vec<_>>(), ["m"]);
    assert!(!head.headers.contains_key("authorization") && !head.headers.contains_key("cookie"));
    assert_eq!(body.collect().await.unwrap().to_bytes(), r#"{"messages":[],"model":"m"}"#);
    responder.respond(response(201, "text/plain"), Bytes::from_static(b"answer"), true);
    let answer = asked.await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(
        (&answer.headers()["x-request-id"], &answer.headers()["x-llamapool-worker"]),
        (&"id-1".parse().unwrap(), &"a".parse().unwrap())
    );
    assert!(!answer.headers().contains_key("x-llamapool-model"));
    assert_eq!(answer.text().await.unwrap(), "answer");
    server.stop().await;
}

#[tokio::test]
async fn an_alias_is_asked_by_its_own_name_and_the_reply_says_so() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["llama2:7b-q4_0"]).await;
    server.until_models(1).await;
    let asked = server.ask("llama2:7b");
    let Incoming { body, mut responder, head } = worker.next().await;
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"messages":[],"model":"llama2:7b-q4_0"}"#);
    assert_eq!(head.headers["content-length"], body.len().to_string());
    assert_eq!(head.headers["x-llamapool-model"], "llama2:7b-q4_0");
    responder.respond(response(200, "text/plain"), Bytes::new(), true);
    assert_eq!(asked.await.unwrap().headers()["x-llamapool-model"], "llama2:7b-q4_0");
    server.stop().await;
}

#[tokio::test]
async fn aliases_can_be_switched_off() {
    let server = TestServer::with(|config| config.routing.alias_fallback = AliasFallback::Off).await;
    let _worker = ScriptedWorker::join(&server, "a", 1, &["llama2:7b-q4_0"]).await;
    server.until_models(1).await;
    assert_eq!(error(server.ask("llama2:7b").await.unwrap()).await, (404, "model_not_found".into()));
    server.stop().await;
}

#[tokio::test]
async fn refusals_resets_and_losses_before_the_first_byte_go_unseen() {
    for status in [429, 500, 502, 503, 504] {
        let server = TestServer::start().await;
        let (mut a, mut b, asked) = two(&server).await;
        a.answer(status, r#"{"error":{"code":"busy"}}"#).await;
        b.answer(200, "fine").await;
        let answer = asked.await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &*answer.text().await.unwrap()),
            (200, "fine"),
            "after {status}"
        );
        server.stop().await;
    }
    let server = TestServer::start().await;
    let (mut a, mut b, asked) = two(&server).await;
    a.next().await.responder.fail(Code::Refused, "draining");
    b.answer(200, "fine").await;
    assert_eq!(asked.await.unwrap().status(), 200);

    let asked = server.ask("m");
    // It is its turn again.
    let Incoming { responder: mut half, .. } = a.next().await;
    half.respond(response(200, "text/event-stream"), Bytes::new(), false);
    drop(half);
    a.die(); // the head was there, but not a byte of the body
    b.answer(200, "fine").await;
    assert_eq!(asked.await.unwrap().text().await.unwrap(), "fine");
    server.stop().await;
}

#[tokio::test]
async fn if_everybody_refuses_the_last_refusal_is_passed_on() {
    let server = TestServer::start().await;
    let (mut a, mut b, asked) = two(&server).await;
    a.answer(503, r#"{"error":{"code":"first"}}"#).await;
    b.answer(429, r#"{"error":{"code":"second"}}"#).await;
    assert_eq!(error(asked.await.unwrap()).await, (429, "second".into()));
    server.stop().await;
}

/// Workers that all have the model.
async fn pool_of(server: &TestServer, names: &[&str]) -> Vec<ScriptedWorker> {
    let mut workers = Vec::new();
    for (at, name) in names.iter().enumerate() {
        // A model of its own shows that the server knows the worker.
        workers.push(ScriptedWorker::join(server, name, 9, &["m", name]).await);
        server.until_models(at + 2).await;
    }
    workers
}

/// The worker that has the request now.
async fn whose(workers: &mut [ScriptedWorker]) -> Incoming {
    let find = async {
        loop {
            for worker in workers.iter_mut() {
                if worker.is_asked() {
                    return worker.next().await;
                }
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, find).await.expect("nobody was asked")
}

#[tokio::test]
async fn a_request_is_tried_only_so_often() {
    let server = TestServer::start().await;
    let mut workers = pool_of(&server, &["a", "b", "c", "d"]).await;
    let asked = server.ask("m");
    for body in ["first", "second", "third"] {
        let Incoming { mut responder, .. } = whose(&mut workers).await;
        responder.respond(response(500, "text/plain"), Bytes::from_static(body.as_bytes()), true);
    }
    let answer = asked.await.unwrap();
    assert_eq!((answer.status().as_u16(), &*answer.text().await.unwrap()), (500, "third"));
    assert!(!workers.iter_mut().any(ScriptedWorker::is_asked), "a fourth worker was asked");
    server.stop().await;
}

#[tokio::test]
async fn the_number_of_attempts_is_a_setting() {
    let server = TestServer::with(|config| config.routing.max_attempts = 1).await;
    let mut workers = pool_of(&server, &["a", "b"]).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = whose(&mut workers).await;
    responder.respond(response(503, "text/plain"), Bytes::from_static(b"busy"), true);
    assert_eq!(asked.await.unwrap().text().await.unwrap(), "busy");
    assert!(!workers.iter_mut().any(ScriptedWorker::is_asked));
    server.stop().await;
}

#[tokio::test]
async fn a_request_under_which_two_runtimes_are_lost_goes_nowhere_else() {
    let server = TestServer::start().await;
    let mut workers = pool_of(&server, &["a", "b", "c"]).await;
    let asked = server.ask("m");
    for _ in 0..2 {
        whose(&mut workers).await.responder.fail(Code::Backend, "out of memory");
    }
    let answer = asked.await.unwrap();
    assert_eq!(answer.headers()["x-should-retry"], "false");
    assert_eq!(error(answer).await, (502, "repeated_loss".into()));
    assert!(!workers.iter_mut().any(ScriptedWorker::is_asked));
    server.stop().await;
}

#[tokio::test]
async fn a_long_error_of_the_last_candidate_arrives_whole() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    let long = Bytes::from(vec![b'x'; 200_000]);
    responder.respond(response(500, "text/plain"), long.slice(..16_000), false);
    for at in (16_000..200_000).step_by(16_000) {
        responder.ready().await.unwrap();
        responder.send(long.slice(at..(at + 16_000).min(long.len())), at + 16_000 >= long.len());
    }
    let answer = asked.await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.bytes().await.unwrap(), long);
    server.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_busy_or_draining_is_not_to_blame() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    for _ in 0..4 {
        let asked = server.ask("m");
        worker.next().await.responder.fail(Code::Refused, "the worker is busy");
        let answer = asked.await.unwrap();
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(error(answer).await, (503, "no_worker_ready".into()));
    }
    assert_eq!(counted(&server, "failures_total").await, (0, 0));
    server.stop().await;
}

#[tokio::test]
async fn an_error_that_is_the_callers_mistake_is_not_the_workers_failure() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    for status in [400, 404, 422, 501] {
        let asked = server.ask("m");
        worker.answer(status, r#"{"error":{"message":"no such tool"}}"#).await;
        let answer = asked.await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        answer.bytes().await.unwrap();
    }
    assert_eq!(counted(&server, "failures_total").await, (0, 0));
    let asked = server.ask("m");
    worker.answer(500, "{}").await;
    asked.await.unwrap().bytes().await.unwrap();
    assert_eq!(counted(&server, "failures_total").await, (1, 1));
    server.stop().await;
}

/// The failures of the first worker in the state, and the failed requests of the server.
async fn counted(server: &TestServer, of_worker: &str) -> (u64, u64) {
    let state = server.client.get(format!("{}/api/state", server.url)).send().await.unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state.bytes().await.unwrap()).unwrap();
    let failed = &state["server"]["jobs_failed_total"];
    (state["workers"][0][of_worker].as_u64().unwrap(), failed.as_u64().unwrap())
}

#[tokio::test]
async fn a_request_that_everybody_loses_is_a_bad_gateway() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    worker.next().await.responder.fail(Code::Backend, "crashed");
    assert_eq!(error(asked.await.unwrap()).await, (502, "backend_error".into()));
    server.stop().await;
}

#[tokio::test]
async fn a_client_error_of_the_runtime_is_passed_on_and_not_tried_again() {
    let server = TestServer::start().await;
    let (mut a, mut b, asked) = two(&server).await;
    a.answer(400, r#"{"error":{"code":"context_length_exceeded"}}"#).await;
    assert_eq!(error(asked.await.unwrap()).await, (400, "context_length_exceeded".into()));
    assert!(!b.is_asked());
    server.stop().await;
}

#[tokio::test]
async fn a_runtime_that_hangs_ends_in_a_gateway_timeout() {
    let limit = Duration::from_secs(5);
    let server = TestServer::with(|config| config.timeouts.first_byte = Some(limit)).await;
    let clock = Clock::stop();
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    clock.advance(limit).await;
    assert_eq!(error(asked.await.unwrap()).await, (504, "backend_timeout".into()));
    responder.stopped().await; // and the runtime is let go
    server.stop().await;
}

#[tokio::test]
async fn unknown_is_404_and_known_but_away_is_503() {
    let server = TestServer::start().await;
    let worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    assert_eq!(error(server.ask("n").await.unwrap()).await, (404, "model_not_found".into()));
    worker.report(Readiness::NotReady, 1, &["m", "n"]);
    server.until_models(2).await;
    let answer = server.ask("m").await.unwrap();
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(error(answer).await, (503, "no_worker_ready".into()));
    server.stop().await;
}

#[tokio::test]
async fn busy_is_a_queue_with_an_end() {
    let server = TestServer::with(|config| config.queue.size = 1).await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let first = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    let mut waiting = [server.ask("m"), server.ask("m")];
    let [x, y] = &mut waiting;
    let (full, other) = tokio::select! {
        full = x => (full.unwrap(), 1),
        full = y => (full.unwrap(), 0),
    };
    assert_eq!(error(full).await, (503, "queue_full".into()));
    responder.respond(response(200, "text/plain"), Bytes::new(), true);
    assert_eq!(first.await.unwrap().status(), 200);
    worker.answer(200, "your turn").await;
    let [x, y] = waiting;
    let called = if other == 0 { x } else { y };
    assert_eq!(called.await.unwrap().text().await.unwrap(), "your turn");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_along() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    asked.abort();
    responder.stopped().await;
    assert_eq!(worker.link.streams(), 1, "only what the test itself holds");
    server.stop().await;
}

#[tokio::test]
async fn more_requests_than_the_server_holds_are_turned_away() {
    let server = TestServer::with(|config| config.limits.max_requests = 1).await;
    let mut worker = ScriptedWorker::join(&server, "a", 9, &["m"]).await;
    server.until_models(1).await;
    let first = server.ask("m");
    let held = worker.next().await;
    assert_eq!(error(server.ask("m").await.unwrap()).await, (503, "server_is_overloaded".into()));
    drop(held);
    assert_eq!(first.await.unwrap().status(), 502);
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_named() {
    let server = TestServer::with(|config| config.limits.max_headers = 8 * 1024).await;
    let answer = server.chat("m").header("x-large", "x".repeat(9 * 1024)).send().await.unwrap();
    assert_eq!(error(answer).await, (431, "headers_too_large".into()));
    server.stop().await;
}

#[tokio::test]
async fn while_draining_new_requests_are_refused_and_open_ones_finish() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 9, &["m"]).await;
    server.until_models(1).await;
    let open = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    server.shutdown.gently.cancel();
    let health = async || server.client.get(format!("{}/healthz", server.url)).send().await.unwrap();
    while health().await.status() == 200 {
        tokio::task::yield_now().await;
    }
    assert!(health().await.text().await.unwrap().contains("draining"));
    let refused = server.ask("m").await.unwrap();
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(error(refused).await, (503, "server_draining".into()));
    responder.respond(response(200, "text/plain"), Bytes::from_static(b"to the end"), true);
    assert_eq!(open.await.unwrap().text().await.unwrap(), "to the end");
    server.stop().await;
}

/// A chat request for a model, of this many bytes or a few more.
fn large(server: &TestServer, model: &str, size: usize) -> tokio::task::JoinHandle<reqwest::Response> {
    let body = format!(r#"{{"messages":["{}"],"model":"{model}"}}"#, "x".repeat(size));
    let request = server.client.post(format!("{}/v1/chat/completions", server.url)).body(body);
    tokio::spawn(async move { request.send().await.unwrap() })
}

#[tokio::test]
async fn the_copy_for_an_alias_takes_memory_for_bodies() {
    let server = TestServer::with(|config| config.limits.body_memory = 100_000).await;
    let mut worker = ScriptedWorker::join(&server, "a", 9, &["m:7b-q4_0"]).await;
    server.until_models(1).await;
    let answer = large(&server, "m:7b-q8_0", 60_000).await.unwrap();
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(error(answer).await, (503, "server_is_overloaded".into()));
    assert!(!worker.is_asked());
    for (model, size) in [("m:7b-q4_0", 60_000), ("m:7b-q8_0", 40_000)] {
        let asked = large(&server, model, size);
        worker.answer(200, "{}").await;
        assert_eq!(asked.await.unwrap().status(), 200, "{model}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_still_being_sent_takes_memory() {
    const SIZE: usize = 3 << 20;
    let server = TestServer::with(|config| config.limits.body_memory = 4 << 20).await;
    let mut worker = ScriptedWorker::join(&server, "a", 9, &["m"]).await;
    server.until_models(1).await;
    let first = large(&server, "m", SIZE);
    let Incoming { body, mut responder, .. } = worker.next().await;
    responder.respond(response(200, "text/event-stream"), Bytes::from_static(b": early\n\n"), false);
    let first = first.await.unwrap();
    assert_eq!(error(large(&server, "m", SIZE).await.unwrap()).await, (503, "server_is_overloaded".into()));
    assert!(body.collect().await.unwrap().to_bytes().len() > SIZE);
    let mut second = None;
    let fits = async {
        while second.is_none() {
            let mut asked = large(&server, "m", SIZE);
            tokio::select! {
                () = worker.wait_asked() => second = Some(asked),
                refused = &mut asked => assert_eq!(refused.unwrap().status(), 503),
            }
        }
    };
    tokio::time::timeout(PATIENCE, fits).await.expect("the memory is never given back");
    let Incoming { body, responder: mut other, .. } = worker.next().await;
    body.collect().await.unwrap();
    other.respond(response(200, "text/plain"), Bytes::new(), true);
    assert_eq!(second.unwrap().await.unwrap().status(), 200);
    responder.ready().await.unwrap();
    responder.send(Bytes::new(), true);
    first.bytes().await.ok();
    server.stop().await;
}

#[tokio::test]
async fn all_attempts_together_have_one_time_limit() {
    let limit = Duration::from_secs(6);
    let server = TestServer::with(|config| {
        config.timeouts.first_byte = Some(limit);
        config.timeouts.heartbeat = None;
    })
    .await;
    let mut workers = Vec::new();
    for id in ["a", "b", "c"] {
        workers.push(ScriptedWorker::join(&server, id, 1, &["m", id]).await);
    }
    server.until_models(4).await;
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let asked = server.ask("m");
    // Two attempts fail after a while, the third one hangs.
    for _ in 0..2 {
        let responder = loop {
            let asked = workers.iter_mut().find_map(|worker| worker.is_asked().then_some(worker));
            if let Some(worker) = asked {
                break worker.next().await.responder;
            }
            tokio::task::yield_now().await;
        };
        tokio::time::advance(limit / 3).await;
        responder.fail(Code::Unreachable, "not there");
    }
    let answer = asked.await.unwrap();
    let took = begun.elapsed();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-should-retry"]),
        (504, &"false".parse().unwrap())
    );
    assert!((limit..limit + limit / 6).contains(&took), "{took:?}");
    let error: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "backend_timeout");
    assert!(error["error"]["message"].as_str().unwrap().contains("for 6 s"), "{error}");
    tokio::time::resume();
    server.stop().await;
}
