//! Connections of clients: refused requests with a body, idle connections, and strangers, who take nothing from callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use llamapool_server::config::Config;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Clock, PATIENCE, ScriptedWorker, TestServer};

/// A client that writes bytes.
struct RawClient(TcpStream);

impl RawClient {
    async fn connect(server: &TestServer) -> Self {
        Self(TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap())
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next response: its head in lower case, and its body.
    async fn response(&mut self) -> (String, String) {
        let read = async {
            let mut text = String::new();
            while !text.ends_with("\r\n\r\n") {
                text.push(char::from(self.0.read_u8().await.unwrap()));
            }
            let head = text.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            self.0.read_exact(&mut body).await.unwrap();
            (head, String::from_utf8(body).unwrap())
        };
        tokio::time::timeout(PATIENCE, read).await.expect("no response")
    }

    async fn is_closed(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.0.read(&mut [0; 64])).await.expect("it stays open");
        read.map_or(true, |read| read == 0)
    }
}

fn with_keys(config: &mut Config) {
    config.keys.api = vec!["secret".into()];
    config.keys.client = vec!["worker".into()];
}

fn with_api_key(config: &mut Config) {
    config.keys.api = vec!["secret".into()];
}

impl TestServer {
    async fn keyed(&self, path: &str) -> Value {
        let response =
            self.client.get(format!("{}{path}", self.url)).bearer_auth("secret").send().await.unwrap();
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }
}

/// Early refusals by status: each request has a body that nobody reads.
const REFUSED: &[(&str, &str, u16)] = &[
    ("POST /v1/chat/completions", "", 401),
    ("POST /v1/nowhere", "authorization: Bearer secret\r\n", 404),
    ("DELETE /v1/chat/completions", "authorization: Bearer secret\r\n", 405),
    ("POST /api/state/drain", "", 401),
    ("GET /v1/models", "", 401),
];

