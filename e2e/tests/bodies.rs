//! Large bodies, both ways, byte for byte; and too large ones.

use bytes::Bytes;
use futures_util::stream;
use http::Method;
use llamapool_e2e::client::{Ask, raw};
use llamapool_e2e::fake_llm::{hash, pattern};
use llamapool_e2e::server::API_KEY;
use llamapool_e2e::{MODEL, Pool, Script, Server, secs};

const MIB: usize = 1 << 20;

/// A JSON request of about `mib` MiB that differs everywhere.
fn large_json(mib: usize) -> Bytes {
    let mut body = format!(r#"{{"model":"{MODEL}","input":""#).into_bytes();
    for piece in pattern(mib.try_into().expect("a few MiB")) {
        body.extend(piece.iter().map(|byte| b'a' + byte % 26));
    }
    body.extend_from_slice(b"\"}");
    body.into()
}

fn embeddings(server: &Server) -> Ask {
    server.ask(Method::POST, "/v1/embeddings").header("content-type", "application/json")
}

/// 50 MiB with its length declared, and in chunks of odd sizes, arrive byte for byte.
#[tokio::test]
async fn fifty_mib_arrive_byte_for_byte() {
    let pool = Pool::start().await;
    let body = large_json(50);
    let expected = hash(&body);
    embeddings(&pool.server).body(body.clone()).whole().await.expect_ok();
    let declared = pool.llm().last();
    assert_eq!((declared.length, declared.hash.as_ref()), (body.len() as u64, Some(&expected)));
    assert_eq!(declared.header("content-length"), body.len().to_string());

    let chunks: Vec<_> = body.chunks(99_991).map(|chunk| body.slice_ref(chunk)).collect();
    embeddings(&pool.server).chunked(stream::iter(chunks)).whole().await.expect_ok();
    assert_eq!(pool.llm().last().hash.as_ref(), Some(&expected));
    pool.stop().await;
}

/// 50 MiB come back byte for byte: images, audio.
#[tokio::test]
async fn fifty_mib_come_back_byte_for_byte() {
    let pool = Pool::start().await;
    let reply = pool.server.chat(MODEL, &Script::Pattern { mib: 50 }).whole().await;
    let expected: Vec<u8> = pattern(50).flatten().collect();
    assert_eq!(hash(&reply.expect_ok().body), hash(&expected));
    pool.stop().await;
}

/// Small requests go on while a large one is on its way through the same tunnel.
#[tokio::test]
async fn a_large_body_does_not_hold_up_small_requests() {
    let pool = Pool::start().await;
    let large = tokio::spawn(embeddings(&pool.server).body(large_json(50)).whole());
    for _ in 0..30 {
        pool.server.chat(MODEL, &Script::tokens(5)).whole().await.expect_ok();
    }
    large.await.unwrap().expect_ok();
    pool.stop().await;
}

/// A body of some size survives a failover.
#[tokio::test]
async fn a_body_is_sent_again_in_full() {
    let pool = Pool::with(2, &[], &[]).await;
    pool.llms[0].always(Script::status(503));
    let body = large_json(10);
    for _ in 0..4 {
        embeddings(&pool.server).body(body.clone()).whole().await.expect_ok();
    }
    assert!(!pool.llms[0].seen().is_empty(), "the refusing runtime was never tried");
    assert!(pool.llms[1].seen().iter().all(|seen| seen.hash.as_ref() == Some(&hash(&body))));
    pool.stop().await;
}

/// A body over the limit is refused, whether it says its size or not; the runtime never hears of it.
#[tokio::test]
async fn too_large_a_body_is_a_413() {
    let pool = Pool::with(1, &[("MAX_BODY", "1MiB")], &[]).await;
    let body = large_json(2);
    embeddings(&pool.server).body(body.clone()).whole().await.expect_error(413);
    let chunks: Vec<_> = body.chunks(10_000).map(|chunk| body.slice_ref(chunk)).collect();
    embeddings(&pool.server).chunked(stream::iter(chunks)).whole().await.expect_error(413);
    assert!(pool.llm().seen().is_empty());
    let just_right = large_json(1).slice(..MIB - 2);
    let just_right = [&just_right[..], b"\"}"].concat();
    assert_eq!(just_right.len(), MIB);
    embeddings(&pool.server).body(just_right).whole().await.expect_ok();
    pool.stop().await;
}

/// A declared size over the limit is refused before the body is sent.
#[tokio::test]
async fn a_declared_giant_is_refused_at_its_head() {
    let pool = Pool::with(1, &[("MAX_BODY", "1MiB")], &[]).await;
    let head = format!(
        "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: 99999999999\r\n\r\n"
    );
    let answer = tokio::time::timeout(secs(15), raw(pool.server.addr, head.as_bytes(), secs(5))).await;
    let answer = String::from_utf8_lossy(&answer.expect("an answer")).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    pool.stop().await;
}

/// A runtime that refuses an upload early is heard; one that slams the door on it is at least a clear error.
#[tokio::test]
async fn an_early_refusal_by_the_runtime_reaches_the_client() {
    let pool = Pool::start().await;
    let body = large_json(20);
    for _ in 0..3 {
        pool.llm().always(Script::RefuseEarly(413));
        let answer = embeddings(&pool.server).body(body.clone()).whole().await;
        assert_eq!(answer.status, 413, "{}", answer.text());
        assert_eq!(answer.json()["error"]["message"], "the runtime says 413");
        pool.llm().always(Script::RefuseUnread(413));
        let answer = embeddings(&pool.server).body(body.clone()).whole().await;
        assert!([413, 502].contains(&answer.status), "{} {}", answer.status, answer.text());
        pool.llm().always(Script::Answer);
        embeddings(&pool.server).body(body.clone()).whole().await.expect_ok();
    }
    pool.stop().await;
}
