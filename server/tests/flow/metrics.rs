//! What Prometheus is told equals what happened.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::StreamExt;
use llamapool_server::drain::Shutdown;
use llamapool_server::{Listeners, config::Config};
use llamapool_tunnel::Incoming;
use llamapool_tunnel::control::Readiness;
use llamapool_tunnel::frame::Code;
use llamapool_worker_core::runtime::Model;

use crate::support::{ScriptedWorker, TestServer, response};

/// One answer to a scrape.
struct Scrape(String);

impl Scrape {
    /// Whether this line is there, as `name{labels} value`.
    fn has(&self, line: &str) -> bool {
        self.0.lines().any(|other| other == line)
    }

    /// Checks that all of these lines are there.
    fn expect(&self, lines: &[&str]) {
        let missing: Vec<_> = lines.iter().filter(|line| !self.has(line)).collect();
        assert!(missing.is_empty(), "{missing:#?} in\n{}", self.0);
    }

    /// The value of a series.
    fn value(&self, series: &str) -> f64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} in\n{}", self.0)).parse().unwrap()
    }
}

impl TestServer {
    async fn scrape(&self) -> Scrape {
        let scraped = self.client.get(format!("{}/metrics", self.url)).send().await.unwrap();
        assert_eq!(scraped.status(), 200);
        Scrape(scraped.text().await.unwrap())
    }

    async fn until_scraped(&self, line: &str) -> Scrape {
        loop {
            let scrape = self.scrape().await;
            if scrape.has(line) {
                return scrape;
            }
            tokio::task::yield_now().await;
        }
    }
}

const USAGE: &str = r#"{"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#;

