//! A runtime that hangs ends in an error, not in a wait without end.

use llamapool_e2e::{End, MODEL, Pace, Pool, Script, secs};

/// No first byte: 504, and the runtime is let go.
#[tokio::test]
async fn no_first_byte_is_a_504() {
    let pool = Pool::with(1, &[("FIRST_BYTE_TIMEOUT", "1s")], &[]).await;
    let answer = pool.server.chat(MODEL, &Script::HangBeforeHead).whole();
    let answer = tokio::time::timeout(secs(6), answer).await.expect("an end of waiting");
    answer.expect_error(504);
    pool.llm().until_open(0).await;
    pool.stop().await;
}

/// A head without a body is not a first byte either.
#[tokio::test]
async fn a_head_alone_is_no_first_byte() {
    let pool = Pool::with(1, &[("FIRST_BYTE_TIMEOUT", "1s"), ("REQUEST_TIMEOUT", "2s")], &[]).await;
    let script = Script::Stream { tokens: 0, pace: Pace::FlatOut, end: End::Hang };
    let answer = tokio::time::timeout(secs(8), pool.server.chat(MODEL, &script).whole()).await;
    let answer = answer.expect("an end of waiting");
    assert!(answer.status == 504 || answer.broken.is_some(), "{} {}", answer.status, answer.text());
    pool.llm().until_open(0).await;
    pool.stop().await;
}

/// Silence in mid-stream: an error event and no tidy end.
#[tokio::test]
async fn silence_in_mid_stream_is_an_error_event() {
    let pool = Pool::with(1, &[("REQUEST_TIMEOUT", "1s")], &[]).await;
    let script = Script::Stream { tokens: 3, pace: Pace::FlatOut, end: End::Hang };
    let answer = tokio::time::timeout(secs(6), pool.server.chat(MODEL, &script).whole()).await;
    let answer = answer.expect("an end of waiting");
    assert!(answer.broken.is_some());
    let text = answer.text();
    assert!(
        text.contains("tok2") && text.contains("data: {\"error\":") && !text.contains("[DONE]"),
        "{text}"
    );
    pool.llm().until_open(0).await;
    pool.stop().await;
}

/// A slow stream that never pauses for long may last longer than any of the limits.
#[tokio::test]
async fn a_long_answer_is_no_hung_one() {
    let limits = &[("REQUEST_TIMEOUT", "1s"), ("FIRST_BYTE_TIMEOUT", "1s")];
    let pool = Pool::with(1, limits, &[]).await;
    pool.server.chat(MODEL, &Script::paced(15, 200)).whole().await.expect_ok();
    pool.stop().await;
}

/// A client that pauses reading is not a runtime that pauses talking.
#[tokio::test]
async fn a_paused_client_is_no_hung_runtime() {
    let pool = Pool::with(1, &[("REQUEST_TIMEOUT", "1s")], &[]).await;
    let mut reply = pool.server.chat(MODEL, &Script::tokens(100_000)).send().await;
    reply.data().await;
    llamapool_e2e::holds(secs(3), "the request", async || pool.llm().open()).await;
    reply.whole().await.expect_ok();
    pool.stop().await;
}
