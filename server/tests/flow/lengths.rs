//! A reply that lies about its length: what is too much must never become a part of the next reply on the client's connection.

use bytes::Bytes;
use llamapool_tunnel::Incoming;

use crate::support::{ScriptedWorker, TestServer};

/// A response head with one header, as a hostile worker may write it.
fn lying(length: &str) -> Bytes {
    let name = "content-length";
    let lengths = [name.len(), length.len()].map(|length| (length as u16).to_le_bytes());
    [&200u16.to_le_bytes()[..], &[1, 0], &lengths[0], &lengths[1], name.as_bytes(), length.as_bytes()]
        .concat()
        .into()
}

/// Asks once with a lying reply, then once with an honest one. Returns the status of the first, and whether its body ended as it should.
async fn asked_twice(length: &str, body: &'static str) -> (u16, bool) {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(lying(length), Bytes::from_static(body.as_bytes()), true);
    let answer = asked.await.unwrap();
    let status = answer.status().as_u16();
    let is_whole = answer.bytes().await.is_ok();

    let again = server.ask("m");
    worker.answer(200, r#"{"honest":true}"#).await;
    assert_eq!(again.await.unwrap().text().await.unwrap(), r#"{"honest":true}"#, "{length} {body}");
    server.stop().await;
    (status, is_whole)
}

#[tokio::test]
async fn a_reply_that_lies_about_its_length_fails_and_leaves_nothing_behind() {
    assert_eq!(asked_twice("2", "{}").await, (200, true));
    assert_eq!(asked_twice("2, 2", "{}").await, (200, true));
    assert_eq!(asked_twice("2", "{}HTTP/1.1 200 OK\r\n\r\n").await, (502, true));
    assert_eq!(asked_twice("0", "{}").await, (502, true));
    assert_eq!(asked_twice("2, 60", "{}").await, (502, true));
    assert_eq!(asked_twice("+2", "{}").await, (502, true));
    assert_eq!(asked_twice("100", "").await, (502, true));
    assert_eq!(asked_twice("100", "{}").await, (200, false));
}
