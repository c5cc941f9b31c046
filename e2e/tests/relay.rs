//! What an API client sees when everything works: models, answers, streams, all as the runtime gave them.

use http::Method;
use llamapool_e2e::client::plain_chat;
use llamapool_e2e::fake_llm::{hash, sse_token};
use llamapool_e2e::{End, FakeLlm, MODEL, Pace, Pool, Script, Server, Worker};
use serde_json::json;

/// An empty pool lists no models, as an empty list: SDKs iterate over it.
#[tokio::test]
async fn an_empty_pool_lists_no_models() {
    let server = Server::start().await;
    let list = server.get("/api/v1/models").whole().await;
    assert_eq!(list.expect_ok().json(), json!({"object": "list", "data": []}));
    server.stop().await;
}

/// Models of all workers are listed once, sorted, with who has them and since when; ids with slashes too.
#[tokio::test]
async fn models_are_listed_and_retrieved() {
    let server = Server::start().await;
    let one = FakeLlm::start(&["zeta", "org/model-7b:q4", "both"]).await;
    let two = FakeLlm::start(&["both", "alpha"]).await;
    let _one = Worker::start("mac", &server.worker_url(), &one);
    let _two = Worker::start("pc", &server.worker_url(), &two);
    server.until_models(&["alpha", "both", "org/model-7b:q4", "zeta"]).await;
    server.until_owners("both", 2).await;
    for prefix in ["/api/v1", "/v1"] {
        for id in ["both", "org/model-7b:q4", "org%2Fmodel-7b%3Aq4"] {
            let model = server.get(&format!("{prefix}/models/{id}")).whole().await;
            let model = model.expect_ok().json();
            assert_eq!(model["id"], id.replace("%2F", "/").replace("%3A", ":"));
            assert_eq!(model["object"], "model");
            assert!(model["created"].as_u64().is_some_and(|at| at > 1_500_000_000), "{model}");
        }
        let both = server.get(&format!("{prefix}/models/both")).whole().await.json();
        let owners = both["owned_by"].as_str().unwrap();
        assert!(owners.contains("mac") && owners.contains("pc"), "{owners}");
        let error = server.get(&format!("{prefix}/models/no/such")).whole().await.expect_error(404);
        assert_eq!(error["code"], "model_not_found");
    }
    server.stop().await;
}

/// The runtime gets exactly what the client sent, except what is between client and server; and the other way round.
#[tokio::test]
async fn a_request_travels_unchanged() {
    let pool = Pool::start().await;
    let body = format!(
        r#" {{"zzz":1.50, "model" : "{MODEL}","messages":[{{"role":"user","content":"é\u00e9 中"}}]}} "#
    );
    let ask = pool.server.ask(Method::POST, "/api/v1/chat/completions?trace=1&x=%20y");
    let ask = ask.header("content-type", "application/json").header("openai-organization", "org-1");
    let answer = ask.header("x-api-key", "sk-test-caller").body(body.clone()).whole().await;
    answer.expect_ok();
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "hello");
    let seen = pool.llm().last();
    assert_eq!(seen.line, "POST /v1/chat/completions?trace=1&x=%20y");
    assert_eq!(seen.body, body);
    assert_eq!(seen.header("openai-organization"), "org-1");
    assert_eq!(seen.header("content-length"), body.len().to_string());
    let all = format!("{:?}", seen.headers);
    assert!(!all.contains("sk-test-caller"), "the caller's key went on to the runtime: {all}");
    assert!(!all.contains("sk-test-worker"), "the worker's key went on to the runtime: {all}");
    pool.stop().await;
}

/// Every OpenAI path that carries a model works, under both prefixes; any other is a clear 404.
#[tokio::test]
async fn every_path_with_a_model_is_served() {
    let pool = Pool::start().await;
    let paths = [
        "chat/completions",
        "completions",
        "embeddings",
        "responses",
        "rerank",
        "moderations",
        "images/generations",
        "images/edits",
        "images/variations",
        "audio/speech",
        "audio/transcriptions",
        "audio/translations",
    ];
    for path in paths {
        for prefix in ["/api/v1", "/v1"] {
            let answer = pool.server.post(&format!("{prefix}/{path}"), &plain_chat(MODEL)).whole().await;
            answer.expect_ok();
            assert_eq!(pool.llm().last().line, format!("POST /v1/{path}"));
        }
    }
    for path in ["/api/v1/no/such", "/v1/", "/no", "/api/v2/chat/completions", "/v1/chat/completions/x/y"] {
        pool.server.post(path, &plain_chat(MODEL)).whole().await.expect_error(404);
    }
    pool.server.get("/v1/chat/completions").whole().await.expect_error(405);
    pool.server.post("/", &plain_chat(MODEL)).whole().await.expect_error(405); // the dashboard is there, to look at
    pool.stop().await;
}

