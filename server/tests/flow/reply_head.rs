//! What an upstream says in the head of its reply: one length that its body is held to, and only the headers that clients may get.

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use llamapool_tunnel::{Incoming, Responder};

use crate::support::{ScriptedWorker, TestServer, read};

/// A response head with exactly these headers: the proper encoder would leave some of them out.
fn head(headers: &[(&str, &str)]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u16_le(200);
    out.put_u16_le(headers.len() as u16);
    for (name, value) in headers {
        out.put_u16_le(name.len() as u16);
        out.put_u16_le(value.len() as u16);
        out.put_slice(name.as_bytes());
        out.put_slice(value.as_bytes());
    }
    out.freeze()
}

/// A reply to a chat request that begins with this head and this part of its body.
async fn reply(
    server: &TestServer,
    worker: &mut ScriptedWorker,
    headers: &[(&str, &str)],
    first: &'static str,
    is_whole: bool,
) -> (Responder, reqwest::Response) {
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(head(headers), Bytes::from_static(first.as_bytes()), is_whole);
    (responder, asked.await.unwrap())
}

#[tokio::test]
async fn a_reply_that_lies_about_its_length_is_an_error_and_never_the_next_answer() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let lies: [(&[&str], &str); 10] = [
        (&["2"], "okHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"),
        (&["100"], "{}"),
        (&["100"], ""),
        (&["2", "60"], "ok"),
        (&["2, 60"], "ok"),
        (&["+2"], "ok"),
        (&["-2"], "ok"),
        (&["two"], "ok"),
        (&[""], "ok"),
        (&["99999999999999999999999"], "ok"),
    ];
    for (lengths, body) in lies {
        let headers: Vec<_> = lengths.iter().map(|length| ("content-length", *length)).collect();
        let (_responder, answer) = reply(&server, &mut worker, &headers, body, true).await;
        let status = answer.status().as_u16();
        let (read, is_whole) = read(answer).await;
        assert!(status == 502 || !is_whole, "{lengths:?}: {status} {read}");
        assert!(!read.contains("evil"), "{read}");

        let (_responder, next) = reply(&server, &mut worker, &[("content-length", "4")], "next", true).await;
        assert_eq!(next.text().await.unwrap(), "next", "the answer to the next request, after {lengths:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_leaves_its_length_in_the_middle_cuts_the_connection() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    for (rest, last) in [("evil", false), ("", true)] {
        let (mut responder, answer) =
            reply(&server, &mut worker, &[("content-length", "4")], "ok", false).await;
        responder.ready().await.unwrap();
        responder.send(Bytes::from_static(rest.as_bytes()), last);
        assert_eq!(read(answer).await, ("ok".to_owned(), false), "{rest:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn one_length_is_passed_on_and_one_beside_a_transfer_encoding_is_ignored() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let check = async |worker: &mut _, headers: &[(&str, &str)]| {
        let (_responder, answer) = reply(&server, worker, headers, "whole", true).await;
        let length = answer.headers().get_all("content-length").iter().map(|value| value.to_str().unwrap());
        assert_eq!(length.collect::<Vec<_>>(), ["5"], "{headers:?}");
        assert_eq!(answer.text().await.unwrap(), "whole");
    };
    check(&mut worker, &[("content-length", "5")]).await;
    check(&mut worker, &[("content-length", "5"), ("content-length", "5")]).await;
    check(&mut worker, &[("content-length", "2"), ("transfer-encoding", "gzip")]).await;
    server.stop().await;
}

#[tokio::test]
async fn headers_of_the_connection_and_of_the_site_do_not_reach_clients() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let said = [
        ("content-type", "application/json"),
        ("openai-processing-ms", "3"),
        ("connection", "close"),
        ("keep-alive", "timeout=1"),
        ("upgrade", "websocket"),
        ("transfer-encoding", "chunked"),
        ("set-cookie", "session=evil"),
        ("strict-transport-security", "max-age=1"),
        ("clear-site-data", "\"*\""),
        ("alt-svc", "h3=\":443\""),
        ("refresh", "0; url=/"),
        ("server", "evil"),
        ("date", "yesterday"),
        ("x-llamapool-model", "evil"),
        ("x-llamapool-version", "evil"),
        ("x-request-id", "evil"),
    ];
    let (_responder, answer) = reply(&server, &mut worker, &said, "{}", true).await;
    let headers = answer.headers().clone();
    assert_eq!(
        (&headers["content-type"], &headers["openai-processing-ms"]),
        (&"application/json".parse().unwrap(), &"3".parse().unwrap())
    );
    for (name, value) in &said[2..] {
        let is_said = headers.get_all(*name).iter().any(|found| found == value);
        assert!(!is_said || *name == "transfer-encoding", "{name}: {headers:?}");
    }
    assert_eq!(answer.text().await.unwrap(), "{}");
    server.stop().await;
}

#[tokio::test]
async fn a_client_cannot_name_headers_of_the_server_as_those_of_its_connection() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let request = server
        .chat("m")
        .header("connection", "content-length, x-llamapool-model, x-request-id, x-mine")
        .header("x-mine", "1");
    let asked = tokio::spawn(async move { request.send().await.unwrap() });
    let Incoming { head, body, mut responder } = worker.next().await;
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(head.headers["content-length"], body.len().to_string());
    assert_eq!(head.headers["x-llamapool-model"], "m");
    assert!(head.headers.contains_key("x-request-id") && !head.headers.contains_key("x-mine"));
    responder.respond(self::head(&[]), Bytes::from_static(b"ok"), true);
    assert_eq!(asked.await.unwrap().text().await.unwrap(), "ok");
    server.stop().await;
}
