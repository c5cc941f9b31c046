//! The same scenarios through a worker and through a static endpoint: to everything above `upstream` both are the same.

use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderMap;
use http_body_util::BodyExt;
use llamapool_server::config::EndpointConfig;
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::{Incoming, Responder};
use serde_json::Value;

use crate::scripted_endpoint::{EndpointReply, EndpointRequest, ScriptedEndpoint};
use crate::support::{PATIENCE, ScriptedWorker, TestServer, read, response};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Worker,
    Endpoint,
}

const KINDS: [Kind; 2] = [Kind::Worker, Kind::Endpoint];

enum Upstream {
    Worker(ScriptedWorker),
    Endpoint(ScriptedEndpoint),
}

/// A request that has arrived at an upstream.
struct Asked {
    target: String,
    headers: HeaderMap,
    body: Bytes,
    reply: Reply,
}

enum Reply {
    Worker(Responder),
    Endpoint(EndpointReply),
}

/// A server with upstreams of one kind, which all have the model `m`.
async fn start<const N: usize>(kind: Kind, names: [&str; N]) -> (TestServer, [Upstream; N]) {
    let mut upstreams = Vec::new();
    let server = match kind {
        Kind::Worker => {
            let server = TestServer::start().await;
            for name in names {
                upstreams.push(Upstream::Worker(ScriptedWorker::join(&server, name, 1, &["m"]).await));
            }
            server
        }
        Kind::Endpoint => {
            let mut endpoints = Vec::new();
            for name in names {
                let endpoint = ScriptedEndpoint::start(&["m"]).await;
                endpoints.push(EndpointConfig::for_testing(name, &endpoint.url));
                upstreams.push(Upstream::Endpoint(endpoint));
            }
            TestServer::with(|config| config.endpoints = endpoints).await
        }
    };
    server.until_models(1).await;
    until_owned_by(&server, &names.join(",")).await;
    (server, upstreams.try_into().ok().unwrap())
}

async fn get(server: &TestServer, path: &str) -> String {
    server.client.get(format!("{}{path}", server.url)).send().await.unwrap().text().await.unwrap()
}

async fn json(server: &TestServer, path: &str) -> Value {
    serde_json::from_str(&get(server, path).await).unwrap()
}