#[tokio::test]
async fn a_refused_request_with_a_small_body_leaves_its_connection_usable() {
    let server = TestServer::with(with_keys).await;
    for (line, headers, status) in REFUSED {
        let mut client = RawClient::connect(&server).await;
        for framing in
            ["content-length: 5\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
        {
            client.send(&format!("{line} HTTP/1.1\r\nhost: localhost\r\n{headers}{framing}")).await;
            let (head, _) = client.response().await;
            assert!(head.starts_with(&format!("http/1.1 {status} ")), "{line}: {head}");
            assert!(!head.contains("connection: close"), "{line}: {head}");
        }
        client.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(client.response().await.0.starts_with("http/1.1 503 "), "{line}: no worker is ready");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refused_request_whose_body_does_not_come_says_that_the_connection_closes() {
    let server = TestServer::with(|config| {
        with_keys(config);
        config.limits.max_body = 1_000;
    })
    .await;
    let too_large = ("POST /v1/chat/completions", "authorization: Bearer secret\r\n", 413);
    for (line, headers, status) in REFUSED.iter().chain([&too_large]) {
        for expect in ["", "expect: 100-continue\r\n"] {
            let mut client = RawClient::connect(&server).await;
            let length = "content-length: 100000\r\n";
            client
                .send(&format!("{line} HTTP/1.1\r\nhost: localhost\r\n{headers}{expect}{length}\r\n"))
                .await;
            let (head, _) = client.response().await;
            assert!(head.starts_with(&format!("http/1.1 {status} ")), "{line}: {head}");
            assert!(head.contains("connection: close\r\n"), "{line}: {head}");
            assert!(client.is_closed().await, "{line}");
        }
    }
    server.stop().await;
}

/// The sender goes on for ever, as a client does that sends a large file and looks at the response afterwards.
#[tokio::test]
async fn a_stranger_cannot_send_much_and_still_gets_its_response() {
    let server = TestServer::with(with_keys).await;
    let RawClient(stream) = RawClient::connect(&server).await;
    let (mut from, mut to) = stream.into_split();
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let sender = tokio::spawn(async move {
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n";
        to.write_all(head.as_bytes()).await.unwrap();
        while let Ok(written) = to.write(&[b' '; 64 * 1024]).await {
            count.fetch_add(written, Ordering::Relaxed);
        }
    });
    let mut response = String::new();
    let read = from.read_to_string(&mut response);
    tokio::time::timeout(PATIENCE, read).await.expect("no response").expect("no reset");
    let head = response.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 401 ") && head.contains("connection: close"), "{head}");
    assert!(response.ends_with("}}"), "{response}");
    sender.abort();
    let buffers = 12 * 1024 * 1024;
    assert!(sent.load(Ordering::Relaxed) < 512 * 1024 + buffers, "{sent:?}");
    server.stop().await;
}

#[tokio::test]
async fn slow_strangers_take_no_place_of_a_caller_and_hold_up_no_drain() {
    let server = TestServer::with(|config| {
        with_api_key(config);
        config.limits.max_requests = 2;
    })
    .await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let mut strangers = Vec::new();
    for _ in 0..10 {
        let mut stranger = RawClient::connect(&server).await;
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n";
        stranger.send(head).await;
        strangers.push(stranger);
    }
    let asked = tokio::spawn(server.chat("m").bearer_auth("secret").send());
    worker.answer(200, "{}").await;
    assert_eq!(asked.await.unwrap().unwrap().status(), 200);
    for stranger in &mut strangers {
        assert!(stranger.response().await.0.starts_with("http/1.1 401 "));
    }
    let mut late = RawClient::connect(&server).await;
    late.send("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n").await;
    let state = server.keyed("/api/state").await;
    assert_eq!(state["server"]["jobs_inflight_total"], 0);
    server.stop().await;
}

#[tokio::test]
async fn requests_of_strangers_are_counted_apart() {
    let server = TestServer::with(with_keys).await;
    for path in ["/v1/chat/completions", "/wp-login.php", "/v1/models"] {
        for key in [None, Some("wrong")] {
            let request = server.client.get(format!("{}{path}", server.url));
            let request = key.into_iter().fold(request, |request, key| request.bearer_auth(key));
            assert!(request.send().await.unwrap().status().is_client_error());
        }
    }
    let connect =
        server.client.get(format!("{}/api/workers/connect", server.url)).header("upgrade", "websocket");
    assert_eq!(connect.send().await.unwrap().status(), 401);
    let mistaken = server.client.get(format!("{}/v1/nowhere", server.url)).bearer_auth("secret");
    assert_eq!(mistaken.send().await.unwrap().status(), 404);

    let state = server.keyed("/api/state").await;
    let figures = &state["server"];
    assert_eq!((&figures["jobs_blocked_total"], &figures["jobs_refused_total"]), (&5.into(), &1.into()));
    assert_eq!(state["recent"].as_array().unwrap().len(), 1, "only the caller's own: {}", state["recent"]);
    let charted: u64 =
        state["history"].as_array().unwrap().iter().map(|bin| bin["refused"].as_u64().unwrap()).sum();
    assert_eq!(charted, 1);
    let metrics =
        server.client.get(format!("{}/metrics", server.url)).bearer_auth("secret").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        r#"llamapool_blocked_total{reason="invalid_api_key"} 3"#,
        r#"llamapool_blocked_total{reason="unknown_url"} 2"#,
        r#"llamapool_rejects_total{reason="invalid_api_key"} 0"#,
        r#"llamapool_rejects_total{reason="unknown_url"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_stays_longer_than_an_unfinished_head() {
    let server = TestServer::with(|config| {
        config.limits.header_timeout = Duration::from_secs(3);
        config.timeouts.idle = Duration::from_secs(3600);
    })
    .await;
    let clock = Clock::stop();
    let mut idle = RawClient::connect(&server).await;
    idle.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    idle.response().await;
    for begun in ["", "GET /healthz HTTP/1.1\r\nhost: loc"] {
        let mut slow = RawClient::connect(&server).await;
        slow.send(begun).await;
        assert!(clock.advance_until(slow.is_closed()).await);
    }
    idle.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    idle.response().await;
    idle.send("GET /healthz HTTP/1.1\r\nhost: loc").await;
    assert!(clock.advance_until(idle.is_closed()).await, "the next head has no more time than the first");
    server.stop().await;
}

#[tokio::test]
async fn silent_strangers_make_room_for_callers_and_workers() {
    let server = TestServer::with(|config| {
        with_keys(config);
        config.keys.client.clear();
        config.limits.max_connections = 8;
    })
    .await;
    let mut strangers = Vec::new();
    for _ in 0..30 {
        strangers.push(RawClient::connect(&server).await);
    }
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let asked = tokio::spawn(server.chat("m").bearer_auth("secret").send());
    worker.answer(200, "{}").await;
    assert_eq!(asked.await.unwrap().unwrap().status(), 200);
    assert!(strangers[0].is_closed().await, "the oldest has made room");
    server.stop().await;
}

#[tokio::test]
async fn one_worker_too_many_is_refused_and_a_reconnect_is_not() {
    let server = TestServer::with(|config| config.limits.max_workers = 1).await;
    let first = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let again = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let refused = ScriptedWorker::try_join(&server, "b").await.unwrap_err();
    assert!(refused.contains("max_workers (1)"), "{refused}");
    drop((first, again));
    server.stop().await;
}
