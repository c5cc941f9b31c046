//! What a worker tells of itself on its own machine equals what happened.

use std::net::SocketAddr;

use http::Method;
use llamapool_e2e::server::worker_url;
use llamapool_e2e::worker::StatusServer;
use llamapool_e2e::{Ask, Cut, End, FakeLlm, MODEL, Pace, Pool, Script, Server, Worker, secs, until};
use serde_json::{Value, json};

const STATUS: (&str, &str) = ("STATUS_ADDR", "127.0.0.1:0");

async fn set_level(status: &StatusServer, level: &str) -> (u16, String) {
    let ask = Ask::new(status.addr, Method::PUT, "/control/log-level").header("x-auth-token", &status.token);
    let answer = ask.body(level.to_owned()).whole().await;
    (answer.status, answer.text())
}

/// Waits until the status says what is wanted.
async fn until_status(status: &StatusServer, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    until(what, async || Some(status.status().await).filter(|status| is_so(status))).await
}

/// Requests while they run, and what became of them.
#[tokio::test]
async fn requests_are_seen_and_counted() {
    let mut pool = Pool::with(1, &[], &[STATUS, ("METRICS_PORT", "0")]).await;
    let status = pool.workers[0].status().await;
    let metrics: SocketAddr = pool.workers[0].until_address("Metrics on").await.parse().unwrap();

    pool.server.chat(MODEL, &Script::Answer).whole().await.expect_ok();
    pool.server.chat(MODEL, &Script::status(500)).whole().await.expect_error(500);
    let hanging = Script::Stream { tokens: 3, pace: Pace::FlatOut, end: End::Hang };
    let mut reply = pool.server.chat(MODEL, &hanging).send().await;
    reply.data().await;
    let busy = until_status(&status, "the stream to be seen", |status| {
        status["requests"][0]["state"] == "streaming"
    })
    .await;
    let request = &busy["requests"][0];
    assert_eq!((&request["number"], &request["model"]), (&json!(3), &json!(MODEL)));
    assert_eq!(request["path"], "/v1/chat/completions");
    assert!(request["bytes_out"].as_u64() > Some(0) && busy["latency_ms"].is_u64(), "{busy}");
    drop(reply);
    let after =
        until_status(&status, "the client's leaving to be seen", |status| status["current_jobs"] == 0).await;
    assert_eq!((&after["requests"], &after["requests_today"]), (&json!([]), &json!(3)));
    assert_eq!(after["tokens_today"], json!({"tokens_in": 1, "tokens_out": 1}));

    for addr in [metrics, status.addr] {
        let text = Ask::new(addr, Method::GET, "/metrics").whole().await.expect_ok().text();
        for line in [
            "llamapool_worker_connected_to_server 1\n",
            "llamapool_worker_connected_to_backend 1\n",
            "llamapool_worker_models 1\n",
            "llamapool_worker_current_jobs 0\n",
            "llamapool_worker_jobs_started_total 3\n",
            "llamapool_worker_jobs_succeeded_total 1\n",
            "llamapool_worker_jobs_failed_total 1\n",
            "llamapool_worker_jobs_cancelled_total 1\n",
            "llamapool_worker_job_duration_seconds_count 3\n",
            "llamapool_worker_cancel_delay_seconds_count 1\n",
            "llamapool_worker_reconnects_total 0\n",
            &format!("llamapool_worker_job_tokens_total{{model=\"{MODEL}\",kind=\"out\"}} 1\n"),
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
    }
    pool.stop().await;
}

/// More is logged at once, of what is asked for.
#[tokio::test]
async fn the_log_level_can_be_changed_while_it_runs() {
    let (server, llm) = (Server::start().await, FakeLlm::start(&[MODEL]).await);
    let cut = Cut::before(server.addr).await;
    let mut worker = Worker::with("w", &worker_url(cut.addr), &llm, &[STATUS]);
    let status = worker.status().await;
    server.until_owners(MODEL, 1).await;
    let (code, said) = set_level(&status, "loud").await;
    assert_eq!(code, 400);
    assert!(said.contains("debug") && said.contains("info,hyper=warn"), "{said}");
    let debug = r#"{"level": "info,llamapool_worker_core::worker=debug"}"#;
    assert_eq!(set_level(&status, debug).await, (200, String::new()));
    // A new connection is told in detail now, as the first one was not.
    assert!(!worker.has_logged("The server accepted the connection"));
    server.stop().await;
    let server = Server::start().await;
    cut.lead_to(server.addr);
    let debug = |line: &str| {
        (line.contains("The server accepted the connection") && line.contains("DEBUG")).then_some(())
    };
    worker.until_log("how the server is dialed", debug).await;
    server.stop().await;
}

/// What is odd about a runtime, and what is wrong with it.
#[tokio::test]
async fn notes_and_troubles_are_shown() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&[]).await;
    let env = [STATUS, ("MODEL_POLL_INTERVAL", "1s")];
    let mut worker = Worker::with("w", &server.worker_url(), &llm, &env);
    let status = worker.status().await;
    let bare =
        until_status(&status, "the runtime to be found", |status| status["connected_to_backend"] == true);
    let bare = bare.await;
    assert!(bare["runtime_note"].as_str().is_some_and(|note| note.contains("no models")), "{bare}");
    assert_eq!((&bare["last_error"], &bare["last_error_at"]), (&json!(""), &json!(null)));
    llm.set_models(&["one"]);
    let found =
        until_status(&status, "the model to be found", |status| status["models"] == json!(["one"])).await;
    assert_eq!(found["runtime_note"], json!(null));
    assert!(worker.has_logged("is ready with 0 models") && worker.has_logged("is ready with 1 model\""));
    assert_eq!(
        worker.log().iter().filter(|line| line.contains("no models")).count(),
        1,
        "{:?}",
        worker.log()
    );
    llm.go_away();
    let away = until_status(&status, "the runtime to be missed", |status| status["last_error"] != "").await;
    let since = away["last_error_at"].as_str().unwrap_or_default().to_owned();
    assert!(since.starts_with("20"), "{away}");
    server.stop().await;
    let lost =
        until_status(&status, "the server to be missed", |status| status["connected_to_server"] == false);
    let lost = lost.await;
    assert_eq!(lost["latency_ms"], json!(null));
}