/// The values of a label of a series.
fn label_values<'a>(scrape: &'a Scrape, series: &str, label: &str) -> Vec<&'a str> {
    let lines =
        scrape.0.lines().filter(|line| line.starts_with(series) && line.as_bytes()[series.len()] == b'{');
    let label = format!(",{label}=\"");
    lines.map(|line| line.split(&label).nth(1).unwrap().split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn a_worker_cannot_make_series_without_end() {
    let server = TestServer::start().await;
    let worker = ScriptedWorker::connect(&server, "a", None).await;
    let mut shown = BTreeSet::new();
    for number in 0..10_000 {
        let version = format!("v{number}");
        let model = Model { name: version.clone(), ..Model::default() };
        worker.report_version(&version, vec![model]);
        // Past the limit, all are alike.
        if number < 300 {
            loop {
                let scrape = server.scrape().await;
                let values = label_values(&scrape, "llamapool_worker_info", "backend_version");
                if values.iter().any(|value| *value == version || *value == "other") {
                    shown.extend(values.into_iter().map(str::to_owned));
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }
    assert!(shown.contains("v0") && shown.contains("other"), "{shown:?}");
    assert!(shown.len() < 250, "{}", shown.len());
    let scrape = server.scrape().await;
    assert!(scrape.0.lines().count() < 30_000, "{}", scrape.0.lines().count());
    server.stop().await;
}

#[tokio::test]
async fn every_series_is_there_before_anything_happens() {
    let server = TestServer::start().await;
    server.scrape().await.expect(&[
        "# TYPE llamapool_model_requests_total counter",
        "llamapool_requests_in_flight 0",
        r#"llamapool_workers{state="idle"} 0"#,
        r#"llamapool_server_state{state="not_ready"} 1"#,
        r#"llamapool_rejects_total{reason="queue_full"} 0"#,
        r#"llamapool_cancels_total{by="admin"} 0"#,
        r#"llamapool_queue_length{model="other"} 0"#,
    ]);
    let worker = ScriptedWorker::join(&server, "a", 2, &["m:latest"]).await;
    server.until_models(1).await;
    server.scrape().await.expect(&[
        r#"llamapool_model_requests_total{model="m:latest",outcome="success"} 0"#,
        r#"llamapool_request_first_byte_seconds_count{model="m:latest"} 0"#,
        r#"llamapool_model_workers{model="m:latest"} 1"#,
        r#"llamapool_queue_length{model="m:latest"} 0"#,
        r#"llamapool_worker_tokens_total{worker_id="a",worker="a",kind="out"} 0"#,
        r#"llamapool_worker_slots{worker_id="a",worker="a"} 2"#,
        r#"llamapool_worker_state{worker_id="a",worker="a",state="idle"} 1"#,
        r#"llamapool_worker_info{worker_id="a",worker="a",version="0",backend="auto",backend_version=""} 1"#,
        r#"llamapool_workers{state="idle"} 1"#,
        r#"llamapool_server_state{state="ready"} 1"#,
    ]);
    worker.die();
    server.until_scraped(r#"llamapool_worker_state{worker_id="a",worker="a",state="gone"} 1"#).await;
    server.stop().await;
}

#[tokio::test]
async fn every_count_equals_what_happened() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 2, &["m"]).await;
    server.until_models(1).await;
    for _ in 0..2 {
        let asked = server.ask("m:latest"); // the same model: what is counted is the worker's name of it
        worker.answer(200, USAGE).await;
        asked.await.unwrap().bytes().await.unwrap();
    }
    let asked = server.ask("m");
    worker.answer(500, "{}").await;
    assert_eq!(asked.await.unwrap().status(), 500);
    let asked = server.ask("m");
    worker.next().await.responder.fail(Code::Backend, "crashed");
    assert_eq!(asked.await.unwrap().status(), 502);
    assert_eq!(server.ask("nobody-has-it").await.unwrap().status(), 404);
    let nonsense = server.client.post(format!("{}/v1/embeddings", server.url)).body("{}").send();
    assert_eq!(nonsense.await.unwrap().status(), 400);

    let scrape = server.scrape().await;
    scrape.expect(&[
        r#"llamapool_requests_total{path="/v1/chat/completions",outcome="success"} 2"#,
        r#"llamapool_requests_total{path="/v1/chat/completions",outcome="error"} 2"#,
        r#"llamapool_requests_total{path="/v1/embeddings",outcome="refused"} 1"#,
        r#"llamapool_model_requests_total{model="m",outcome="success"} 2"#,
        r#"llamapool_model_requests_total{model="m",outcome="error"} 2"#,
        r#"llamapool_model_requests_total{model="other",outcome="refused"} 1"#,
        r#"llamapool_model_tokens_total{model="m",kind="in"} 6"#,
        r#"llamapool_model_tokens_total{model="m",kind="out"} 10"#,
        r#"llamapool_rejects_total{reason="model_not_found"} 1"#,
        r#"llamapool_rejects_total{reason="invalid_request"} 1"#,
        r#"llamapool_request_first_byte_seconds_count{model="m"} 3"#,
        r#"llamapool_request_queue_seconds_count{model="m"} 4"#,
        r#"llamapool_request_queue_seconds_bucket{le="0.005",model="m"} 4"#,
        r#"llamapool_request_tokens_per_second_count{model="m"} 2"#,
        r#"llamapool_stream_longest_gap_seconds_count{model="m"} 0"#,
        r#"llamapool_request_duration_seconds_count{worker_id="a",worker="a",model="m"} 4"#,
        r#"llamapool_worker_tokens_total{worker_id="a",worker="a",kind="in"} 6"#,
        r#"llamapool_worker_failures_total{worker_id="a",worker="a"} 2"#,
        r#"llamapool_failovers_total{worker_id="a",worker="a"} 0"#,
        "llamapool_requests_in_flight 0",
    ]);
    let processing = scrape.value(r#"llamapool_worker_processing_seconds_total{worker_id="a",worker="a"}"#);
    let durations =
        scrape.value(r#"llamapool_request_duration_seconds_sum{worker_id="a",worker="a",model="m"}"#);
    assert!(processing > 0.0 && processing <= durations, "{processing} of {durations}");
    assert!(scrape.value("llamapool_sent_bytes_total") >= 2.0 * USAGE.len() as f64);
    let received = scrape.value("llamapool_received_bytes_total");
    assert!(received > 0.0);
    let tunnel =
        |way| scrape.value(&format!(r#"llamapool_tunnel_{way}_bytes_total{{worker_id="a",worker="a"}}"#));
    assert!(tunnel("received") >= 2.0 * USAGE.len() as f64 && tunnel("sent") > received / 2.0);
    server.stop().await;
}

#[tokio::test]
async fn who_failed_and_who_took_over() {
    let server = TestServer::start().await;
    let mut first = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let mut second = ScriptedWorker::join(&server, "b", 1, &["m"]).await;
    server.until_scraped(r#"llamapool_model_workers{model="m"} 2"#).await;
    let asked = server.ask("m");
    // Which of them is asked first, is the server's choice.
    let (failed, failing, other) = tokio::select! {
        () = first.wait_asked() => ("a", &mut first, &mut second),
        () = second.wait_asked() => ("b", &mut second, &mut first),
    };
    failing.next().await.responder.fail(Code::Backend, "crashed");
    other.answer(200, USAGE).await;
    assert_eq!(asked.await.unwrap().status(), 200);
    let took_over = if failed == "a" { "b" } else { "a" };
    server.scrape().await.expect(&[
        &format!(r#"llamapool_failovers_total{{worker_id="{failed}",worker="{failed}"}} 1"#),
        &format!(r#"llamapool_worker_failures_total{{worker_id="{failed}",worker="{failed}"}} 1"#),
        &format!(r#"llamapool_failovers_total{{worker_id="{took_over}",worker="{took_over}"}} 0"#),
        &format!(
            r#"llamapool_worker_tokens_total{{worker_id="{took_over}",worker="{took_over}",kind="out"}} 5"#
        ),
        r#"llamapool_model_requests_total{model="m",outcome="success"} 1"#,
        r#"llamapool_model_requests_total{model="m",outcome="error"} 0"#,
    ]);
    server.stop().await;
}

#[tokio::test]
async fn streams_queues_and_cancels() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(response(200, "text/event-stream"), Bytes::from_static(b"data: 1\n\n"), false);
    let mut answer = asked.await.unwrap().bytes_stream();
    answer.next().await.unwrap().unwrap();
    let waits = server.ask("m");
    let full = server.until_scraped(r#"llamapool_queue_length{model="m"} 1"#).await;
    full.expect(&[
        "llamapool_requests_in_flight 2",
        r#"llamapool_worker_slots_used{worker_id="a",worker="a"} 1"#,
        r#"llamapool_worker_state{worker_id="a",worker="a",state="working"} 1"#,
        r#"llamapool_workers{state="working"} 1"#,
    ]);
    waits.abort();
    server.until_scraped(r#"llamapool_cancels_total{by="client"} 1"#).await.expect(&[
        r#"llamapool_model_requests_total{model="m",outcome="left"} 1"#,
        r#"llamapool_queue_length{model="m"} 0"#,
    ]);
    let state = server.client.get(format!("{}/api/state", server.url)).send().await.unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state.bytes().await.unwrap()).unwrap();
    let number = &state["live"][0]["number"];
    let cancel = format!("{}/api/state/requests/{number}/cancel", server.url);
    assert_eq!(server.client.post(cancel).send().await.unwrap().status(), 204);
    while answer.next().await.is_some_and(|chunk| chunk.is_ok()) {}
    server.until_scraped(r#"llamapool_cancels_total{by="admin"} 1"#).await.expect(&[
        r#"llamapool_model_requests_total{model="m",outcome="cancelled"} 1"#,
        r#"llamapool_stream_longest_gap_seconds_count{model="m"} 1"#,
        r#"llamapool_request_first_byte_seconds_count{model="m"} 1"#,
    ]);
    worker.report(Readiness::Draining, 1, &["m"]);
    server.until_scraped(r#"llamapool_workers{state="draining"} 1"#).await.expect(&[
        r#"llamapool_model_workers{model="m"} 0"#,
        r#"llamapool_server_state{state="not_ready"} 1"#,
    ]);
    server.stop().await;
}

#[tokio::test]
async fn readers_of_the_state_are_counted() {
    let server = TestServer::start().await;
    let mut events =
        server.client.get(format!("{}/api/state/stream", server.url)).send().await.unwrap().bytes_stream();
    events.next().await.unwrap().unwrap();
    server.scrape().await.expect(&["llamapool_state_readers 1"]);
    drop(events);
    server.until_scraped("llamapool_state_readers 0").await;
    server.stop().await;
}

#[tokio::test]
async fn on_the_api_s_port_a_key_is_asked_for() {
    let server = TestServer::with(|config| config.keys.api = vec!["secret".into()]).await;
    let scrape = || server.client.get(format!("{}/metrics", server.url));
    assert_eq!(scrape().send().await.unwrap().status(), 401);
    let open = scrape().bearer_auth("secret").header("accept", "application/openmetrics-text").send();
    let open = open.await.unwrap();
    assert_eq!(open.status(), 200);
    assert!(open.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    assert!(open.text().await.unwrap().ends_with("# EOF\n"));
    server.stop().await;
}

#[tokio::test]
async fn a_port_of_their_own_needs_no_key_and_ends_with_the_server() {
    llamapool_tunnel::tls::install();
    let mut config = Config::for_testing();
    config.keys.api = vec!["secret".into()];
    config.metrics.addr = Some(([127, 0, 0, 1], 0).into());
    let listeners = Listeners::bind(&config).await.unwrap();
    let api = format!("http://{}/metrics", listeners.api.local_addr().unwrap());
    let own = format!("http://{}/metrics", listeners.metrics.as_ref().unwrap().addr());
    let shutdown = Shutdown::default();
    let server = tokio::spawn(llamapool_server::run(config, listeners, shutdown.clone(), None));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let scraped = client.get(&own).send().await.unwrap();
    assert_eq!(scraped.status(), 200);
    assert!(scraped.text().await.unwrap().contains(r#"llamapool_build_info{component="server""#));
    let elsewhere = client.get(&api).bearer_auth("secret").send().await.unwrap();
    assert_eq!(elsewhere.status(), 404);
    shutdown.gently.cancel();
    server.await.unwrap().unwrap();
    assert!(client.get(&own).send().await.is_err(), "nobody listens any more");
}
