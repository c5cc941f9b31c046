//! The demo from a client's point of view, without sockets where possible, and in paused time.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower::ServiceExt;

use super::echo::CONFESSION;
use super::*;
use crate::runtime::{Kind, Prober};

async fn ask(method: &str, path: &str, body: impl Into<Body>) -> Response {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    router().oneshot(request.body(body.into()).unwrap()).await.unwrap()
}

async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// The JSON response to a valid request.
async fn post(path: &str, body: Value) -> Value {
    let (status, answer) = read(ask("POST", path, body.to_string()).await).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

/// The events of a stream, `[DONE]` as a string.
async fn stream(path: &str, mut body: Value) -> Vec<Value> {
    body["stream"] = json!(true);
    let response = ask("POST", path, body.to_string()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&text).unwrap();
    let data = text.split("\n\n").filter_map(|event| event.split("data: ").nth(1));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
}

fn chat(said: &str) -> Value {
    json!({ "model": MODEL, "messages": [
        { "role": "system", "content": "be nice" },
        { "role": "user", "content": "first" },
        { "role": "assistant", "content": "…" },
        { "role": "user", "content": said },
        { "role": "assistant", "content": null, "tool_calls": [] },
    ] })
}

#[tokio::test]
async fn chat_echoes_what_the_user_said_last() {
    let answer = post("/v1/chat/completions", chat("hello world")).await;
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], MODEL);
    assert_eq!(answer["choices"][0]["message"]["content"], format!("{CONFESSION}hello world"));
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["usage"]["prompt_tokens"], 2);

    let mut parts = chat("");
    parts["messages"][3]["content"] =
        json!([{ "type": "image_url", "image_url": { "url": "x" } }, { "type": "text", "text": "see" }]);
    let answer = post("/v1/chat/completions", parts).await;
    assert_eq!(answer["choices"][0]["message"]["content"], format!("{CONFESSION}see"));
}

#[tokio::test(start_paused = true)]
async fn chat_streams_word_by_word() {
    let begun = Instant::now();
    let mut body = chat("hello world");
    body["stream_options"] = json!({ "include_usage": true });
    let events = stream("/v1/chat/completions", body).await;
    let took = begun.elapsed();
    assert_eq!(took, Duration::from_millis(20) * u32::try_from(events.len() - 1).unwrap(), "20 ms apart");

    let deltas: String =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(deltas, format!("{CONFESSION}hello world"));
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(events[0]["usage"], Value::Null);
    let [.., last, usage, done] = events.as_slice() else { panic!("too few events") };
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!((&usage["choices"], &usage["usage"]["prompt_tokens"]), (&json!([]), &json!(2)));
    assert_eq!(done, "[DONE]");
    let ids: std::collections::HashSet<_> = events.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn limits_and_usage_only_when_asked_for() {
    let mut body = chat("hello");
    body["max_tokens"] = json!(2);
    let events = stream("/v1/chat/completions", body).await;
    assert!(events.iter().all(|event| event.get("usage").is_none()));
    assert_eq!(events.len(), 5, "role, two words, the end, [DONE]");
    assert_eq!(events[3]["choices"][0]["finish_reason"], "length");
}

#[tokio::test(start_paused = true)]
async fn completions() {
    let two = json!({ "model": MODEL, "prompt": ["a", "b c"] });
    let answer = post("/v1/completions", two.clone()).await;
    assert_eq!(answer["object"], "text_completion");
    assert_eq!(answer["choices"][1]["text"], format!("{CONFESSION}b c"));
    assert_eq!(answer["usage"]["prompt_tokens"], 3);

    let events = stream("/v1/completions", two).await;
    let second = events.iter().filter(|event| event["choices"][0]["index"] == 1);
    let text: String = second.filter_map(|event| event["choices"][0]["text"].as_str()).collect();
    assert_eq!(text, format!("{CONFESSION}b c"));
    assert_eq!(events.last().unwrap(), "[DONE]");

    let tokens = post("/v1/completions", json!({ "model": MODEL, "prompt": [7, 8] })).await;
    assert_eq!(tokens["choices"][0]["text"], format!("{CONFESSION}7 8"));
}

#[tokio::test(start_paused = true)]
async fn responses() {
    let body = json!({ "model": MODEL, "input": "hello" });
    let answer = post("/v1/responses", body.clone()).await;
    assert_eq!((&answer["object"], &answer["status"]), (&json!("response"), &json!("completed")));
    assert_eq!(answer["output"][0]["content"][0]["text"], format!("{CONFESSION}hello"));
    assert_eq!(answer["usage"]["input_tokens"], 1);

    let items = json!({ "model": MODEL, "input": [
        { "role": "user", "content": [{ "type": "input_text", "text": "deep" }] },
        { "type": "function_call_output", "output": "x" }] });
    let answer = post("/v1/responses", items).await;
    assert_eq!(answer["output"][0]["content"][0]["text"], format!("{CONFESSION}deep"));

    let events = stream("/v1/responses", body).await;
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds[..4],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added"
        ]
    );
    assert_eq!(
        kinds[kinds.len() - 4..],
        [
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed"
        ]
    );
    let text: String = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(text, format!("{CONFESSION}hello"));
    assert_eq!(events.last().unwrap()["response"]["output"][0]["content"][0]["text"], text.as_str());
    assert!(events.iter().enumerate().all(|(number, event)| event["sequence_number"] == number));

    let cut = post("/v1/responses", json!({ "model": MODEL, "input": "x", "max_output_tokens": 1 })).await;
    assert_eq!(cut["incomplete_details"]["reason"], "max_output_tokens");
}

