//! SIGHUP at a worker: it reads its configuration again, and never ends because of it.

use http::Method;
use llamapool_e2e::{FakeLlm, MODEL, Script, Server, Worker, secs, until};

#[tokio::test]
async fn a_worker_follows_its_configuration_and_finishes_what_runs() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.yaml");
    std::fs::write(&file, "log_level: info\n").unwrap();
    let config = [("CONFIG_FILE", file.to_str().unwrap())];
    let mut worker = Worker::with("w0", &server.worker_url(), &llm, &config);
    server.until_owners(MODEL, 1).await;

    worker.sighup();
    worker.until_log("nothing new", |line| line.contains("Configuration reloaded").then_some(())).await;
    std::fs::write(&file, "log_level: loud\n").unwrap();
    worker.sighup();
    worker.until_log("the mistake", |line| line.contains("nothing changes").then_some(())).await;
    assert!(!worker.has_logged("Draining"));

    llm.step(1);
    let mut open = server.chat(MODEL, &Script::stepped(5)).send().await;
    open.data().await;
    std::fs::write(&file, "models_withheld: [other]\n").unwrap();
    worker.sighup();
    worker.until_log("the drain", |line| line.contains("starting again").then_some(())).await;
    llm.step(5);
    let rest = open.whole().await;
    assert!(rest.text().ends_with("data: [DONE]\n\n") && rest.broken.is_none(), "{rest:?}");
    worker.until_log("the end of the drain", |line| line.contains("Drained").then_some(())).await;
    worker.until_log("the new start", |line| line.contains("Connected to").then_some(())).await;
    server.until_owners(MODEL, 1).await;
    server.chat(MODEL, &Script::Answer).whole().await.expect_ok();
    assert_eq!(server.ask(Method::GET, "/healthz").whole().await.status, 200);
    assert!(worker.runs());
    worker.sigterm();
    assert_eq!(worker.wait_exit(secs(5)).await.1, Some(0));
    server.stop().await;
}

/// A configuration that changes again while the worker drains: it starts with the last one, even if that is the one it had.
#[tokio::test]
async fn the_last_of_several_changes_counts() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&["a", "b"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.yaml");
    std::fs::write(&file, "").unwrap();
    let mut worker =
        Worker::with("w", &server.worker_url(), &llm, &[("CONFIG_FILE", file.to_str().unwrap())]);
    server.until_models(&["a", "b"]).await;
    let mut reloads = 0;
    let mut reload = async |withheld: &str| {
        std::fs::write(&file, format!("models_withheld: [{withheld}]\n")).unwrap();
        worker.sighup();
        reloads += 1;
        let read = || worker.log().iter().filter(|line| line.contains("Configuration reloaded")).count();
        until("the configuration to be read", async || (read() == reloads).then_some(())).await;
    };
    for (open, changes) in [("a", ["a", "b"]), ("a", ["a", "b"]), ("a", ["none", "a"])] {
        llm.step(1);
        let mut request = server.chat(open, &Script::stepped(2)).send().await;
        request.data().await;
        for withheld in changes {
            reload(withheld).await;
        }
        llm.step(2);
        assert!(request.whole().await.broken.is_none());
        let offered = if changes[1] == "a" { "b" } else { "a" };
        server.until_models(&[offered]).await;
    }
    worker.sigterm();
    assert_eq!(worker.wait_exit(secs(5)).await.1, Some(0));
    server.stop().await;
}
