//! Whatever strangers send as clients, and runtimes as answers: a clear error in the right shape, and everybody else
//! goes on as if nothing had happened.

use http::Method;
use llamapool_e2e::client::{plain_chat, raw};
use llamapool_e2e::server::API_KEY;
use llamapool_e2e::{MODEL, Pool, Script, Whole, millis, secs, until};

/// Others are served as before.
async fn expect_unharmed(pool: &Pool) {
    pool.server.post("/v1/chat/completions", &plain_chat(MODEL)).whole().await.expect_ok();
}

async fn post(pool: &Pool, content_type: &str, body: &[u8]) -> Whole {
    let ask = pool.server.ask(Method::POST, "/v1/chat/completions");
    ask.header("content-type", content_type).body(body.to_vec()).whole().await
}

/// Requests that are no requests: 400, saying what is wrong.
#[tokio::test]
async fn malformed_requests_are_400() {
    let pool = Pool::start().await;
    let deep = "[".repeat(200_000);
    let deep_inside = format!(r#"{{"model":"{MODEL}","x":{}"#, "[".repeat(200_000));
    let wrong_type = format!(r#"{{"model":"{MODEL}","stream":"perhaps"}}"#);
    let cases: [&[u8]; 17] = [
        wrong_type.as_bytes(),
        b"",
        b" ",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"{}",
        b"{\"messages\":[]}",
        b"{\"model\":null}",
        b"{\"model\":7}",
        b"{\"model\":\"\"}",
        b"{\"model\":[\"a\"]}",
        b"{\"model\":\"a\xff\xfe\"}",
        b"{\"model\":\"llama3:8b\"} trailing",
        deep.as_bytes(),
        deep_inside.as_bytes(),
    ];
    for body in cases {
        let answer = post(&pool, "application/json", body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text());
        let error = answer.expect_error(400);
        assert_eq!(error["type"], "invalid_request_error", "{shown}");
    }
    assert!(pool.llm().seen().is_empty(), "a malformed request reached the runtime");
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// Odd but valid requests are the runtime's to judge.
#[tokio::test]
async fn odd_but_valid_requests_pass() {
    let pool = Pool::start().await;
    for body in [
        format!(r#"{{"model":"{MODEL}","stream":null,"messages":7}}"#),
        r#"{"model":"llama3\u003a8b"}"#.to_owned(),
        format!("\n\t{{ \"x\": {{\"model\": 7}}, \"model\" : \"{MODEL}\" }}\r\n"),
    ] {
        post(&pool, "application/json", body.as_bytes()).await.expect_ok();
        assert_eq!(pool.llm().last().body, body);
    }
    pool.stop().await;
}

/// Forms without a model, or that are no forms.
#[tokio::test]
async fn malformed_forms_are_400() {
    let pool = Pool::start().await;
    let no_model = b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc\r\n--x--\r\n";
    let no_end = b"--x\r\nContent-Disposition: form-data; name=\"mod";
    for (content_type, body) in [
        ("multipart/form-data; boundary=x", &no_model[..]),
        ("multipart/form-data; boundary=x", no_end),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data", no_model),
        ("multipart/form-data; boundary=", no_model),
    ] {
        let ask =
            pool.server.ask(Method::POST, "/v1/audio/transcriptions").header("content-type", content_type);
        let answer = ask.body(body.to_vec()).whole().await;
        assert_eq!(answer.expect_error(400)["type"], "invalid_request_error");
    }
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// Heads without end, and bytes that are no HTTP.
#[tokio::test]
async fn header_floods_are_431_and_nonsense_is_closed() {
    let pool = Pool::start().await;
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n");
    let long = format!("{head}X-Long: {}\r\n\r\n", "a".repeat(300_000));
    let many: String = (0..20_000).map(|at| format!("X-{at}: 1\r\n")).collect();
    let few_and_many: String = (0..500).map(|at| format!("X-{at}: 1\r\n")).collect();
    for flood in [long, format!("{head}{many}\r\n"), format!("{head}{few_and_many}\r\n")] {
        let answer = raw(pool.server.addr, flood.as_bytes(), secs(2)).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"HELO there\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0",
    ] {
        let answer = raw(pool.server.addr, nonsense, millis(500)).await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// A head somewhat over the limit is refused in the same shape as everything else.
#[tokio::test]
async fn a_long_head_is_told_in_json() {
    let pool = Pool::start().await;
    let ask = pool.server.chat(MODEL, &Script::Answer).header("x-long", &"a".repeat(66_000));
    ask.whole().await.expect_error(431);
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// A body that contradicts itself.
#[tokio::test]
async fn contradictory_framing_is_refused() {
    let pool = Pool::start().await;
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n");
    for framing in [
        "Content-Length: -5\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = raw(pool.server.addr, format!("{head}{framing}").as_bytes(), secs(2)).await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"),
            "{framing}: {:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    assert!(pool.llm().seen().is_empty());
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// A runtime that answers rubbish is the client's 502, and the next request is fine.
#[tokio::test]
async fn rubbish_from_the_runtime_is_a_502() {
    let pool = Pool::start().await;
    for script in [Script::Garbage, Script::Slam] {
        pool.server.chat(MODEL, &script).whole().await.expect_error(502);
        until("the worker to trust its runtime again", async || {
            let answer = pool.server.chat(MODEL, &Script::Answer).whole().await;
            (answer.status == 200).then_some(())
        })
        .await;
    }
    pool.stop().await;
}