/// Waits until the model list names these upstreams.
async fn until_owned_by(server: &TestServer, names: &str) {
    let wait = async {
        while json(server, "/v1/models/m").await["owned_by"] != names {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the upstreams are not listed");
}

/// Waits until `number` requests have ended, and returns the last one's record.
async fn record(server: &TestServer, number: usize) -> Value {
    let wait = async {
        loop {
            let state = json(server, "/api/state").await;
            let recent: Vec<_> = state["recent"].as_array().unwrap().clone();
            let mut relayed = recent.into_iter().filter(|request| request["path"] == "/v1/chat/completions");
            let last = relayed.next();
            if relayed.count() + 1 == number
                && let Some(last) = last
            {
                return last;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the request is not recorded")
}

impl Upstream {
    async fn next(&mut self) -> Asked {
        match self {
            Self::Worker(worker) => {
                let Incoming { head, body, responder } = worker.next().await;
                let body = body.collect().await.unwrap().to_bytes();
                let reply = Reply::Worker(responder);
                Asked { target: head.target, headers: head.headers, body, reply }
            }
            Self::Endpoint(endpoint) => {
                let request = tokio::time::timeout(PATIENCE, endpoint.requests.recv()).await;
                let EndpointRequest { head, body, reply } = request.expect("no request came").unwrap();
                let reply = Reply::Endpoint(reply);
                Asked { target: head.uri.to_string(), headers: head.headers, body, reply }
            }
        }
    }
}

impl Reply {
    /// Sends the head and the first part of the body.
    async fn respond(&mut self, status: u16, content_type: &'static str, first: &'static str) {
        match self {
            Self::Worker(responder) => {
                responder.respond(
                    response(status, content_type),
                    Bytes::from_static(first.as_bytes()),
                    false,
                );
            }
            Self::Endpoint(reply) => reply.respond(status, content_type, first).await,
        }
    }

    async fn send(&mut self, chunk: &'static str) {
        match self {
            Self::Worker(responder) => {
                responder.ready().await.unwrap();
                responder.send(Bytes::from_static(chunk.as_bytes()), false);
            }
            Self::Endpoint(reply) => reply.send(chunk).await,
        }
    }

    /// Ends the body properly.
    async fn finish(self) {
        match self {
            Self::Worker(mut responder) => {
                responder.ready().await.unwrap();
                responder.send(Bytes::new(), true);
            }
            Self::Endpoint(reply) => reply.finish(),
        }
    }

    /// Breaks off: the runtime crashes, or the connection to the endpoint is lost.
    fn fail(self) {
        match self {
            Self::Worker(responder) => responder.fail(Code::Backend, "crashed"),
            Self::Endpoint(reply) => drop(reply),
        }
    }

    /// Waits until the request is cancelled.
    async fn stopped(&mut self) {
        let stopped = async {
            match self {
                Self::Worker(responder) => drop(responder.stopped().await),
                Self::Endpoint(reply) => reply.stopped().await,
            }
        };
        tokio::time::timeout(PATIENCE, stopped).await.expect("the request was not cancelled");
    }
}

/// Answers the next request whole.
async fn answer(upstream: &mut Upstream, status: u16, body: &'static str) {
    let Asked { mut reply, .. } = upstream.next().await;
    reply.respond(status, "application/json", body).await;
    reply.finish().await;
}

#[tokio::test]
async fn a_plain_answer() {
    for kind in KINDS {
        let (server, [mut upstream]) = start(kind, ["a"]).await;
        let request = server
            .chat("m")
            .query(&[("trace", "1")])
            .header("authorization", "Bearer mine")
            .header("x-request-id", "id-1")
            .header("openai-beta", "kept")
            .header("connection", "x-hop")
            .header("x-hop", "of this connection");
        let sent = tokio::spawn(async move { request.send().await.unwrap() });
        let Asked { target, headers, body, mut reply } = upstream.next().await;
        assert_eq!(
            (&*target, &*body),
            ("/v1/chat/completions?trace=1", &br#"{"messages":[],"model":"m"}"#[..])
        );
        assert_eq!(
            (&headers["x-request-id"], &headers["openai-beta"]),
            (&"id-1".parse().unwrap(), &"kept".parse().unwrap())
        );
        assert!(!headers.contains_key("authorization") && !headers.contains_key("x-hop"), "{kind:?}");
        assert_eq!(headers.contains_key("x-llamapool-model"), kind == Kind::Worker);
        reply.respond(201, "text/plain", "answer").await;
        reply.finish().await;
        let answer = sent.await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-llamapool-worker"]),
            (201, &"a".parse().unwrap())
        );
        assert!(!answer.headers().contains_key("x-private"), "it was of the endpoint's connection");
        assert_eq!(answer.text().await.unwrap(), "answer");

        let record = record(&server, 1).await;
        assert_eq!((&record["worker"], &record["outcome"]), (&"a".into(), &"done".into()), "{kind:?}");
        let id = if kind == Kind::Worker { "a" } else { "endpoint:a" };
        let metrics = get(&server, "/metrics").await;
        let counted = format!(r#"llamapool_worker_failures_total{{worker_id="{id}",worker="a"}} 0"#);
        assert!(metrics.contains(&counted), "{kind:?}: {metrics}");
        let state = json(&server, "/api/state").await;
        let workers = state["workers"].as_array().unwrap().len();
        assert_eq!(
            (workers, &state["server"]["state"]),
            (usize::from(kind == Kind::Worker), &"ready".into())
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn a_stream() {
    for kind in KINDS {
        let (server, [mut upstream]) = start(kind, ["a"]).await;
        let sent = server.ask("m");
        let Asked { mut reply, .. } = upstream.next().await;
        reply.respond(200, "text/event-stream", "data: 1\n\n").await;
        let answer = sent.await.unwrap();
        assert_eq!(&answer.headers()["x-accel-buffering"], "no");
        let mut chunks = answer.bytes_stream();
        assert_eq!(chunks.next().await.unwrap().unwrap(), "data: 1\n\n");
        for piece in ["data: 2\n", "\ndata: [DONE]\n\n"] {
            reply.send(piece).await;
            assert_eq!(chunks.next().await.unwrap().unwrap(), piece, "{kind:?}: at once and unchanged");
        }
        reply.finish().await;
        assert!(chunks.next().await.is_none());
        assert_eq!(record(&server, 1).await["outcome"], "done", "{kind:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn an_error_of_the_runtime_is_passed_on() {
    for kind in KINDS {
        for (status, outcome, attempts) in [(400, "done", 1), (500, "failed", 2)] {
            let (server, [mut a, mut b]) = start(kind, ["a", "b"]).await;
            let sent = server.ask("m");
            let body = r#"{"error":{"code":"context_length_exceeded"}}"#;
            for _ in 0..attempts {
                let Asked { mut reply, .. } = tokio::select! {
                    asked = a.next() => asked,
                    asked = b.next() => asked,
                };
                reply.respond(status, "application/json", body).await;
                reply.finish().await;
            }
            let answer = sent.await.unwrap();
            assert_eq!(
                (answer.status().as_u16(), &*answer.text().await.unwrap()),
                (status, body),
                "{kind:?}"
            );
            let record = record(&server, 1).await;
            let failovers = attempts - 1;
            assert_eq!(
                (&record["outcome"], &record["failovers"]),
                (&outcome.into(), &failovers.into()),
                "{kind:?}"
            );
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn an_upstream_lost_in_mid_stream_ends_in_an_error_event() {
    for kind in KINDS {
        let (server, [mut upstream]) = start(kind, ["a"]).await;
        let sent = server.ask("m");
        let Asked { mut reply, .. } = upstream.next().await;
        reply.respond(200, "text/event-stream", "data: {\"cu").await;
        let answer = sent.await.unwrap();
        reply.fail();
        let (body, whole) = read(answer).await;
        assert!(!whole && !body.contains("[DONE]"), "{kind:?}: it must not look complete: {body}");
        let error = body.strip_prefix("data: {\"cu\n\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
        let error: Value = serde_json::from_str(error).unwrap();
        assert_eq!(error["error"]["code"], "backend_error");
        assert!(
            error["error"]["message"].as_str().unwrap().contains("in the middle of its response"),
            "{error}"
        );
        assert_eq!(record(&server, 1).await["outcome"], "failed", "{kind:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn another_upstream_takes_over_before_the_first_byte() {
    for kind in KINDS {
        for declines in [false, true] {
            let (server, [mut a, mut b]) = start(kind, ["a", "b"]).await;
            let sent = server.ask("m");
            let (Asked { mut reply, .. }, other, name) = tokio::select! {
                asked = a.next() => (asked, &mut b, "b"),
                asked = b.next() => (asked, &mut a, "a"),
            };
            if declines {
                reply.respond(503, "application/json", "{}").await;
                reply.finish().await;
            } else {
                reply.fail();
            }
            answer(other, 200, "fine").await;
            let answer = sent.await.unwrap();
            assert_eq!(&answer.headers()["x-llamapool-worker"], name, "{kind:?}");
            assert_eq!(answer.text().await.unwrap(), "fine");
            let record = record(&server, 1).await;
            assert_eq!((&record["worker"], &record["failovers"]), (&name.into(), &1.into()), "{kind:?}");
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn a_request_that_every_upstream_fails_is_a_bad_gateway() {
    for kind in KINDS {
        let (server, [mut upstream]) = start(kind, ["a"]).await;
        let sent = server.ask("m");
        upstream.next().await.reply.fail();
        let answer = sent.await.unwrap();
        assert_eq!(answer.status(), 502, "{kind:?}");
        let error: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(error["error"]["code"], "backend_error");
        assert!(
            error["error"]["message"].as_str().unwrap().contains("failed before it responded"),
            "{error}"
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_request() {
    for kind in KINDS {
        for in_mid_stream in [false, true] {
            let (server, [mut upstream]) = start(kind, ["a"]).await;
            let sent = server.ask("m");
            let Asked { mut reply, .. } = upstream.next().await;
            if in_mid_stream {
                reply.respond(200, "text/event-stream", "data: 1\n\n").await;
                drop(sent.await.unwrap());
            } else {
                sent.abort();
            }
            reply.stopped().await;
            assert_eq!(record(&server, 1).await["outcome"], "left", "{kind:?}");
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_goes_away_keeps_its_models_and_is_not_ready() {
    let (server, [upstream]) = start(Kind::Endpoint, ["a"]).await;
    drop(upstream);
    let unreachable = server.ask("m").await.unwrap();
    assert_eq!(unreachable.status(), 502, "nothing has noticed before the first request");
    let wait = async {
        while get(&server, "/healthz").await.contains(r#""ok""#) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the failed request starts a probe");
    let answer = server.ask("m").await.unwrap();
    assert_eq!(answer.status(), 503, "known, but not ready");
    assert_eq!(json(&server, "/v1/models/m").await["owned_by"], "a");
    server.stop().await;
}
