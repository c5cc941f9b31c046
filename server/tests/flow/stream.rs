//! The reply on its way: chunk for chunk, and honest about its end.

use std::time::Duration;

use crate::support::{ScriptedWorker, TestServer, response};
use bytes::Bytes;
use futures_util::StreamExt;
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::{Incoming, Responder};

/// A request whose reply has begun with `first`.
async fn begun(
    server: &TestServer,
    worker: &mut ScriptedWorker,
    content_type: &'static str,
    first: &'static str,
) -> (Responder, reqwest::Response) {
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(response(200, content_type), Bytes::from_static(first.as_bytes()), false);
    (responder, asked.await.unwrap())
}

/// Everything that comes, and whether it ended as it should.
async fn read(response: reqwest::Response) -> (String, bool) {
    let mut body = String::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => body.push_str(std::str::from_utf8(&chunk).unwrap()),
            Err(_) => return (body, false),
        }
    }
    (body, true)
}

#[tokio::test]
async fn chunks_pass_at_once_and_unchanged() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let (mut responder, answer) = begun(&server, &mut worker, "text/event-stream", "data: 1\r\n").await;
    assert_eq!(
        (&answer.headers()["x-accel-buffering"], &answer.headers()["cache-control"]),
        (&"no".parse().unwrap(), &"no-cache".parse().unwrap())
    );
    let mut chunks = answer.bytes_stream();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "data: 1\r\n");
    for piece in ["\r", "\n: comment\n\ndat", "a: [DONE]\n\n"] {
        responder.ready().await.unwrap();
        responder.send(Bytes::from_static(piece.as_bytes()), false);
        assert_eq!(chunks.next().await.unwrap().unwrap(), piece);
    }
    responder.send(Bytes::new(), true);
    assert!(chunks.next().await.is_none());
    server.stop().await;
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_in_its_own_dialect_and_uncleanly() {
    let check = async |content_type, sent: &'static str, gap: &str, prefix: &str, end: &str| {
        let server = TestServer::start().await;
        let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
        let (responder, answer) = begun(&server, &mut worker, content_type, sent).await;
        responder.fail(Code::Backend, "crashed");
        let (body, whole) = read(answer).await;
        assert!(!whole, "it must not look complete");
        let words = body.strip_prefix(sent).unwrap().strip_prefix(gap).unwrap();
        let words = words.strip_prefix(prefix).unwrap().strip_suffix(end).unwrap();
        let error: serde_json::Value = serde_json::from_str(words).unwrap();
        assert_eq!(error["error"]["code"], "backend_error");
        server.stop().await;
    };
    check("text/event-stream", "data: 1\n\n", "", "data: ", "\n\n").await;
    check("text/event-stream; charset=utf-8", "data: {\"cu", "\n\n", "data: ", "\n\n").await;
    check("application/x-ndjson", "{}\n", "", "", "\n").await;
}

#[tokio::test]
async fn what_is_no_stream_is_cut_without_a_word() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let (responder, answer) = begun(&server, &mut worker, "application/json", "{\"half").await;
    worker.die();
    assert_eq!(read(answer).await, ("{\"half".to_owned(), false));
    drop(responder);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_in_an_error_event() {
    let server = TestServer::with(|config| config.timeouts.chunk = Some(Duration::from_millis(50))).await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let (mut responder, answer) = begun(&server, &mut worker, "text/event-stream", "data: 1\n\n").await;
    let (body, whole) = read(answer).await;
    assert!(body.contains("backend_timeout") && !whole, "{body}");
    responder.stopped().await;
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_stops_the_worker() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let (mut responder, answer) = begun(&server, &mut worker, "text/event-stream", "data: 1\n\n").await;
    drop(answer);
    responder.stopped().await;
    server.stop().await;
}

#[tokio::test]
async fn one_worker_lost_harms_no_stream_of_another() {
    let server = TestServer::start().await;
    let mut a = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let mut b = ScriptedWorker::join(&server, "b", 1, &["n"]).await;
    server.until_models(2).await;
    let (lost, kept) = (server.ask("m"), server.ask("n"));
    let Incoming { responder: mut one, .. } = a.next().await;
    let Incoming { responder: mut other, .. } = b.next().await;
    one.respond(response(200, "text/event-stream"), Bytes::from_static(b"data: 1\n\n"), false);
    other.respond(response(200, "text/event-stream"), Bytes::from_static(b"data: 1\n\n"), false);
    let (lost, kept) = (lost.await.unwrap(), kept.await.unwrap());
    // The same worker comes back while its older connection still looks alive.
    let again = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    assert!(!read(lost).await.1);
    other.ready().await.unwrap();
    other.send(Bytes::from_static(b"data: 2\n\n"), true);
    assert_eq!(read(kept).await, ("data: 1\n\ndata: 2\n\n".to_owned(), true));
    drop((one, again));
    server.stop().await;
}
