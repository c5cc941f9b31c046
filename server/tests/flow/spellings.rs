//! What clients write in many ways: paths, keys, encodings of bodies, truth values.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use llamapool_server::config::Origin;
use llamapool_tunnel::Incoming;
use llamapool_tunnel::head::RequestHead;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::support::{ScriptedWorker, TestServer, response};

const BODY: &str = r#"{"model":"m","messages":[]}"#;

/// Sends a request and answers it; returns what arrived at the worker.
async fn through(request: RequestBuilder, worker: &mut ScriptedWorker) -> (Response, RequestHead, Bytes) {
    let answered = async {
        let Incoming { head, body, mut responder } = worker.next().await;
        let body = body.collect().await.unwrap().to_bytes();
        responder.respond(response(200, "application/json"), Bytes::from_static(b"{}"), true);
        (head, body)
    };
    let (answer, (head, body)) = tokio::join!(request.send(), answered);
    (answer.unwrap(), head, body)
}

async fn error_of(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    (status, body["error"].clone())
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest)
}

#[tokio::test]
async fn every_spelling_of_a_path_reaches_the_canonical_one() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 4, &["m", "org/m/"]).await;
    server.until_models(2).await;
    for (path, canonical) in [
        ("//v1/chat/completions", "/v1/chat/completions"),
        ("/v1//chat/completions?a=//b", "/v1/chat/completions?a=//b"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/api/v1/chat/completions", "/v1/chat/completions"),
        ("/api//v1/chat/completions", "/v1/chat/completions"),
        ("/openai/v1/responses", "/v1/responses"),
        ("/embeddings", "/v1/embeddings"),
        ("/rerank", "/v1/rerank"),
        ("/v2/rerank", "/v1/rerank"),
        ("/v1/reranking", "/v1/rerank"),
    ] {
        let request = server.client.post(format!("{}{path}", server.url)).body(BODY);
        let (answer, head, _) = through(request, &mut worker).await;
        assert_eq!((answer.status().as_u16(), head.target.as_str()), (200, canonical), "{path}");
    }
    for path in
        ["/v1//models", "//v1/models", "/models", "/openai/v1/models/", "/v1/models/org/m/", "/health"]
    {
        let answer = server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    let root = server.client.request(Method::HEAD, format!("{}/", server.url)).send().await.unwrap();
    let page = server.client.get(format!("{}/", server.url)).send().await.unwrap();
    assert_eq!(root.status(), page.status(), "`HEAD /` is how some clients look for a server");
    assert_ne!(root.status(), StatusCode::METHOD_NOT_ALLOWED);
    server.stop().await;
}

/// A key in front of it protects a path in every spelling; the paths of the administration have one only.
#[tokio::test]
async fn no_spelling_leads_around_a_key() {
    let server = TestServer::with(|config| config.keys.api = vec!["right".into()]).await;
    for path in ["/v1/models", "//v1/models", "/models", "/api//v1//models", "/openai/v1/models"] {
        let answer = server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
    }
    let answer =
        server.client.get(format!("{}//api/state", server.url)).bearer_auth("right").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    server.stop().await;
}

/// A server without keys keeps pages of other sites out, whatever path they ask for.
#[tokio::test]
async fn no_spelling_leads_around_the_origin_guard() {
    let server = TestServer::start().await;
    for path in ["/v1/models", "//v1/models", "/models", "/chat/completions"] {
        let request =
            server.client.get(format!("{}{path}", server.url)).header("origin", "https://evil.example");
        assert_eq!(request.send().await.unwrap().status(), 403, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn one_right_key_is_enough_wherever_it_is() {
    let server = TestServer::with(|config| config.keys.api = vec!["right".into()]).await;
    let status = async |headers: &[(&str, &str)]| {
        let mut request = server.client.get(format!("{}/v1/models", server.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&[("api-key", "right")]).await, 200);
    assert_eq!(status(&[("authorization", "right")]).await, 200);
    assert_eq!(status(&[("authorization", "Bearer wrong"), ("x-api-key", "right")]).await, 200);
    assert_eq!(status(&[("authorization", "Bearer wrong"), ("api-key", "wrong")]).await, 401);
    assert_eq!(status(&[("authorization", "Basic cmlnaHQ=")]).await, 401);
    server.stop().await;
}

#[tokio::test]
async fn an_encoded_body_arrives_decoded() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 4, &["m"]).await;
    server.until_models(1).await;
    let plain = BODY.as_bytes();
    let two_members = [gzip(&plain[..5]), gzip(&plain[5..])].concat();
    let two_frames = [zstd(&plain[..5]), zstd(&plain[5..])].concat();
    // RFC 8878, 3.1.2: four bytes of magic number, four of length, and what is skipped.
    let with_skipped = [b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(), zstd(plain)].concat();
    for (encoding, body) in [
        ("gzip", gzip(plain)),
        ("X-GZip", two_members),
        ("deflate", deflate(plain)),
        ("zstd", zstd(plain)),
        ("identity, zstd", two_frames),
        ("zstd", with_skipped),
        ("identity", plain.to_vec()),
    ] {
        let url = format!("{}/v1/responses", server.url);
        let request = server.client.post(url).header("content-encoding", encoding).body(body);
        let (answer, head, arrived) = through(request, &mut worker).await;
        assert_eq!((answer.status().as_u16(), &*arrived), (200, plain), "{encoding}");
        assert!(!head.headers.contains_key("content-encoding"), "{encoding}");
        assert_eq!(head.headers["content-length"], plain.len().to_string().as_str(), "{encoding}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_encoded_body_that_cannot_be_decoded_is_refused_with_the_reason() {
    let server = TestServer::with(|config| config.limits.max_body = 100_000).await;
    let bomb = vec![b' '; 100_001];
    let plain = BODY.as_bytes();
    let cut = |whole: Vec<u8>| whole[..whole.len() - 4].to_vec();
    for (encoding, body, status, says) in [
        ("br", plain.to_vec(), 415, "`br`"),
        ("gzip, zstd", plain.to_vec(), 415, "gzip, zstd"),
        ("gzip", plain.to_vec(), 400, "not valid gzip"),
        ("gzip", cut(gzip(plain)), 400, "not valid gzip"),
        ("zstd", plain.to_vec(), 400, "not valid zstd"),
        ("zstd", cut(zstd(plain)), 400, "not valid zstd"),
        ("gzip", gzip(&bomb), 413, "larger than 100000"),
        ("deflate", deflate(&bomb), 413, "larger than 100000"),
        ("zstd", zstd(&bomb), 413, "larger than 100000"),
    ] {
        let url = format!("{}/v1/responses", server.url);
        let request = server.client.post(url).header("content-encoding", encoding).body(body);
        let (got, error) = error_of(request).await;
        let message = error["message"].as_str().unwrap();
        assert!(got == status && message.contains(says), "{encoding}: {got} {message}");
    }
    let request = server.client.post(format!("{}/v1/responses", server.url)).header("content-encoding", "br");
    let answer = request.body(BODY).send().await.unwrap();
    assert_eq!(answer.headers()["accept-encoding"], "gzip, deflate, zstd");
    server.stop().await;
}

/// What a body becomes counts against the memory for all bodies, not what it was.
#[tokio::test]
async fn decoded_bodies_share_the_memory_for_bodies() {
    let server = TestServer::with(|config| config.limits.body_memory = 10_000).await;
    let body = format!(r#"{{"model":"m","input":"{}"}}"#, " ".repeat(20_000));
    let request =
        server.client.post(format!("{}/v1/responses", server.url)).header("content-encoding", "gzip");
    let (status, error) = error_of(request.body(gzip(body.as_bytes()))).await;
    assert_eq!((status, error["code"].as_str()), (503, Some("server_is_overloaded")));
    server.stop().await;
}

#[tokio::test]
async fn a_byte_order_mark_and_truth_as_text_are_understood() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 4, &["m"]).await;
    server.until_models(1).await;
    let url = format!("{}/v1/chat/completions", server.url);
    let body = r#"{"model":"m","stream":"false"}"#;
    let (answer, _, arrived) =
        through(server.client.post(url).body(format!("\u{feff}{body}")), &mut worker).await;
    assert_eq!((answer.status().as_u16(), &*arrived), (200, body.as_bytes()));
    server.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_models_come_with_a_hint() {
    let allow = |config: &mut llamapool_server::config::Config| config.cors.allowed = vec![Origin::Any];
    let server = TestServer::with(allow).await;
    let worker = ScriptedWorker::join(&server, "a", 4, &["gpt-oss:20b"]).await;
    server.until_models(1).await;
    for (path, hint) in [
        ("/v1/v1/chat/completions", "Did you mean /v1/chat/completions?"),
        ("/v1/chat", "Did you mean /v1/chat/completions?"),
        ("/v1/embedding", "Did you mean /v1/embeddings?"),
    ] {
        let request =
            server.client.post(format!("{}{path}", server.url)).header("origin", "https://a.example");
        let answer = request.body(BODY).send().await.unwrap();
        assert_eq!(answer.headers()["access-control-allow-origin"], "*", "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(hint), "{path}: {text}");
    }
    let (status, error) = error_of(server.chat("gpt-oss")).await;
    let message = error["message"].as_str().unwrap();
    assert_eq!((status, error["code"].as_str()), (404, Some("model_not_found")));
    assert!(message.contains("Did you mean `gpt-oss:20b`?"), "{message}");
    drop(worker);
    server.stop().await;
}

/// Ollama answers 403 to an `Origin` that it does not know, and nobody's cookies are a runtime's business.
#[tokio::test]
async fn what_a_browser_says_of_itself_ends_here() {
    let server = TestServer::with(|config| config.cors.allowed = vec![Origin::Any]).await;
    let mut worker = ScriptedWorker::join(&server, "a", 4, &["m"]).await;
    server.until_models(1).await;
    let mut request = server.chat("m");
    for (name, value) in [
        ("origin", "https://a.example"),
        ("referer", "https://a.example/chat"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "cors"),
        ("sec-ch-ua-platform", "\"Linux\""),
        ("cookie", "session=1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("api-key", "k"),
        ("authorization", "k"),
        ("accept", "text/event-stream"),
        ("openai-organization", "o"),
        ("x-session-id", "s"),
    ] {
        request = request.header(name, value);
    }
    let (answer, head, _) = through(request, &mut worker).await;
    assert_eq!(answer.status(), 200);
    let mut names: Vec<_> = head.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    let expect = [
        "accept",
        "content-length",
        "openai-organization",
        "x-llamapool-model",
        "x-request-id",
        "x-session-id",
    ];
    assert_eq!(names, expect);
    server.stop().await;
}
