//! Heads that are no good HTTP, or too large: refused as RFC 9112 says, with a body that says why, and the connection ends.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, TestServer};

/// Sends the bytes as they are; returns what comes back until the connection ends.
async fn raw(server: &TestServer, request: &str) -> String {
    let mut socket = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("it stays open").unwrap();
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn error(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["error"].clone()
}

#[tokio::test]
async fn odd_framing_is_refused_and_the_connection_ends() {
    let server = TestServer::start().await;
    for (head, expect) in [
        ("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
        (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            501,
        ),
        ("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n", 400),
        ("POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n", 400),
    ] {
        let body = if head.starts_with("POST") { "2\r\n{}\r\n0\r\n\r\n" } else { "" };
        let answer = raw(&server, &format!("{head}\r\n{body}")).await;
        assert_eq!(status(&answer), expect, "{head}");
        assert!(error(&answer)["message"].is_string(), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
        assert_eq!(answer.contains("x-should-retry: false"), expect == 501, "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn more_than_100_header_lines_are_refused_with_the_reason() {
    let server = TestServer::start().await;
    let request =
        |lines: usize| format!("GET /v1/models HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(lines - 1));
    for lines in [101, 300, 511] {
        let answer = raw(&server, &request(lines)).await;
        assert_eq!(status(&answer), 431, "{lines}");
        assert_eq!(error(&answer)["code"], "headers_too_large");
        assert!(error(&answer)["message"].as_str().unwrap().contains("100 header lines"), "{answer}");
    }
    let answer = raw(&server, &request(100).replacen("x: y", "connection: close", 1)).await;
    assert_ne!(status(&answer), 431, "a hundred are fine");
    server.stop().await;
}
