//! Objects that are made without a model, and objects of which the server does not know who has them.

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use llamapool_tunnel::Incoming;
use serde_json::{Value, json};

use crate::objects::{OTHER, USER, asked, send, two};
use crate::support::{ScriptedWorker, TestServer, response};

/// As workers of older versions and of other runtimes say that they do not have a path.
const NO_SUCH_URL: &str = r#"{"error":{"message":"The worker does not relay this method and path to its runtime.","code":"unknown_url"}}"#;
const NO_SUCH_RESPONSE: &str =
    r#"{"error":{"message":"Response with id 'resp_old' not found.","param":"response_id","code":404}}"#;

/// Answers the next request, whichever worker has it. Returns which one that is, and what was asked.
async fn answer(workers: &mut [ScriptedWorker; 2], status: u16, body: &'static str) -> (usize, String) {
    let (at, Incoming { head, mut responder, .. }) = asked(workers).await;
    responder.respond(response(status, "application/json"), Bytes::from_static(body.as_bytes()), true);
    (at, format!("{} {}", head.method, head.target))
}

/// A chat that is served; the worker that served it.
async fn chat(server: &TestServer, workers: &mut [ScriptedWorker; 2]) -> usize {
    let body = json!({"model": "m", "messages": []});
    let sent = send(server, USER, Method::POST, "/v1/chat/completions", Some(body));
    let (at, _) = answer(workers, 200, "{}").await;
    sent.await.unwrap().bytes().await.unwrap();
    at
}

