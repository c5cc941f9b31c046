//! Streams that are silent: comments keep the connection alive, and nothing is promised too early.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use llamapool_tunnel::Incoming;
use llamapool_tunnel::frame::Code;

use crate::support::{ScriptedWorker, TestServer, response};

const HEARTBEAT: &str = ": heartbeat\n\n";
const DONE: &str = "data: [DONE]\n\n";

async fn start() -> TestServer {
    TestServer::with(|config| config.timeouts.heartbeat = Some(Duration::from_millis(20))).await
}

fn request(server: &TestServer, path: &str) -> tokio::task::JoinHandle<reqwest::Response> {
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
    let server = start().await;
    let mut a = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let mut b = ScriptedWorker::join(&server, "b", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = request(&server, "/v1/chat/completions");
    let (Incoming { responder, .. }, other) = tokio::select! {
        incoming = a.next() => (incoming, &mut b),
        incoming = b.next() => (incoming, &mut a),
    };
    let answer = asked.await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert!(answer.headers().contains_key("x-request-id"));
    let mut chunks = answer.bytes_stream();
    assert_eq!(chunks.next().await.unwrap().unwrap(), HEARTBEAT);
    responder.fail(Code::Backend, "crashed");
    let Incoming { mut responder, .. } = other.next().await;
    responder.respond(response(200, "text/event-stream"), Bytes::from_static(DONE.as_bytes()), true);
    let (body, is_whole) = read(&mut chunks, "").await;
    assert_eq!((without_heartbeats(&body).as_str(), is_whole), (DONE, true));
    server.stop().await;
}

#[tokio::test]
async fn a_stream_in_the_queue_is_kept_alive() {
    let server = start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let first = server.ask("m");
    worker.wait_asked().await;
    let mut chunks = request(&server, "/v1/chat/completions").await.unwrap().bytes_stream();
    assert_eq!(read(&mut chunks, HEARTBEAT).await.0, HEARTBEAT, "it is in the queue");
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
        [(None, "backend_error", "failed before it answered"), (Some(own), "", "the context is too long")];
    for path in ["/v1/chat/completions", "/v1/responses"] {
        for (reply, code, message) in cases {
            let server = start().await;
            let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
            server.until_models(1).await;
            let asked = request(&server, path);
            let Incoming { mut responder, .. } = worker.next().await;
            let mut chunks = asked.await.unwrap().bytes_stream();
            match reply {
                Some(body) => responder.respond(
                    response(400, "application/json"),
                    Bytes::from_static(body.as_bytes()),
                    true,
                ),
                None => responder.fail(Code::Backend, "crashed"),
            }
            let (body, is_whole) = read(&mut chunks, "").await;
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
    let server = start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = request(&server, "/v1/chat/completions");
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(response(200, "text/event-stream"), Bytes::from_static(b"data: 1\n\n"), false);
    let mut chunks = asked.await.unwrap().bytes_stream();
    assert!(read(&mut chunks, HEARTBEAT).await.0.ends_with("data: 1\n\n: heartbeat\n\n"));
    responder.ready().await.unwrap();
    responder.send(Bytes::from_static(b"data: {\"half"), false);
    assert_eq!(without_heartbeats(&read(&mut chunks, "half").await.0), "data: {\"half");
    let silent = tokio::time::timeout(Duration::from_millis(100), chunks.next()).await;
    assert!(silent.is_err(), "a comment would cut the event: {silent:?}");
    responder.send(Bytes::from_static(b"\"}\n\ndata: [DONE]\n\n"), true);
    assert!(read(&mut chunks, "").await.1);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_for_no_stream_is_promised_none() {
    let server = start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let mut asked = server.ask("m");
    let Incoming { responder, .. } = worker.next().await;
    let early = tokio::time::timeout(Duration::from_millis(100), &mut asked).await;
    assert!(early.is_err(), "there is no head yet");
    responder.fail(Code::Backend, "crashed");
    assert_eq!(asked.await.unwrap().status(), 502);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_while_it_is_kept_alive_cancels_its_request() {
    let server = start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = request(&server, "/v1/chat/completions");
    let Incoming { mut responder, .. } = worker.next().await;
    drop(asked.await.unwrap());
    responder.stopped().await;
    server.stop().await;
}
