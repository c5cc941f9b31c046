//! Requests traced: what arrives at a receiver of OTLP, what goes on to the runtime, and that a bad receiver costs nobody anything.

use std::time::Instant;

use llamapool_e2e::client::plain_chat;
use llamapool_e2e::otlp::Span;
use llamapool_e2e::server::API_KEY;
use llamapool_e2e::{MODEL, Otlp, Pool, Script, secs, until};
use serde_json::json;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A pool of `n` workers whose programs all send their traces to `url`.
async fn traced(n: usize, url: &str, worker: &[(&str, &str)]) -> Pool {
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", url)];
    Pool::with(n, &endpoint, &[&endpoint[..], worker].concat()).await
}

fn sampled(flag: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flag}")
}

fn only<'a>(spans: &'a [Span], what: &str, is: impl Fn(&Span) -> bool) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| is(span)).collect();
    assert_eq!(found.len(), 1, "{what} in {spans:#?}");
    found[0]
}

/// The caller's trace goes on: server, try, worker, runtime, each the child of the one before, with what the conventions want to know.
#[tokio::test]
async fn a_request_is_one_trace() {
    let receiver = Otlp::start().await;
    let pool = traced(1, &receiver.url(), &[]).await;
    let ask = pool.server.chat(MODEL, &Script::Answer).header("traceparent", &sampled("01"));
    let answer = ask.header("tracestate", "vendor=x").header("x-request-id", "mine-1").whole().await;
    answer.expect_ok();
    let spans = receiver.until_spans(3).await;
    let [request, tried, job] = &spans[..] else { panic!("{spans:#?}") };
    assert!(spans.iter().all(|span| span.trace_id == TRACE && span.error.is_none()), "{spans:#?}");
    assert!(spans.iter().all(|span| span.name == format!("chat {MODEL}")), "{spans:#?}");
    assert!(
        spans.iter().all(|span| span.time.0 <= span.time.1 && span.events == ["first_byte"]),
        "{spans:#?}"
    );
    let who = |span: &Span| (span.service.clone(), span.kind, span.parent.clone());
    assert_eq!(who(request), ("llamapool-server".to_owned(), "server", CALLER.to_owned()));
    assert_eq!(who(tried), ("llamapool-server".to_owned(), "client", request.id.clone()));
    assert_eq!(who(job), ("llamapool-worker".to_owned(), "server", tried.id.clone()));
    let runtime = pool.llm().last();
    assert_eq!(runtime.header("traceparent"), format!("00-{TRACE}-{}-01", job.id));
    assert_eq!(runtime.header("tracestate"), "vendor=x");

    let bytes = answer.body.len();
    let expected = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "llamapool", "gen_ai.request.model": MODEL,
        "gen_ai.response.model": MODEL, "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1,
        "http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": 200,
        "http.response.body.size": bytes, "url.path": "/v1/chat/completions", "url.scheme": "http",
        "server.address": "127.0.0.1", "server.port": pool.server.addr.port(), "llamapool.request.id": "mine-1",
        "llamapool.worker.name": "w0", "llamapool.outcome": "done", "llamapool.failovers": 0,
        "llamapool.queue.duration": 0.0,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(request.attributes.get(key), Some(value), "{key} of {request:#?}");
    }
    assert_eq!(tried.text("llamapool.worker.id"), "id-of-w0");
    assert_eq!(job.text("llamapool.outcome"), "succeeded");
    assert_eq!(job.attributes["gen_ai.usage.output_tokens"], 1);
    let (path, head) = receiver.heads().swap_remove(0);
    assert_eq!(
        (path.as_str(), &head["content-type"]),
        ("/v1/traces", &"application/x-protobuf".parse().unwrap())
    );
    pool.stop().await;
}

/// Every try is in the trace, with the reason why another followed.
#[tokio::test]
async fn failovers_show() {
    let receiver = Otlp::start().await;
    let pool = traced(2, &receiver.url(), &[]).await;
    pool.llms.iter().for_each(|llm| llm.always(Script::status(503)));
    pool.server.post("/v1/chat/completions", &plain_chat(MODEL)).whole().await.expect_error(503);
    let spans = receiver.until_spans(5).await;
    let request = only(&spans, "the request", |span| span.parent.is_empty());
    assert_eq!(request.attributes["llamapool.failovers"], 1);
    assert_eq!((request.text("error.type"), request.error.is_some()), ("503", true));
    let tries: Vec<_> = spans.iter().filter(|span| span.parent == request.id).collect();
    assert_eq!(tries.len(), 2, "{spans:#?}");
    for tried in tries {
        assert_eq!((tried.text("error.type"), tried.error.is_some()), ("503", true), "{tried:#?}");
        only(&spans, "the worker's part", |span| span.parent == tried.id && span.error.is_some());
    }
    pool.stop().await;
}

