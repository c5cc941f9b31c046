//! The reply on its way: chunk for chunk, and honest about its end.

use std::time::Duration;

use crate::support::{Clock, ScriptedWorker, TestServer, read, response};
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
    let server = TestServer::with(|config| config.timeouts.chunk = Some(Duration::from_secs(5))).await;
    let clock = Clock::stop();
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let (mut responder, answer) = begun(&server, &mut worker, "text/event-stream", "data: 1\n\n").await;
    let (body, whole) = clock.advance_until(read(answer)).await;
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
    other.send(Bytes::from_static(b"data: [DONE]\n\n"), true);
    assert_eq!(read(kept).await, ("data: 1\n\ndata: [DONE]\n\n".to_owned(), true));
    drop((one, again));
    server.stop().await;
}

/// The last request that the server has recorded.
async fn last_record(server: &TestServer) -> serde_json::Value {
    let state = server.client.get(format!("{}/api/state", server.url)).send().await.unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state.bytes().await.unwrap()).unwrap();
    let mut recent = state["recent"].as_array().unwrap().iter();
    recent.find(|request| request["path"] != "/v1/models").unwrap().clone()
}

/// A stream whose pieces a worker sends, and which then ends tidily.
async fn streamed(
    server: &TestServer,
    worker: &mut ScriptedWorker,
    path: &str,
    pieces: &[&'static str],
) -> (String, bool) {
    let request = server.client.post(format!("{}{path}", server.url)).body(r#"{"model":"m","stream":true}"#);
    let asked = tokio::spawn(async move { request.send().await.unwrap() });
    let Incoming { mut responder, .. } = worker.next().await;
    let (first, rest) = pieces.split_first().unwrap();
    let head = response(200, "text/event-stream");
    responder.respond(head, Bytes::from_static(first.as_bytes()), rest.is_empty());
    for (at, piece) in rest.iter().enumerate() {
        responder.ready().await.unwrap();
        responder.send(Bytes::from_static(piece.as_bytes()), at + 1 == rest.len());
    }
    read(asked.await.unwrap()).await
}

#[tokio::test]
async fn a_stream_that_ends_tidily_without_its_terminal_mark_is_broken() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let token = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n";
    let created = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0}\n\n";
    let cases: [(&str, &[&str]); 5] = [
        ("/v1/chat/completions", &[token]),
        ("/v1/chat/completions", &[token, token]),
        ("/v1/chat/completions", &[token, "", ""]),
        ("/v1/completions", &[token, "data: {\"cho"]),
        ("/v1/responses", &[created, created]),
    ];
    for (path, pieces) in cases {
        let (body, is_whole) = streamed(&server, &mut worker, path, pieces).await;
        assert!(body.starts_with(&pieces.concat()) && !is_whole, "{path} {pieces:?}: {body}");
        assert!(body.contains("before it was complete") && !body.contains("[DONE]"), "{body}");
        assert_eq!(last_record(&server).await["outcome"], "failed", "{path} {pieces:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_with_its_terminal_mark_is_whole() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let long: &'static str = format!(": {}\n\n", "x".repeat(50_000)).leak();
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let cases: [(&str, &[&str]); 7] = [
        ("/v1/chat/completions", &[finish]),
        ("/v1/chat/completions", &["data: 1\n\n", "data: [DONE]\n\n"]),
        (
            "/v1/chat/completions",
            &["data: {\"choices\":[{\"delta\":{},\"fini", "sh_reason\":\"stop\"}]}\n\n", long],
        ),
        ("/v1/chat/completions", &["data: {\"error\":{\"message\":\"the runtime's own\"}}\n\n", ""]),
        ("/v1/completions", &[finish, long, ""]),
        ("/v1/responses", &["data: {\"type\":\"response.completed\"}\n\n", ""]),
        ("/v1/audio/transcriptions", &["data: {}\n\n", ""]),
    ];
    for (path, pieces) in cases {
        let (body, is_whole) = streamed(&server, &mut worker, path, pieces).await;
        assert!(body == pieces.concat() && is_whole, "{path}: {is_whole}");
        assert_eq!(last_record(&server).await["outcome"], "done", "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_ends_before_its_first_event_is_taken_over() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(response(200, "text/event-stream"), Bytes::new(), true);
    assert_eq!(asked.await.unwrap().status(), 502, "nobody else has the model");
    server.stop().await;
}

#[tokio::test]
async fn the_error_event_of_a_responses_stream_follows_the_last_number() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let delta = "event: response.output_text.delta\ndata: {\"sequence_number\":8,\"delta\":\"a\"}\n\n";
    let (body, is_whole) = streamed(&server, &mut worker, "/v1/responses", &[delta, ""]).await;
    let error = body.strip_prefix(delta).unwrap().strip_prefix("event: error\ndata: ").unwrap();
    let error: serde_json::Value = serde_json::from_str(error).unwrap();
    assert!(!is_whole);
    assert_eq!(
        (&error["type"], &error["sequence_number"], &error["code"]),
        (&"error".into(), &9.into(), &"backend_error".into())
    );
    assert!(error["message"].is_string() && error["param"].is_null());
    server.stop().await;
}

#[tokio::test]
async fn tokens_reported_before_the_data_are_counted() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let body = r#"{"model":"m","input":["a"]}"#;
    let request = server.client.post(format!("{}/v1/embeddings", server.url)).body(body);
    let asked = tokio::spawn(async move { request.send().await.unwrap().bytes().await.unwrap() });
    let first = r#"{"object":"list","usage":{"prompt_tokens":12,"total_tokens":12},"data":["#;
    let data = format!("{first}{}0]}}", "0.1,".repeat(50_000));
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(response(200, "application/json"), Bytes::from(data.clone()), true);
    assert_eq!(asked.await.unwrap(), data);
    assert_eq!(last_record(&server).await["tokens_in"], 12);
    server.stop().await;
}
