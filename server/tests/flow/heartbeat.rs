//! Streams that are silent: comments keep the connection alive, and nothing is promised too early.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use llamapool_tunnel::Incoming;
use llamapool_tunnel::frame::Code;
use tokio::task::JoinHandle;

use crate::support::{Clock, ScriptedWorker, TestServer, response};

const HEARTBEAT: &str = ": heartbeat\n\n";
const DONE: &str = "data: [DONE]\n\n";

const INTERVAL: Duration = Duration::from_secs(1);

async fn start() -> (TestServer, Clock) {
    (TestServer::with(|config| config.timeouts.heartbeat = Some(INTERVAL)).await, Clock::stop())
}

/// The head of a stream that is promised because nothing has come in time.
async fn promised(clock: &Clock, asked: JoinHandle<reqwest::Response>) -> reqwest::Response {
    clock.advance(INTERVAL).await;
    asked.await.unwrap()
}

fn request(server: &TestServer, path: &str) -> JoinHandle<reqwest::Response> {
    let body = r#"{"model":"m","stream":true}"#;
    let request = server.client.post(format!("{}{path}", server.url)).body(body);
    tokio::spawn(async move { request.send().await.unwrap() })
}

/// Reads to the end, or until `until` has come. Returns what came, and whether the stream ended as it should.
async fn read(
    chunks: &mut (impl Stream<Item = reqwest::Result<Bytes>> + Unpin),
    until: &str,
) -> (String, bool) {
    let mut body = String::new();
    while !body.ends_with(until) || until.is_empty() {
        match chunks.next().await {
            Some(Ok(chunk)) => body.push_str(std::str::from_utf8(&chunk).unwrap()),
            Some(Err(_)) => return (body, false),
            None => return (body, true),
        }
    }
    (body, true)
}

fn without_heartbeats(body: &str) -> String {
    body.replace(HEARTBEAT, "")
}

#[tokio::test]
async fn a_late_stream_is_kept_alive_while_others_are_tried() {
    let (server, clock) = start().await;
    let mut a = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let mut b = ScriptedWorker::join(&server, "b", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = request(&server, "/v1/chat/completions");
    let (Incoming { responder, .. }, other) = tokio::select! {
        incoming = a.next() => (incoming, &mut b),
        incoming = b.next() => (incoming, &mut a),
    };
    let answer = promised(&clock, asked).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert!(answer.headers().contains_key("x-request-id"));
    let mut chunks = answer.bytes_stream();
    assert_eq!(clock.advance_until(chunks.next()).await.unwrap().unwrap(), HEARTBEAT);
    responder.fail(Code::Backend, "crashed");
    let Incoming { mut responder, .. } = other.next().await;
    responder.respond(response(200, "text/event-stream"), Bytes::from_static(DONE.as_bytes()), true);
    let (body, is_whole) = read(&mut chunks, "").await;
    assert_eq!((without_heartbeats(&body).as_str(), is_whole), (DONE, true));
    server.stop().await;
}

#[tokio::test]
async fn a_stream_in_the_queue_is_kept_alive() {
    let (server, clock) = start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let first = server.ask("m");
    worker.wait_asked().await;
    let queued = clock.advance_until(request(&server, "/v1/chat/completions")).await;
    let mut chunks = queued.unwrap().bytes_stream();
    let begin = clock.advance_until(read(&mut chunks, HEARTBEAT)).await.0;
    assert_eq!(begin, HEARTBEAT, "it is in the queue");
    worker.answer(200, "{}").await;
    first.await.unwrap();
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(response(200, "text/event-stream"), Bytes::from_static(DONE.as_bytes()), true);
    let (body, is_whole) = read(&mut chunks, "").await;
    assert_eq!((without_heartbeats(&body).as_str(), is_whole), (DONE, true));
    server.stop().await;
}

#[tokio::test]
async fn an_error_after_the_promise_is_an_event() {
    let own = r#"{"error":{"message":"the context is too long","code":400}}"#;
    let cases =
        [(None, "backend_error", "failed before it responded"), (Some(own), "", "the context is too long")];
    for path in ["/v1/chat/completions", "/v1/responses"] {
        for (reply, code, message) in cases {
            let (server, clock) = start().await;
            let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
            server.until_models(1).await;
            let asked = request(&server, path);
            let Incoming { mut responder, .. } = worker.next().await;
            let mut chunks = promised(&clock, asked).await.bytes_stream();
            match reply {
                Some(body) => responder.respond(
                    response(400, "application/json"),
                    Bytes::from_static(body.as_bytes()),
                    true,
                ),
                None => responder.fail(Code::Backend, "crashed"),
            }
            let (body, is_whole) = clock.advance_until(read(&mut chunks, "")).await;
            let event = without_heartbeats(&body);
            let data = event.trim_end().rsplit_once("data: ").unwrap().1;
            let error: serde_json::Value = serde_json::from_str(data).unwrap();
            assert!(
                !is_whole && event.starts_with("event: error\n") == path.ends_with("responses"),
                "{event}"
            );
            assert_eq!(error["error"]["code"].as_str().unwrap_or_default(), code);
            assert!(error["error"]["message"].as_str().unwrap().contains(message), "{error}");
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn a_silence_within_a_stream_is_filled_between_events_only() {
    let (server, clock) = start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = request(&server, "/v1/chat/completions");
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(response(200, "text/event-stream"), Bytes::from_static(b"data: 1\n\n"), false);
    let mut chunks = asked.await.unwrap().bytes_stream();
    assert_eq!(read(&mut chunks, "data: 1\n\n").await.0, "data: 1\n\n");
    clock.advance(INTERVAL).await;
    assert_eq!(read(&mut chunks, HEARTBEAT).await.0, HEARTBEAT);
    responder.ready().await.unwrap();
    responder.send(Bytes::from_static(b"data: {\"half"), false);
    assert_eq!(read(&mut chunks, "half").await.0, "data: {\"half");
    clock.advance(INTERVAL * 3).await;
    responder.send(Bytes::from_static(b"\"}\n\ndata: [DONE]\n\n"), true);
    let rest = ("\"}\n\ndata: [DONE]\n\n".to_owned(), true);
    assert_eq!(read(&mut chunks, "").await, rest, "a comment would cut the event");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_for_no_stream_is_promised_none() {
    let (server, clock) = start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { responder, .. } = worker.next().await;
    clock.advance(INTERVAL * 3).await;
    responder.fail(Code::Backend, "crashed");
    assert_eq!(asked.await.unwrap().status(), 502, "its head has not been sent before");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_while_it_is_kept_alive_cancels_its_request() {
    let (server, clock) = start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = request(&server, "/v1/chat/completions");
    let Incoming { mut responder, .. } = worker.next().await;
    drop(promised(&clock, asked).await);
    responder.stopped().await;
    server.stop().await;
}
