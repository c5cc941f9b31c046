//! The local API, over its port.

use http::Method;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::config::Config;
use crate::ledger::{Asked, Ledger};
use crate::worker::status::{Connection, Problem, Readiness};

const TOKEN: &str = "0123456789abcdef";

/// A local API, and its worker.
struct Page {
    url: String,
    ledger: Ledger,
    publisher: StatusPublisher,
    level: Level,
    _kept: (AbortOnDropHandle<()>, Box<dyn std::any::Any + Send>),
}

impl Page {
    async fn open() -> Self {
        llamapool_tunnel::tls::install();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let ledger = Ledger::default();
        let publisher = StatusPublisher::new(&Config::for_testing(), "worker-1", ledger.clone());
        let (level, layer) = Level::for_testing("info");
        let api = ApiState {
            publisher: publisher.clone(),
            handle: WorkerHandle::new(publisher.clone()),
            drain_timeout: DrainTimeout::Now,
            level: Some(level.clone()),
            token: Arc::new(TOKEN.to_owned().into()),
            port: addr.port(),
        };
        let serving = tokio::spawn(Local { listener, router: router(api) }.serve());
        let _kept = (AbortOnDropHandle::new(serving), layer);
        Self { url: format!("http://{addr}"), ledger, publisher, level, _kept }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.request(method, format!("{}{path}", self.url)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn status(&self) -> Value {
        let (status, body) = self.ask(Method::GET, "/status", &[], "").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn set_level(&self, body: &str) -> (StatusCode, String) {
        self.ask(Method::PUT, "/control/log-level", &[("x-auth-token", TOKEN)], body).await
    }
}

#[tokio::test]
async fn the_status_tells_what_runs_and_what_is_wrong() {
    let page = Page::open().await;
    let fresh = page.status().await;
    for (name, value) in [
        ("last_error", json!("")),
        ("last_error_at", json!(null)),
        ("latency_ms", json!(null)),
        ("runtime_note", json!(null)),
        ("server_note", json!(null)),
        ("log_problem", json!(null)),
        ("requests", json!([])),
        ("tokens_today", json!({"tokens_in": 0, "tokens_out": 0})),
    ] {
        assert_eq!(fresh[name], value, "{name} in {fresh}");
    }
    let problem = |what: &str| Problem { what: what.to_owned(), since: std::time::SystemTime::UNIX_EPOCH };
    page.publisher.change(|status| status.log_problem = Some(problem("no space left")));
    let full = page.status().await;
    assert_eq!(
        (&full["log_problem"], &full["last_error"]),
        (&json!("no space left"), &json!("no space left"))
    );
    page.publisher.change(|status| {
        status.connection = Connection::Connected;
        status.latency = Some(std::time::Duration::from_micros(41_600));
        status.runtime_note = Some("Ollama has no models".to_owned());
        status.runtime = Readiness::Away(problem("gone"));
    });
    let asked = Asked { path: "/v1/chat/completions".to_owned(), model: Some("llama3".to_owned()), bytes: 0 };
    let job = page.ledger.enter(asked);
    let busy = page.status().await;
    assert_eq!((&busy["latency_ms"], &busy["current_jobs"]), (&json!(42), &json!(1)));
    assert_eq!(busy["runtime_note"], "Ollama has no models");
    assert_eq!(
        (&busy["last_error"], &busy["last_error_at"]),
        (&json!("gone"), &json!("1970-01-01T00:00:00Z"))
    );
    let request = &busy["requests"][0];
    assert_eq!(
        (&request["number"], &request["model"], &request["state"]),
        (&json!(1), &json!("llama3"), &json!("waiting"))
    );
    assert_eq!((&request["path"], &request["bytes_out"]), (&json!("/v1/chat/completions"), &json!(0)));
    drop(job);
    assert_eq!(page.status().await["requests_today"], 1);
}

/// The response to a caller that has this tag.
async fn next(page: &Page, tag: &str, wait: &str) -> (StatusCode, Option<String>) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked =
        client.get(format!("{}/status", page.url)).header("if-none-match", tag).header("prefer", wait);
    let answer = asked.send().await.unwrap();
    let tag = answer.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
    (answer.status(), tag)
}

#[tokio::test]
async fn a_status_that_is_known_is_not_told_again() {
    let page = Page::open().await;
    let (status, tag) = next(&page, "\"other\"", "wait=50").await;
    let tag = tag.unwrap();
    assert_eq!(status, StatusCode::OK, "what is not known is told at once");
    assert_eq!(next(&page, &tag, "").await, (StatusCode::NOT_MODIFIED, None));
    page.publisher.reported();
    assert_eq!(next(&page, &tag, "wait=0").await.0, StatusCode::NOT_MODIFIED, "clocks are no change");
}

#[tokio::test]
async fn who_waits_is_told_of_the_next_change() {
    let page = Page::open().await;
    let tag = next(&page, "", "").await.1.unwrap();
    let changed = async {
        // Not before somebody waits, so that the waiting itself is tested.
        tokio::task::yield_now().await;
        page.publisher.change(|status| status.draining = true);
    };
    let ((status, draining), ()) = tokio::join!(next(&page, &tag, "respond-async, wait=50"), changed);
    assert_eq!(status, StatusCode::OK);
    let draining = draining.unwrap();
    let asked = || Asked { path: "/v1/x".to_owned(), model: None, bytes: 0 };
    let (told, _job) = tokio::join!(next(&page, &draining, "wait=50"), async { page.ledger.enter(asked()) });
    assert_eq!(told.0, StatusCode::OK, "requests count too");
    assert!(told.1.unwrap() != draining && draining != tag);
}

#[tokio::test]
async fn foreign_hosts_and_sites_are_refused_everywhere() {
    let page = Page::open().await;
    let foreign = [("host", "evil.example"), ("origin", "https://evil.example"), ("origin", "null")];
    for (name, value) in foreign {
        for (method, path) in [
            (Method::GET, "/status"),
            (Method::GET, "/version"),
            (Method::GET, "/metrics"),
            (Method::POST, "/control/drain"),
            (Method::GET, "/nothing"),
        ] {
            let headers = [(name, value), ("x-auth-token", TOKEN)];
            let (status, body) = page.ask(method, path, &headers, "").await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path} with {name}: {value}");
            assert!(body.starts_with("this page"), "{body}");
        }
    }
    assert!(!page.publisher.now().draining);
    let own = [("origin", page.url.as_str())];
    assert_eq!(page.ask(Method::GET, "/status", &own, "").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_worker_proves_that_it_has_the_token() {
    let page = Page::open().await;
    let port = page.url.rsplit(':').next().unwrap().parse().unwrap();
    let nonce = "0123456789abcdef0123456789abcdef";
    let (status, proof) = page.ask(Method::GET, &format!("/control/proof?nonce={nonce}"), &[], "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(is_control_proof(&TOKEN.to_owned().into(), port, nonce, &proof), "{proof}");
    for wrong in ["", "?nonce=", "?nonce=1234", "?nonce=not-hexadecimal-not-hexadecimal-"] {
        let (status, _) = page.ask(Method::GET, &format!("/control/proof{wrong}"), &[], "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn the_log_level_is_set_with_the_token_only() {
    let page = Page::open().await;
    for headers in [&[][..], &[("x-auth-token", "wrong")]] {
        let (status, _) = page.ask(Method::PUT, "/control/log-level", headers, "debug").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(page.level.get(), "info");
    for (body, level) in
        [("debug", "debug"), ("warn\n", "warn"), (r#"{"level": "info,hyper=off"}"#, "hyper=off,info")]
    {
        assert_eq!(page.set_level(body).await.0, StatusCode::OK, "{body}");
        assert_eq!(page.level.get(), level);
    }
    for bad in ["loud", "", "{}", r#"{"level": 7}"#, r#"{"level": "loud"}"#, "info,"] {
        let (status, body) = page.set_level(bad).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(body.contains("use "), "{body}");
    }
    let long = "x=info,".repeat(MAX_BODY);
    assert_eq!(page.set_level(&long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(page.level.get(), "hyper=off,info", "a slip changes nothing");
}

#[tokio::test]
async fn metrics_tell_the_same_as_the_books() {
    let page = Page::open().await;
    let asked = |model: &str| Asked { path: "/".to_owned(), model: Some(model.to_owned()), bytes: 100 };
    let mut done = page.ledger.enter(asked("llama3"));
    done.answered(StatusCode::OK);
    done.pass(br#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#);
    done.end(crate::ledger::Outcome::Succeeded);
    let _running = page.ledger.enter(asked("llama3"));
    page.publisher.change(|status| (status.connections, status.connection) = (3, Connection::Connected));
    let (status, text) = page.ask(Method::GET, "/metrics", &[], "").await;
    assert_eq!(status, StatusCode::OK);
    for line in [
        r#"llamapool_build_info{component="worker""#,
        "llamapool_worker_connected_to_server 1\n",
        "llamapool_worker_connected_to_backend 0\n",
        "llamapool_worker_current_jobs 1\n",
        "llamapool_worker_max_concurrency 2\n",
        "llamapool_worker_reconnects_total 2\n",
        "llamapool_worker_jobs_started_total 2\n",
        "llamapool_worker_jobs_succeeded_total 1\n",
        "llamapool_worker_jobs_failed_total 0\n",
        "llamapool_worker_job_duration_seconds_count 1\n",
        "llamapool_worker_first_byte_seconds_count 1\n",
        "llamapool_worker_received_bytes_total 100\n",
        r#"llamapool_worker_job_tokens_total{model="llama3",kind="out"} 4"#,
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }
}