#[tokio::test]
async fn a_conversation_is_made_where_the_key_was_served_last_and_stays_there() {
    let (server, mut workers) = two().await;
    for _ in 0..2 {
        let last = chat(&server, &mut workers).await;
        let made = send(&server, USER, Method::POST, "/v1/conversations", Some(json!({"items": []})));
        let id = if last == 0 { r#"{"id":"conv_0"}"# } else { r#"{"id":"conv_1"}"# };
        let (at, what) = answer(&mut workers, 200, id).await;
        assert_eq!((at, &*what), (last, "POST /v1/conversations"));
        made.await.unwrap().bytes().await.unwrap();
        for (method, rest) in [
            (Method::GET, ""),
            (Method::POST, ""),
            (Method::GET, "/items?limit=1"),
            (Method::POST, "/items"),
            (Method::GET, "/items/msg_1"),
            (Method::DELETE, "/items/msg_1"),
            (Method::DELETE, ""),
        ] {
            let path = format!("/v1/conversations/conv_{last}{rest}");
            let sent = send(&server, USER, method.clone(), &path, None);
            assert_eq!(answer(&mut workers, 200, "{}").await, (last, format!("{method} {path}")));
            assert_eq!(sent.await.unwrap().status(), 200);
            assert_eq!(send(&server, OTHER, method, &path, None).await.unwrap().status(), 404);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_machine_that_makes_no_such_objects_is_passed_over() {
    for (status, body) in [
        (404, NO_SUCH_URL),
        (403, ""),
        (405, ""),
        (200, r#"{"error":"Unexpected endpoint or method. (POST /v1/conversations)"}"#),
    ] {
        let (server, mut workers) = two().await;
        let made = send(&server, USER, Method::POST, "/v1/conversations", None);
        let (first, _) = answer(&mut workers, status, body).await;
        let (second, _) = answer(&mut workers, 200, r#"{"id":"conv_1"}"#).await;
        assert_ne!(first, second, "{status}");
        assert_eq!(made.await.unwrap().status(), 200);
        let sent = send(&server, USER, Method::GET, "/v1/conversations/conv_1", None);
        assert_eq!(answer(&mut workers, 200, "{}").await.0, second);
        sent.await.unwrap().bytes().await.unwrap();
        server.stop().await;
    }
}

#[tokio::test]
async fn a_file_is_uploaded_unchanged_and_a_message_with_it_goes_there() {
    const FORM: &str =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nllama\r\n--b--\r\n";
    let (server, mut workers) = two().await;
    let upload = server.client.post(format!("{}/v1/files", server.url)).bearer_auth(USER);
    let upload = upload.header("content-type", "multipart/form-data; boundary=b").body(FORM);
    let upload = tokio::spawn(async move { upload.send().await.unwrap() });
    let (made_at, Incoming { head, body, mut responder }) = asked(&mut workers).await;
    assert_eq!(head.headers["content-type"], "multipart/form-data; boundary=b");
    assert!(!head.headers.contains_key("x-llamapool-model"));
    assert_eq!(body.collect().await.unwrap().to_bytes(), FORM);
    responder.respond(response(200, "application/json"), Bytes::from_static(br#"{"id":"file-1"}"#), true);
    upload.await.unwrap().bytes().await.unwrap();

    let message = json!({"model": "m", "messages": [{"content": [{"file": {"file_id": "file-1"}}]}]});
    for (method, path, body) in [
        (Method::GET, "/v1/files/file-1", None),
        (Method::POST, "/v1/chat/completions", Some(message.clone())),
        (Method::POST, "/v1/chat/completions", Some(message)),
        (Method::GET, "/v1/files/file-1/content", None),
        (Method::DELETE, "/v1/files/file-1", None),
    ] {
        let sent = send(&server, USER, method.clone(), path, body);
        assert_eq!(answer(&mut workers, 200, "{}").await, (made_at, format!("{method} {path}")));
        assert_eq!(sent.await.unwrap().status(), 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn files_are_not_listed() {
    let (server, mut workers) = two().await;
    let answer = send(&server, USER, Method::GET, "/v1/files", None).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-should-retry"]),
        (501, &"false".parse().unwrap())
    );
    let error: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "not_supported");
    assert_eq!(send(&server, "no-key", Method::GET, "/v1/files", None).await.unwrap().status(), 401);
    assert!(!workers[0].is_asked() && !workers[1].is_asked());
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_object_is_looked_for_and_found_once() {
    let (server, mut workers) = two().await;
    let sent = send(&server, USER, Method::GET, "/v1/responses/resp_old", None);
    let (first, _) = answer(&mut workers, 404, NO_SUCH_RESPONSE).await;
    let (second, what) = answer(&mut workers, 200, r#"{"id":"resp_old"}"#).await;
    assert_eq!((second, &*what), (1 - first, "GET /v1/responses/resp_old"));
    assert_eq!(sent.await.unwrap().status(), 200);
    for key in [OTHER, USER] {
        let follow_up = json!({"model": "m", "input": "on", "previous_response_id": "resp_old"});
        let sent = send(&server, key, Method::POST, "/v1/responses", Some(follow_up));
        assert_eq!(answer(&mut workers, 200, "{}").await.0, second, "{key}");
        sent.await.unwrap().bytes().await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn an_object_that_nobody_has_is_the_last_machines_404() {
    let (server, mut workers) = two().await;
    for method in [Method::GET, Method::DELETE] {
        let sent = send(&server, USER, method, "/v1/responses/resp_old", None);
        let (first, _) = answer(&mut workers, 404, NO_SUCH_URL).await;
        let (second, _) = answer(&mut workers, 404, NO_SUCH_RESPONSE).await;
        assert_ne!(first, second);
        let answer = sent.await.unwrap();
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.bytes().await.unwrap(), NO_SUCH_RESPONSE);
    }
    let state = send(&server, "admin-key", Method::GET, "/api/state", None).await.unwrap();
    let state: Value = serde_json::from_slice(&state.bytes().await.unwrap()).unwrap();
    assert_eq!(state["server"]["failovers_total"], 0, "nobody has failed");
    server.stop().await;
}

#[tokio::test]
async fn a_follow_up_to_an_unknown_response_tries_the_machines_with_the_model() {
    let (server, mut workers) = two().await;
    let follow_up = json!({"model": "m", "input": "on", "previous_response_id": "resp_old"});
    let sent = send(&server, USER, Method::POST, "/v1/responses", Some(follow_up));
    let (first, _) = answer(&mut workers, 400, NO_SUCH_RESPONSE).await;
    let (second, _) = answer(&mut workers, 200, "{}").await;
    assert_ne!(first, second);
    assert_eq!(sent.await.unwrap().status(), 200);
    let sent = send(&server, USER, Method::GET, "/v1/responses/resp_old", None);
    assert_eq!(answer(&mut workers, 200, "{}").await.0, second, "it is remembered");
    sent.await.unwrap().bytes().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_follow_up_to_an_unknown_response_is_tried_as_often_as_any_request() {
    let server = TestServer::with(|config| config.routing.max_attempts = 1).await;
    let mut worker = ScriptedWorker::join(&server, "a", 9, &["m"]).await;
    let mut other = ScriptedWorker::join(&server, "b", 9, &["m", "x"]).await;
    server.until_models(2).await;
    let follow_up = json!({"model": "m", "input": "on", "previous_response_id": "resp_old"});
    let sent = send(&server, USER, Method::POST, "/v1/responses", Some(follow_up));
    tokio::select! {
        () = worker.answer(404, NO_SUCH_RESPONSE) => {}
        () = other.answer(404, NO_SUCH_RESPONSE) => {}
    }
    let answer = sent.await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.bytes().await.unwrap(), NO_SUCH_RESPONSE);
    assert!(!worker.is_asked() && !other.is_asked());
    server.stop().await;
}

#[tokio::test]
async fn without_a_machine_there_is_nobody_to_ask() {
    let server = TestServer::start().await;
    for (method, path) in [
        (Method::POST, "/v1/conversations"),
        (Method::GET, "/v1/conversations/conv_1"),
        (Method::GET, "/v1/files/file-1/content"),
    ] {
        let answer = send(&server, USER, method, path, None).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &"2".parse().unwrap())
        );
        let error: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(error["error"]["code"], "no_worker_ready");
    }
    server.stop().await;
}
