//! SIGHUP at a worker: it reads its configuration again, and never ends because of it.

use http::Method;
use llamapool_e2e::{FakeLlm, MODEL, Script, Server, Worker, secs};

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