#[tokio::test]
async fn embeddings_in_every_form() {
    let given = post("/v1/embeddings", json!({ "model": MODEL, "input": "hello", "dimensions": 8 })).await;
    let floats: Vec<f32> = serde_json::from_value(given["data"][0]["embedding"].clone()).unwrap();
    assert_eq!(floats.len(), 8);

    let body =
        json!({ "model": MODEL, "input": ["x", "hello"], "dimensions": 8, "encoding_format": "base64" });
    let coded = post("/v1/embeddings", body).await;
    let bytes = BASE64_STANDARD.decode(coded["data"][1]["embedding"].as_str().unwrap()).unwrap();
    let decoded: Vec<f32> =
        bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(decoded, floats, "the same text, the same vector");

    for input in [json!([1, 2, 3]), json!([[1, 2], [3]])] {
        let answer = post("/v1/embeddings", json!({ "model": MODEL, "input": input })).await;
        assert_eq!(answer["data"][0]["embedding"].as_array().unwrap().len(), 64);
    }
}

#[tokio::test]
async fn models_and_health() {
    let (_, list) = read(ask("GET", "/v1/models", "").await).await;
    assert_eq!(list["data"][0]["id"], MODEL);
    let (_, one) = read(ask("GET", &format!("/v1/models/{MODEL}"), "").await).await;
    assert_eq!(one, list["data"][0]);
    let (status, fault) = read(ask("GET", "/v1/models/org/other", "").await).await;
    assert_eq!((status, &fault["error"]["code"]), (StatusCode::NOT_FOUND, &json!("model_not_found")));
    assert_eq!(ask("GET", "/health", "").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_usual_shape() {
    let model = |rest: &str| format!("{{\"model\":\"{MODEL}\"{rest}}}");
    for (path, body, status, param) in [
        ("/v1/chat/completions", "{".to_owned(), 400, Value::Null),
        ("/v1/chat/completions", String::new(), 400, Value::Null),
        ("/v1/chat/completions", "[]".to_owned(), 400, Value::Null),
        ("/v1/chat/completions", "{}".to_owned(), 400, json!("model")),
        ("/v1/chat/completions", r#"{"model":"gpt","messages":[]}"#.to_owned(), 404, json!("model")),
        ("/v1/chat/completions", model(""), 400, Value::Null),
        ("/v1/chat/completions", model(r#","messages":[]"#), 400, json!("messages")),
        ("/v1/chat/completions", model(r#","messages":[{"role":"user"}],"n":2"#), 400, json!("n")),
        ("/v1/completions", model(r#","prompt":[]"#), 400, json!("prompt")),
        ("/v1/completions", model(r#","prompt":{}"#), 400, Value::Null),
        ("/v1/responses", model(r#","input":[]"#), 400, json!("input")),
        ("/v1/embeddings", model(r#","input":"""#), 400, json!("input")),
        ("/v1/embeddings", model(r#","input":"x","dimensions":7"#), 400, json!("dimensions")),
        ("/v1/embeddings", model(r#","input":"x","encoding_format":"hex""#), 400, Value::Null),
        ("/v1/audio/speech", model(""), 404, Value::Null),
    ] {
        let (got, fault) = read(ask("POST", path, body.clone()).await).await;
        assert_eq!((got.as_u16(), &fault["error"]["param"]), (status, &param), "{path} {body}: {fault}");
        assert_eq!(fault["error"]["type"], "invalid_request_error");
        assert!(fault["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    let (status, _) = read(ask("GET", "/v1/chat/completions", "").await).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let invalid = ask("POST", "/v1/chat/completions", vec![0xff, 0xfe]).await;
    assert_eq!(invalid.status(), StatusCode::BAD_REQUEST);
    let huge = ask("POST", "/v1/chat/completions", vec![b' '; MAX_BODY + 1]).await;
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_survey_finds_it() {
    let demo = Demo::start().await.unwrap();
    let mut prober = Prober::new(Some(demo.base_url().clone()), None, Kind::Auto, Duration::from_secs(5));
    let info = prober.probe().await.unwrap();
    assert_eq!(info.kind, Kind::OpenAi);
    assert_eq!(info.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), [MODEL]);
}

#[tokio::test]
async fn dropped_it_is_gone_with_all_its_streams() {
    let demo = Demo::start().await.unwrap();
    let address = demo.base_url().socket_addrs(|| None).unwrap()[0];
    let mut client = TcpStream::connect(address).await.unwrap();
    let mut body = chat(&"word ".repeat(500));
    body["stream"] = json!(true);
    let body = body.to_string();
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    client.write_all((head + &body).as_bytes()).await.unwrap();
    let mut first = [0; 512];
    assert!(client.read(&mut first).await.unwrap() > 0);

    drop(demo);
    let mut rest = Vec::new();
    // An end or a reset, but soon: the complete stream would take ten seconds.
    let _ = client.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains("[DONE]"));
    assert!(TcpStream::connect(address).await.is_err());
}
