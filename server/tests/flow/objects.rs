//! Requests that name an object of an earlier one go where it was made.

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use llamapool_tunnel::Incoming;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{PATIENCE, ScriptedWorker, TestServer, response};

pub(crate) const USER: &str = "user-key";
pub(crate) const OTHER: &str = "other-key";
const ADMIN: &str = "admin-key";

/// A server with keys, and two workers that have the model.
pub(crate) async fn two() -> (TestServer, [ScriptedWorker; 2]) {
    let server = TestServer::with(|config| {
        config.keys.user = vec![USER.into(), OTHER.into()];
        config.keys.api = vec![ADMIN.into()];
    })
    .await;
    let workers = [
        ScriptedWorker::join(&server, "a", 9, &["m", "a"]).await,
        ScriptedWorker::join(&server, "b", 9, &["m", "b"]).await,
    ];
    let both = async {
        for only in ["a", "b"] {
            while send(&server, USER, Method::GET, &format!("/v1/models/{only}"), None)
                .await
                .unwrap()
                .status()
                != 200
            {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, both).await.expect("the workers never came");
    (server, workers)
}

pub(crate) fn send(
    server: &TestServer,
    key: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> JoinHandle<reqwest::Response> {
    let mut request = server.client.request(method, format!("{}{path}", server.url)).bearer_auth(key);
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    tokio::spawn(async move { request.send().await.unwrap() })
}

/// Answers the request, whichever worker has it, and returns which one that is.
async fn answered(
    workers: &mut [ScriptedWorker; 2],
    content_type: &'static str,
    body: &'static str,
) -> (usize, String) {
    let (at, Incoming { head, mut responder, .. }) = asked(workers).await;
    responder.respond(response(200, content_type), Bytes::from_static(body.as_bytes()), true);
    (at, format!("{} {}", head.method, head.target))
}

/// The next request, and at which worker it is.
pub(crate) async fn asked(workers: &mut [ScriptedWorker; 2]) -> (usize, Incoming) {
    let find = async {
        loop {
            for (at, worker) in workers.iter_mut().enumerate() {
                if worker.is_asked() {
                    return (at, worker.next().await);
                }
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, find).await.expect("no worker was asked")
}

const MADE: &str = r#"{"id":"resp_1","object":"response","status":"completed","output":[]}"#;
const STREAMED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\"}}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":1,\"response\":{\"id\":\"resp_1\"}}\n\n";

#[tokio::test]
async fn a_follow_up_goes_where_the_response_was_made() {
    for (content_type, body) in [("application/json", MADE), ("text/event-stream", STREAMED)] {
        let (server, mut workers) = two().await;
        let first =
            send(&server, USER, Method::POST, "/v1/responses", Some(json!({"model": "m", "input": "go"})));
        let (made_at, _) = answered(&mut workers, content_type, body).await;
        first.await.unwrap().bytes().await.unwrap();
        for key in [USER, USER, USER, ADMIN] {
            let next = json!({"model": "m", "input": "on", "previous_response_id": "resp_1"});
            let next = send(&server, key, Method::POST, "/v1/responses", Some(next));
            let (at, _) = answered(&mut workers, "application/json", "{}").await;
            assert_eq!(at, made_at, "{content_type}");
            next.await.unwrap().bytes().await.unwrap();
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn an_object_is_looked_up_where_it_was_made() {
    let (server, mut workers) = two().await;
    let first =
        send(&server, USER, Method::POST, "/v1/responses", Some(json!({"model": "m", "input": "go"})));
    let (made_at, _) = answered(&mut workers, "application/json", MADE).await;
    first.await.unwrap().bytes().await.unwrap();
    for (method, path) in [
        (Method::GET, "/v1/responses/resp_1?include=x"),
        (Method::GET, "/api/v1/responses/resp_1/input_items"),
        (Method::POST, "/v1/responses/resp_1/cancel"),
        (Method::GET, "/v1/responses/resp_1"),
        (Method::DELETE, "/v1/responses/resp_1"),
    ] {
        let sent = send(&server, USER, method.clone(), path, None);
        let (at, asked) = answered(&mut workers, "application/json", "{}").await;
        assert_eq!((at, asked), (made_at, format!("{method} {}", path.trim_start_matches("/api"))));
        assert_eq!(sent.await.unwrap().status(), 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stored_chat_completion_is_kept_and_another_is_not() {
    let (server, mut workers) = two().await;
    for (id, store) in [("chatcmpl-1", true), ("chatcmpl-2", false)] {
        let chat = json!({"model": "m", "messages": [], "store": store});
        let sent = send(&server, USER, Method::POST, "/v1/chat/completions", Some(chat));
        let body = if store { r#"{"id":"chatcmpl-1"}"# } else { r#"{"id":"chatcmpl-2"}"# };
        let (made_at, _) = answered(&mut workers, "application/json", body).await;
        sent.await.unwrap().bytes().await.unwrap();
        let path = format!("/v1/chat/completions/{id}");
        let sent = send(&server, USER, Method::GET, &path, None);
        if store {
            let (at, _) = answered(&mut workers, "application/json", "{}").await;
            assert_eq!(at, made_at);
            let update = send(&server, USER, Method::POST, &path, Some(json!({"metadata": {"a": "b"}})));
            let (_, Incoming { body, mut responder, .. }) = (0, workers[made_at].next().await);
            assert_eq!(body.collect().await.unwrap().to_bytes(), r#"{"metadata":{"a":"b"}}"#);
            responder.respond(response(200, "application/json"), Bytes::from_static(b"{}"), true);
            assert_eq!(update.await.unwrap().status(), 200);
        } else {
            // Nothing is known of it, so both are asked.
            for _ in 0..2 {
                let (_, Incoming { mut responder, .. }) = asked(&mut workers).await;
                responder.respond(response(404, "application/json"), Bytes::from_static(b"{}"), true);
            }
        }
        assert_eq!(sent.await.unwrap().status(), if store { 200 } else { 404 });
    }
    server.stop().await;
}

#[tokio::test]
async fn an_object_belongs_to_the_key_that_made_it() {
    let (server, mut workers) = two().await;
    let first =
        send(&server, USER, Method::POST, "/v1/responses", Some(json!({"model": "m", "input": "go"})));
    answered(&mut workers, "application/json", MADE).await;
    first.await.unwrap().bytes().await.unwrap();
    let follow_up = json!({"model": "m", "input": "on", "previous_response_id": "resp_1"});
    for sent in [
        send(&server, OTHER, Method::GET, "/v1/responses/resp_1", None),
        send(&server, OTHER, Method::DELETE, "/v1/responses/resp_1", None),
        send(&server, OTHER, Method::POST, "/v1/responses", Some(follow_up)),
        send(&server, USER, Method::GET, "/v1/responses/..%2Fmodels", None),
    ] {
        let answer = sent.await.unwrap();
        assert_eq!(answer.status(), 404);
        let error: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(error["error"]["code"], "not_found");
    }
    assert!(!workers[0].is_asked() && !workers[1].is_asked());
    server.stop().await;
}

#[tokio::test]
async fn an_object_whose_machine_is_gone_is_named_in_the_error() {
    let (server, mut workers) = two().await;
    let first =
        send(&server, USER, Method::POST, "/v1/responses", Some(json!({"model": "m", "input": "go"})));
    let (made_at, _) = answered(&mut workers, "application/json", MADE).await;
    first.await.unwrap().bytes().await.unwrap();
    let [a, b] = workers;
    let (gone, mut stays, name) = if made_at == 0 { (a, b, "a") } else { (b, a, "b") };
    gone.die();
    let left = async {
        while send(&server, USER, Method::GET, &format!("/v1/models/{name}"), None).await.unwrap().status()
            == 200
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, left).await.expect("the worker is still listed");
    let follow_up = json!({"model": "m", "input": "on", "previous_response_id": "resp_1"});
    for sent in [
        send(&server, USER, Method::GET, "/v1/responses/resp_1", None),
        send(&server, USER, Method::POST, "/v1/responses", Some(follow_up)),
    ] {
        let answer = sent.await.unwrap();
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        let error: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert!(error["error"]["message"].as_str().unwrap().contains("resp_1"), "{error}");
    }
    assert!(!stays.is_asked());
    server.stop().await;
}