/// Audio comes as a form: the model is one of its fields, the file arrives byte for byte.
#[tokio::test]
async fn multipart_is_routed_by_its_model_field() {
    let pool = Pool::start().await;
    let sound: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut form = b"--b0und\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
        Content-Type: audio/wav\r\n\r\n"
        .to_vec();
    form.extend_from_slice(&sound);
    form.extend_from_slice(
        format!(
            "\r\n--b0und\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{MODEL}\r\n--b0und--\r\n"
        )
        .as_bytes(),
    );
    let ask = pool.server.ask(Method::POST, "/v1/audio/transcriptions");
    let ask = ask.header("content-type", "multipart/form-data; boundary=b0und").body(form.clone());
    ask.whole().await.expect_ok();
    assert_eq!(pool.llm().last().hash, Some(hash(&form)));
    assert_eq!(pool.llm().last().header("content-type"), "multipart/form-data; boundary=b0und");
    pool.stop().await;
}

/// Each token is on the screen when the runtime has said it, not when the next one comes.
#[tokio::test]
async fn every_chunk_is_passed_on_at_once() {
    let pool = Pool::start().await;
    // The head may wait for the first byte: until then another worker may have to answer.
    pool.llm().step(1);
    let mut reply = pool.server.chat(MODEL, &Script::stepped(20)).send().await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/event-stream"));
    for at in 0..20 {
        assert_eq!(reply.data().await, sse_token(MODEL, at));
        pool.llm().step(1);
    }
    assert_eq!(reply.whole().await.body, "data: [DONE]\n\n");
    pool.stop().await;
}

/// However a runtime cuts its stream, and whatever is in it, the client gets the same bytes.
#[tokio::test]
async fn streams_are_byte_identical() {
    let pool = Pool::start().await;
    let sse =
        "data: {\"a\":\"é中🦙\"}\r\n\r\n: comment\n\nevent: x\nid: 7\ndata: 1\ndata: 2\n\ndata: [DONE]\n\n";
    let ndjson = "{\"a\":1}\n{\"b\":\"é\"}\n{\"done\":true}\n";
    let binary: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let cases: [(&str, &[u8], usize); 5] = [
        ("text/event-stream", sse.as_bytes(), 1),
        ("text/event-stream; charset=utf-8", sse.as_bytes(), 7),
        ("application/x-ndjson", ndjson.as_bytes(), 3),
        ("audio/mpeg", &binary, 1021),
        ("text/event-stream", b"no event at all\n\ndata: [DONE]", 5),
    ];
    for (content_type, bytes, size) in cases {
        let chunks = bytes.chunks(size).map(<[u8]>::to_vec).collect();
        let script = Script::Chunks {
            content_type: content_type.into(),
            chunks,
            pace: Pace::FlatOut,
            end: End::Clean,
        };
        pool.llm().always(script);
        let reply = pool.server.post("/v1/chat/completions", &plain_chat(MODEL)).whole().await;
        assert_eq!(reply.header("content-type"), content_type);
        assert!(reply.expect_ok().body == bytes, "{content_type} in chunks of {size}: {:?}", reply.text());
    }
    pool.stop().await;
}

/// A runtime's own error is the client's answer, byte for byte.
#[tokio::test]
async fn errors_of_the_runtime_pass_unchanged() {
    let pool = Pool::start().await;
    for code in [400, 404, 422, 500] {
        let answer = pool.server.chat(MODEL, &Script::status(code)).whole().await;
        assert_eq!((answer.status, &answer.broken), (code, &None));
        let expected =
            json!({"message": format!("the runtime says {code}"), "type": "fake_error", "code": null});
        assert_eq!(answer.json(), json!({"error": expected}));
    }
    pool.stop().await;
}

/// A request id goes in, on to the runtime, and out; without one, one is made.
#[tokio::test]
async fn request_ids_go_all_the_way() {
    let pool = Pool::start().await;
    let given = pool.server.chat(MODEL, &Script::Answer).header("x-request-id", "mine-1").whole().await;
    assert_eq!(
        (given.header("x-request-id"), pool.llm().last().header("x-request-id")),
        ("mine-1", "mine-1")
    );
    let made = pool.server.chat(MODEL, &Script::tokens(1)).whole().await;
    assert!(!made.header("x-request-id").is_empty());
    assert_eq!(made.header("x-request-id"), pool.llm().last().header("x-request-id"));
    pool.stop().await;
}

/// Another quantization of the same model will do; the runtime is asked for the one it has, and the client is told.
#[tokio::test]
async fn an_alias_is_rewritten_to_what_the_worker_has() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&["llama3:8b-q4_0", "mistral:latest"]).await;
    let _worker = Worker::start("w", &server.worker_url(), &llm);
    server.until_models(&["llama3:8b-q4_0", "mistral:latest"]).await;
    let body = |model: &str| format!(r#"{{"messages":[],  "model":"{model}" ,"user":"llama3:8b-fp16"}}"#);
    for (asked, had) in [("llama3:8b-fp16", "llama3:8b-q4_0"), ("mistral", "mistral:latest")] {
        let ask = server.ask(Method::POST, "/v1/chat/completions").header("content-type", "application/json");
        let answer = ask.body(body(asked)).whole().await;
        answer.expect_ok();
        assert_eq!(llm.last().body, body(had), "asked for {asked}");
        assert_eq!(llm.last().header("x-llamapool-model"), "", "that was for the worker");
        assert!(
            answer.headers.values().any(|value| value == had),
            "no header names {had}: {:?}",
            answer.headers
        );
    }
    let error = server.chat("llama3:70b", &Script::Answer).whole().await.expect_error(404);
    assert_eq!(error["code"], "model_not_found");
    server.stop().await;
}