/// The folder of the log files cannot be written for a while: the status says so as long as it is so.
#[tokio::test]
async fn logs_that_cannot_be_written_are_a_problem_of_the_status() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    let settings = [("STATUS_ADDR", "127.0.0.1:0"), ("LOG_DIR", logs.to_str().unwrap())];
    let mut worker = Worker::with("w", &server.worker_url(), &llm, &settings);
    let status = worker.status().await;
    server.until_owners(MODEL, 1).await;
    assert_eq!(status.status().await["log_problem"], Value::Null);

    std::fs::remove_dir_all(&logs).unwrap();
    std::fs::write(&logs, "in the way").unwrap();
    let problem = until("the problem", async || {
        worker.sighup(); // which is logged
        status.status().await["log_problem"].as_str().map(str::to_owned)
    })
    .await;
    assert!(problem.starts_with(&format!("Logs cannot be written to {}: ", logs.display())), "{problem}");
    let page = status.status().await;
    assert_eq!((&page["last_error"], &page["state"]), (&problem.into(), &"connected_idle".into()));

    std::fs::remove_file(&logs).unwrap();
    until("the end of the problem", async || {
        worker.sighup();
        (status.status().await["log_problem"] == Value::Null).then_some(())
    })
    .await;
    assert_eq!(status.status().await["last_error"], "");
    worker.stop().await;
    server.stop().await;
}

/// A worker of which a part has panicked would look well and be deaf in that part: it ends, and whatever supervises it starts it again.
#[tokio::test]
async fn a_panic_in_the_background_ends_the_worker_with_an_error() {
    let pool = Pool::start().await;
    let Pool { server, mut workers, .. } = pool;
    let mut worker = workers.remove(0);
    worker.may_panic();
    worker.signal_usr2();
    assert_eq!(worker.wait_exit(secs(5)).await.1, Some(1));
    assert!(worker.has_logged("Stopped by an error: the task `panic for tests` panicked"));
    server.until_owners(MODEL, 0).await;
    server.stop().await;
}
