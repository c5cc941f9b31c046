//! The fakes do what they say: every other test stands on this.

use std::time::Instant;

use bytes::Bytes;
use futures_util::stream;
use http::Method;
use llamapool_e2e::client::{Ask, raw};
use llamapool_e2e::connect_proxy::ConnectProxy;
use llamapool_e2e::fake_llm::{Ending, hash, sse_token, sse_whole};
use llamapool_e2e::llama_cpp::LlamaCpp;
use llamapool_e2e::nginx::Nginx;
use llamapool_e2e::wait::{millis, until};
use llamapool_e2e::{Cut, End, FakeLlm, Pace, Script, chat};

const PATH: &str = "/v1/chat/completions";

fn ask(llm: &FakeLlm, script: &Script) -> Ask {
    Ask::new(llm.addr, Method::POST, PATH).json(&chat("m", script))
}

#[tokio::test]
async fn the_runtime_lists_answers_and_streams() {
    let llm = FakeLlm::start(&["m"]).await;
    let list = Ask::new(llm.addr, Method::GET, "/v1/models").whole().await;
    assert_eq!(list.json()["data"][0]["id"], "m");
    assert_eq!(ask(&llm, &Script::Answer).whole().await.expect_ok().json()["model"], "m");
    let stream = ask(&llm, &Script::tokens(3)).whole().await;
    assert_eq!(stream.expect_ok().body, sse_whole("m", 3));
    assert_eq!(llm.last().ending.map(|(ending, _)| ending), Some(Ending::Finished));
}

#[tokio::test]
async fn the_runtime_sees_every_byte_of_a_body() {
    let llm = FakeLlm::start(&[]).await;
    llm.always(Script::Echo);
    let chunks = stream::iter([&b"one"[..], b"", b"two"].map(Bytes::from_static));
    let echo = Ask::new(llm.addr, Method::POST, "/x?q=1").chunked(chunks).whole().await;
    assert_eq!(echo.expect_ok().body, "onetwo");
    let seen = llm.last();
    assert_eq!((seen.line.as_str(), seen.length, seen.hash), ("POST /x?q=1", 6, Some(hash(b"onetwo"))));
}

#[tokio::test]
async fn a_stream_that_dies_ends_uncleanly() {
    let llm = FakeLlm::start(&[]).await;
    let script = Script::Stream { tokens: 2, pace: Pace::FlatOut, end: End::Die };
    let reply = ask(&llm, &script).whole().await;
    assert!(reply.broken.is_some());
}

#[tokio::test]
async fn the_runtime_notes_who_leaves_early() {
    let llm = FakeLlm::start(&[]).await;
    let waiting = tokio::spawn(ask(&llm, &Script::HangBeforeHead).try_send());
    llm.until_open(1).await;
    let left = Instant::now();
    waiting.abort();
    llm.until_open(0).await;
    assert!(llm.last().dropped_at().expect("it was dropped") - left < millis(100));

    let hanging = Script::Stream { tokens: 1, pace: Pace::FlatOut, end: End::Hang };
    let mut reply = ask(&llm, &hanging).send().await;
    reply.data().await;
    drop(reply);
    until("the second drop", async || llm.last().dropped_at()).await;
}

#[tokio::test]
async fn garbage_and_a_slammed_door_are_no_answers() {
    let llm = FakeLlm::start(&[]).await;
    assert!(ask(&llm, &Script::Garbage).try_send().await.is_err());
    assert!(ask(&llm, &Script::Slam).try_send().await.is_err());
    llm.go_away();
    assert!(ask(&llm, &Script::Answer).try_send().await.is_err());
    llm.come_back();
    ask(&llm, &Script::Answer).whole().await.expect_ok();
}

#[tokio::test]
async fn the_relay_carries_stalls_and_cuts() {
    let llm = FakeLlm::start(&[]).await;
    let cut = Cut::before(llm.addr).await;
    let through = |script: &Script| Ask::new(cut.addr, Method::POST, PATH).json(&chat("m", script));
    through(&Script::Answer).whole().await.expect_ok();

    let mut stepped = through(&Script::stepped(3)).send().await;
    llm.step(1);
    stepped.data().await;
    cut.stall();
    llm.step(1);
    let quiet = tokio::time::timeout(millis(100), stepped.chunk()).await;
    assert!(quiet.is_err(), "a stalled wire carried {quiet:?}");
    cut.resume();
    stepped.data().await;
    cut.cut();
    assert!(stepped.chunk().await.expect("not a tidy end").is_err());
    assert_eq!(raw(cut.addr, b"GET /v1/models HTTP/1.0\r\n\r\n", millis(500)).await[..12], *b"HTTP/1.0 200");
}

#[tokio::test]
async fn nginx_passes_streams_and_their_deaths() {
    let llm = FakeLlm::start(&[]).await;
    let Some(nginx) = Nginx::before(llm.addr, 6).await else { return };
    let through = |script: &Script| Ask::new(nginx.addr, Method::POST, PATH).json(&chat("m", script));
    let mut stepped = through(&Script::stepped(2)).send().await;
    for at in 0..2 {
        llm.step(1);
        assert_eq!(stepped.data().await, sse_token("m", at));
    }
    drop(stepped);
    until("nginx to leave with its client", async || llm.last().dropped_at()).await;
    let dying = through(&Script::Stream { tokens: 2, pace: Pace::FlatOut, end: End::Die }).whole().await;
    assert!(dying.broken.is_some());
}

#[tokio::test]
async fn the_proxy_asks_for_its_password() {
    let llm = FakeLlm::start(&["m"]).await;
    let proxy = ConnectProxy::start(Some("Basic abc"), llm.addr).await;
    let knock = |extra: &str| format!("CONNECT {} HTTP/1.1\r\n{extra}\r\n", llm.addr);
    let refused = raw(proxy.addr, knock("").as_bytes(), millis(500)).await;
    assert!(refused.starts_with(b"HTTP/1.1 407 "));
    let request = knock("Proxy-Authorization: Basic abc\r\n") + "GET /v1/models HTTP/1.0\r\n\r\n";
    let passed = String::from_utf8(raw(proxy.addr, request.as_bytes(), millis(500)).await).unwrap();
    assert!(passed.starts_with("HTTP/1.1 200 Connection") && passed.contains("\"id\":\"m\""), "{passed}");
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn the_real_runtime_answers() {
    let llama = LlamaCpp::start().await;
    let chat = llama.urls["tiny-chat"].trim_start_matches("http://").parse().expect("an address");
    let body = serde_json::json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4});
    let answer = Ask::new(chat, Method::POST, "/v1/chat/completions").json(&body).whole().await;
    assert_eq!(answer.expect_ok().json()["usage"]["completion_tokens"], 4);
}
