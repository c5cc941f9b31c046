//! What the state says equals what happened.

use bytes::Bytes;
use futures_util::StreamExt;
use llamapool_tunnel::Incoming;
use llamapool_tunnel::control::Readiness;
use serde_json::Value;

use crate::support::{PATIENCE, ScriptedWorker, TestServer, response};

impl TestServer {
    async fn state(&self) -> Value {
        let state = self.client.get(format!("{}/api/state", self.url)).send().await.unwrap();
        serde_json::from_slice(&state.bytes().await.unwrap()).unwrap()
    }

    async fn act(&self, path: &str) -> u16 {
        let acted = self.client.post(format!("{}/api/state/{path}", self.url)).send().await.unwrap();
        acted.status().as_u16()
    }

    async fn until(&self, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let state = self.state().await;
            if holds(&state) {
                return state;
            }
            tokio::task::yield_now().await;
        }
    }
}

const USAGE: &str = r#"{"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#;

#[tokio::test]
async fn an_empty_pool_says_so() {
    let server = TestServer::start().await;
    let state = server.state().await;
    assert_eq!(state["server"]["state"], "not_ready");
    for empty in ["workers", "models", "live", "recent"] {
        assert_eq!(state[empty], Value::Array(Vec::new()), "{empty}");
    }
    server.stop().await;
}

#[tokio::test]
async fn every_figure_equals_what_happened() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 2, &["m"]).await;
    server.until_models(1).await;
    for _ in 0..2 {
        let asked = server.ask("m");
        worker.answer(200, USAGE).await;
        asked.await.unwrap().bytes().await.unwrap();
    }
    let asked = server.ask("m");
    worker.next().await.responder.fail(llamapool_tunnel::frame::Code::Backend, "crashed");
    assert_eq!(asked.await.unwrap().status(), 502);
    assert_eq!(server.ask("nobody-has-it").await.unwrap().status(), 404);
    let leaves = server.ask("m");
    let held = worker.next().await;
    leaves.abort();
    let state = server.until(|state| state["server"]["jobs_cancelled_total"] == 1).await;
    drop(held);

    let figures = &state["server"];
    assert_eq!(figures["state"], "ready");
    assert_eq!((&figures["jobs_failed_total"], &figures["jobs_refused_total"]), (&1.into(), &1.into()));
    assert_eq!((&figures["tokens_in_total"], &figures["tokens_out_total"]), (&6.into(), &10.into()));
    let worker = &state["workers"][0];
    assert_eq!((&worker["status"], &worker["name"]), (&"idle".into(), &"a".into()));
    assert_eq!((&worker["tokens_total"], &worker["max_concurrency"]), (&16.into(), &2.into()));
    assert_eq!(worker["per_model"]["m"]["tokens_out_total"], 10);
    assert_eq!((&worker["per_model"]["m"]["error_total"], &worker["failures_total"]), (&1.into(), &1.into()));
    assert_eq!(figures["failovers_total"], 0, "nobody was there to take over");
    assert!(worker["last_error"].as_str().unwrap().contains("failed before it responded"), "{worker}");
    let outcomes: Vec<_> =
        state["recent"].as_array().unwrap().iter().map(|request| &request["outcome"]).collect();
    let expect = ["left", "refused", "failed", "done", "done"];
    let chats = outcomes.iter().zip(&expect).filter(|(outcome, expect)| *outcome == *expect).count();
    assert_eq!(chats, 5, "{outcomes:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_runtime_that_answers_with_an_error_of_its_own_has_failed() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 2, &["m"]).await;
    server.until_models(1).await;
    for (status, outcome, failures) in [(422, "done", 0), (500, "failed", 1), (503, "failed", 2)] {
        let asked = server.ask("m");
        worker.answer(status, "{}").await;
        assert_eq!(asked.await.unwrap().status().as_u16(), status);
        let state = server.until(|state| state["recent"][0]["status"] == status).await;
        assert_eq!(state["recent"][0]["outcome"], outcome, "{status}");
        assert_eq!(state["workers"][0]["failures_total"], failures, "{status}");
        assert_eq!(state["server"]["failovers_total"], 0);
    }
    server.stop().await;
}