/// The wait for a free worker is a part of its own; a client that leaves is no error.
#[tokio::test]
async fn waits_and_leavers_show() {
    let receiver = Otlp::start().await;
    let pool = traced(1, &receiver.url(), &[("MAX_CONCURRENCY", "1")]).await;
    let ask = |id: &str| pool.server.chat(MODEL, &Script::stepped(1)).header("x-request-id", id);
    let first = tokio::spawn(ask("first").whole());
    pool.llm().until_open(1).await;
    let second = tokio::spawn(ask("second").whole());
    let third = tokio::spawn(ask("third").whole());
    until("two in line", async || {
        let state = pool.server.get("/api/state").whole().await.json();
        let live = state["live"].as_array().cloned().unwrap_or_default();
        (live.iter().filter(|live| live["state"] == "queued").count() == 2).then_some(())
    })
    .await;
    third.abort();
    pool.llm().step(4);
    first.await.unwrap().expect_ok();
    second.await.unwrap().expect_ok();
    let spans = receiver.until_spans(9).await;
    let queue_of = |id: &str| {
        let request =
            only(&spans, id, |span| span.parent.is_empty() && span.text("llamapool.request.id") == id);
        let queue = spans.iter().find(|span| span.parent == request.id && span.name == "queue");
        (request.clone(), queue.cloned())
    };
    assert_eq!(queue_of("first").1, None);
    let (second, queue) = queue_of("second");
    let queue = queue.expect("it waited");
    assert_eq!((queue.kind, &queue.error), ("internal", &None));
    let wait = second.attributes["llamapool.queue.duration"].as_f64().unwrap();
    assert!((wait - (queue.time.1 - queue.time.0) as f64 / 1e9).abs() < 0.5, "{wait} s in {queue:#?}");
    let (third, queue) = queue_of("third");
    assert_eq!((third.text("llamapool.outcome"), &third.error), ("left", &None));
    assert_eq!(queue.expect("it waited").text("llamapool.outcome"), "left");
    pool.stop().await;
}

/// Whoever is not traced is not traced here either, and says so to the runtime.
#[tokio::test]
async fn a_caller_that_is_not_sampled_leaves_no_span() {
    let receiver = Otlp::start().await;
    let pool = traced(1, &receiver.url(), &[]).await;
    let ask = |context: &str| pool.server.chat(MODEL, &Script::Answer).header("traceparent", context).whole();
    ask(&sampled("00")).await.expect_ok();
    let quiet = pool.llm().last().header("traceparent").to_owned();
    assert!(quiet.starts_with(&format!("00-{TRACE}-")) && quiet.ends_with("-00"), "{quiet}");
    ask(&sampled("01")).await.expect_ok();
    let spans = receiver.until_spans(3).await;
    assert_eq!(spans.iter().filter(|span| span.parent == CALLER).count(), 1, "{spans:#?}");
    pool.stop().await;
}

/// Without a receiver a trace passes through, as every header does.
#[tokio::test]
async fn without_a_receiver_the_context_passes_unchanged() {
    let pool = Pool::start().await;
    let ask = pool.server.chat(MODEL, &Script::Answer).header("traceparent", &sampled("01"));
    ask.header("tracestate", "a=1,b=2").header("baggage", "k=v").whole().await.expect_ok();
    let seen = pool.llm().last();
    assert_eq!(seen.header("traceparent"), sampled("01"));
    assert_eq!((seen.header("tracestate"), seen.header("baggage")), ("a=1,b=2", "k=v"));
    pool.stop().await;
}

/// A receiver that is away, or takes requests and never answers, holds up neither requests nor the end.
#[tokio::test]
async fn a_bad_receiver_slows_nobody() {
    let hanging = Otlp::hanging().await;
    let away = Otlp::start().await.url();
    for url in [hanging.url(), away] {
        let pool = traced(1, &url, &[]).await;
        let begun = Instant::now();
        for _ in 0..200 {
            pool.server.chat(MODEL, &Script::Answer).whole().await.expect_ok();
        }
        // The receiver's own time limits are 5 and 10 s: one request that waited for it would show.
        assert!(begun.elapsed() < secs(4), "200 requests took {:?}", begun.elapsed());
        let Pool { mut server, mut workers, .. } = pool;
        if url != hanging.url() {
            let refused = |line: &str| {
                (line.contains("Cannot export traces") && line.contains("refused")).then_some(())
            };
            server.until_log("why", refused).await;
        }
        workers.pop().expect("one worker").stop().await;
        server.stop().await;
    }
    assert!(!hanging.heads().is_empty(), "the hanging receiver was never asked");
}

/// What ended a moment before the server's end arrives all the same.
#[tokio::test]
async fn the_last_traces_are_sent_before_the_end() {
    let receiver = Otlp::start().await;
    let pool = traced(1, &receiver.url(), &[]).await;
    pool.server.chat(MODEL, &Script::Answer).whole().await.expect_ok();
    let Pool { server, mut workers, .. } = pool;
    workers.pop().expect("one worker").stop().await;
    server.stop().await;
    assert_eq!(receiver.spans().len(), 3, "{:#?}", receiver.spans());
}

/// The one line of a request has all that is known of it, the trace included, and no content.
#[tokio::test]
async fn the_log_line_says_it_all() {
    let receiver = Otlp::start().await;
    let mut pool = traced(1, &receiver.url(), &[]).await;
    let ask = pool.server.chat(MODEL, &Script::Answer).header("traceparent", &sampled("01"));
    let answer = ask.header("x-request-id", "mine-7").whole().await;
    let line =
        pool.server.until_log("the request", |line| line.contains("mine-7").then(|| line.to_owned())).await;
    let log: serde_json::Value = serde_json::from_str(&line).unwrap();
    let key = &llamapool_e2e::fake_llm::hash(API_KEY.as_bytes())[..8];
    let expected = json!({
        "level": "INFO", "request.id": "mine-7", "trace.id": TRACE, "request.key": key, "request.model": MODEL,
        "worker.name": "w0", "response.status": 200, "outcome": "done", "tokens.input": 1, "tokens.output": 1,
        "response.bytes": answer.body.len(), "request.bytes": pool.llm().last().length, "failovers": 0,
        "message": "/v1/chat/completions done",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(log.get(field), Some(value), "{field} in {line}");
    }
    for field in ["queue_ms", "first_byte_ms", "total_ms"] {
        assert!(log[field].is_u64(), "{field} in {line}");
    }
    assert!(!pool.server.log().iter().any(|line| line.contains("\"content\"") || line.contains(API_KEY)));
    pool.stop().await;
}