#[tokio::test]
async fn live_requests_show_where_they_are_and_can_be_cancelled() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    let waits = server.ask("m");
    let state = server.until(|state| state["server"]["scheduler_queue_len"] == 1).await;
    let live = state["live"].as_array().unwrap();
    let of = |state: &str| {
        live.iter().find(|request| request["state"] == state).unwrap_or_else(|| panic!("{live:?}"))
    };
    assert_eq!((&of("waiting")["worker"], &of("waiting")["model"]), (&"a".into(), &"m".into()));
    let queued = of("queued")["number"].as_u64().unwrap();
    assert_eq!(state["workers"][0]["queue_len"], 1);
    assert_eq!(server.act(&format!("requests/{queued}/cancel")).await, 204);
    let cancelled = waits.await.unwrap();
    assert_eq!(
        (cancelled.status().as_u16(), &cancelled.headers()["x-should-retry"]),
        (503, &"false".parse().unwrap())
    );

    responder.respond(response(200, "text/event-stream"), Bytes::from_static(b"data: 1\n\n"), false);
    let mut answer = asked.await.unwrap().bytes_stream();
    assert_eq!(answer.next().await.unwrap().unwrap(), "data: 1\n\n");
    let state = server.until(|state| state["live"][0]["state"] == "streaming").await;
    assert_eq!((&state["live"][0]["tokens"], &state["live"][0]["bytes"]), (&1.into(), &9.into()));
    assert_eq!(server.act(&format!("requests/{}/cancel", state["live"][0]["number"])).await, 204);
    let last = answer.next().await.unwrap().unwrap();
    assert!(std::str::from_utf8(&last).unwrap().contains("request_cancelled"));
    assert!(answer.next().await.unwrap().is_err(), "and it does not look complete");
    responder.stopped().await;
    assert_eq!(server.act("requests/999/cancel").await, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_worker_can_be_drained_and_undrained_and_is_shown_when_gone() {
    let server = TestServer::start().await;
    let worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    server.until(|state| state["workers"][0]["latency_ms"].as_f64().is_some_and(|took| took > 0.0)).await;
    assert_eq!(server.act("workers/a/drain").await, 204);
    assert_eq!(server.state().await["workers"][0]["status"], "draining");
    assert_eq!(server.ask("m").await.unwrap().status(), 503);
    assert_eq!(server.act("workers/a/undrain").await, 204);
    assert_eq!(server.act("workers/b/drain").await, 404);
    worker.report(Readiness::NotReady, 1, &["m"]);
    server.until(|state| state["workers"][0]["status"] == "not_ready").await;
    worker.die();
    let state = server.until(|state| state["workers"][0]["status"] == "gone").await;
    assert_eq!(
        (&state["workers_summary"]["gone"], &state["workers_summary"]["connected"]),
        (&1.into(), &0.into())
    );
    server.stop().await;
}

#[tokio::test]
async fn the_event_stream_begins_at_once_and_goes_on_with_changes() {
    let server = TestServer::start().await;
    let mut events =
        server.client.get(format!("{}/api/state/stream", server.url)).send().await.unwrap().bytes_stream();
    let mut next = async || {
        let mut event = String::new();
        while !event.ends_with("\n\n") {
            event.push_str(std::str::from_utf8(&events.next().await.unwrap().unwrap()).unwrap());
        }
        event
    };
    let first = next().await;
    assert!(first.starts_with("event: snapshot\nid: ") && first.contains("\ndata: {"), "{first}");
    let _worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    loop {
        let update = next().await;
        assert!(update.starts_with("event: update\n") || update.starts_with("event: snapshot\n"), "{update}");
        if update.contains(r#""name":"a""#) && update.contains(r#""status":"idle""#) {
            break;
        }
    }
    drop(events);
    server.stop().await;
}

#[tokio::test]
async fn the_state_is_behind_the_key_and_other_sites_give_no_orders() {
    let server = TestServer::with(|config| config.keys.api = vec!["secret".into()]).await;
    for path in ["state", "state/stream"] {
        let refused = server.client.get(format!("{}/api/{path}", server.url)).send().await.unwrap();
        assert_eq!(refused.status(), 401, "{path}");
    }
    assert_eq!(server.act("drain").await, 401);
    let order = |origin: String| {
        let order =
            server.client.post(format!("{}/api/state/requests/1/cancel", server.url)).bearer_auth("secret");
        order.header("origin", origin).send()
    };
    assert_eq!(order("https://evil.example".into()).await.unwrap().status(), 403);
    assert_eq!(order(server.url.clone()).await.unwrap().status(), 404);
    server.stop().await;
}

#[tokio::test]
async fn the_server_can_be_drained_over_the_api() {
    let server = TestServer::start().await;
    assert_eq!(server.act("drain").await, 204);
    server.stop().await;
}

#[tokio::test]
async fn the_dashboard_may_load_nothing_from_elsewhere() {
    let server = TestServer::start().await;
    for path in ["/", "/state", "/state/"] {
        let page = server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
        if page.status() == 404 {
            assert!(page.text().await.unwrap().contains("npm run build"), "it says what to do");
            continue;
        }
        assert!(
            page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'")
        );
        assert!(page.text().await.unwrap().contains("/state/assets/"), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_worker_that_left_keeps_its_totals_and_not_its_models() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    worker.answer(200, USAGE).await;
    asked.await.unwrap().bytes().await.unwrap();
    worker.die();
    let state = server.until(|state| state["workers"][0]["status"] == "gone").await;
    let gone = &state["workers"][0];
    assert_eq!((&gone["tokens_total"], &gone["processed_total"]), (&8.into(), &1.into()));
    assert_eq!((&gone["models"], &gone["models_supported"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    assert_eq!(gone["per_model"], serde_json::json!({}));
    server.stop().await;
}

#[tokio::test]
async fn more_models_than_a_snapshot_shows_are_cut_with_a_mark() {
    let server = TestServer::start().await;
    let many: Vec<String> = (0..1_500).map(|number| format!("model-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let _workers = [
        ScriptedWorker::join(&server, "a", 1, &many).await,
        ScriptedWorker::join(&server, "b", 1, &many).await,
        ScriptedWorker::join(&server, "c", 1, &many).await,
        ScriptedWorker::join(&server, "d", 1, &["m"]).await,
    ];
    server.until_models(1_501).await;
    let state = server.until(|state| state["workers_summary"]["idle"] == 4).await;
    let shown: Vec<_> = state["workers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|worker| worker["models"].as_array().unwrap().len())
        .collect();
    assert_eq!(shown, [1_000, 1_000, 1_000, 1]);
    assert_eq!(state["models_cut"], 1_500);
    server.stop().await;
}

#[tokio::test]
async fn the_models_that_the_state_cuts_are_read_page_by_page() {
    let server = TestServer::start().await;
    let names: Vec<String> = (0..30).map(|at| format!("m{at:02}")).collect();
    let offered: Vec<&str> = names.iter().map(String::as_str).collect();
    let _b = ScriptedWorker::join(&server, "b", 1, &offered).await;
    let _a = ScriptedWorker::join(&server, "a", 1, &offered[..10]).await;
    let _none = ScriptedWorker::connect(&server, "c", None).await;
    let page = async |query: &[(&str, &str)]| {
        let request = server.client.get(format!("{}/api/state/models", server.url)).query(query);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice::<serde_json::Value>(&answer.bytes().await.unwrap()).unwrap())
    };
    let all = async {
        while page(&[]).await.1["models"].as_array().unwrap().len() < 40 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("the models never came");

    let entry = |model: &serde_json::Value| {
        format!("{} {}", model["worker"].as_str().unwrap(), model["name"].as_str().unwrap())
    };
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let query = [("limit", Some("7")), ("cursor", cursor.as_deref())];
        let query: Vec<_> = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let (status, body) = page(&query).await;
        assert_eq!(status, 200, "{body}");
        seen.extend(body["models"].as_array().unwrap().iter().map(entry));
        pages += 1;
        match &body["next"] {
            serde_json::Value::Null => break,
            next => cursor = Some(next.as_str().unwrap().to_owned()),
        }
    }
    let expect = names[..10].iter().map(|name| format!("a {name}"));
    let expect: Vec<_> = expect.chain(names.iter().map(|name| format!("b {name}"))).collect();
    assert_eq!((seen, pages), (expect, 6));

    let (_, of_a) = page(&[("worker", "a"), ("limit", "10")]).await;
    assert_eq!((of_a["models"].as_array().unwrap().len(), &of_a["next"]), (10, &serde_json::Value::Null));
    for wrong in [("limit", "0"), ("limit", "1001"), ("limit", "many"), ("cursor", "x")] {
        let (status, body) = page(&[wrong]).await;
        assert_eq!(
            (status, body["error"]["type"].as_str()),
            (400, Some("invalid_request_error")),
            "{wrong:?}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_of_changes_has_the_workers_that_have_changed() {
    let server = TestServer::start().await;
    let a = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let _b = ScriptedWorker::join(&server, "b", 1, &["m", "n"]).await;
    server.until_models(2).await;
    let stream = |query: &str| server.client.get(format!("{}/api/state/stream{query}", server.url)).send();
    assert_eq!(stream("?only=x").await.unwrap().status(), 400);
    let mut chunks = stream("?only=changes").await.unwrap().bytes_stream();
    let mut text = String::new();
    let changed = async {
        loop {
            let chunk = chunks.next().await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data: Value = serde_json::from_str(event.split_once("data: ").unwrap().1).unwrap();
                let is_change = data.get("worker_ids").is_some()
                    && data["workers"].as_array().unwrap().len() == 1
                    && data["workers"][0]["max_concurrency"] == 7;
                text = rest.to_owned();
                if is_change {
                    return data;
                }
                a.report(Readiness::Ready, if data["version"].as_u64() > Some(1) { 7 } else { 2 }, &["m"]);
            }
        }
    };
    let data = tokio::time::timeout(PATIENCE, changed).await.expect("no change came");
    assert_eq!(data["worker_ids"], serde_json::json!(["a", "b"]));
    drop(chunks);
    server.stop().await;
}
