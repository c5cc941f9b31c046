//! Static endpoints from `server.yaml`, beside workers, with the real programs.

use llamapool_e2e::{FakeLlm, MODEL, Script, Server, Worker};

/// A server whose configuration file lists the runtime as an endpoint. The folder holds the file.
async fn server_with(endpoint: &FakeLlm) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("server.yaml");
    let yaml = format!("endpoints:\n  - name: gpu-box\n    url: {}\n", endpoint.url());
    std::fs::write(&file, yaml).expect("a temporary folder takes files");
    let server = Server::with(&[("CONFIG_FILE", &file.display().to_string())]).await;
    (server, folder)
}

/// A model of an endpoint and one of a worker are in one list, and each serves its requests, plain and streamed.
#[tokio::test]
async fn a_worker_and_an_endpoint_serve_side_by_side() {
    let (at_endpoint, at_worker) = (FakeLlm::start(&["remote"]).await, FakeLlm::start(&[MODEL]).await);
    let (server, _folder) = server_with(&at_endpoint).await;
    let worker = Worker::start("desk", &server.worker_url(), &at_worker);
    server.until_models(&[MODEL, "remote"]).await;
    for (model, upstream) in [("remote", "gpu-box"), (MODEL, "desk")] {
        for script in [Script::Answer, Script::tokens(5)] {
            let answer = server.chat(model, &script).whole().await;
            answer.expect_ok();
            assert_eq!(answer.broken, None);
            assert_eq!(answer.headers["x-llamapool-worker"], upstream);
        }
    }
    worker.stop().await;
    server.until_models(&["remote"]).await;
    assert_eq!(server.healthz().await.status, 200, "an endpoint makes the server ready");
    server.stop().await;
}

/// An endpoint that fails before its first byte hands the request over to a worker with the same model.
#[tokio::test]
async fn a_worker_takes_over_for_an_endpoint() {
    let (at_endpoint, at_worker) = (FakeLlm::start(&[MODEL]).await, FakeLlm::start(&[MODEL]).await);
    let (server, _folder) = server_with(&at_endpoint).await;
    server.until_models(&[MODEL]).await;
    let worker = Worker::start("desk", &server.worker_url(), &at_worker);
    server.until_owners(MODEL, 2).await;
    drop(at_endpoint);
    for _ in 0..4 {
        let answer = server.chat(MODEL, &Script::Answer).whole().await;
        answer.expect_ok();
        assert_eq!(answer.headers["x-llamapool-worker"], "desk");
    }
    worker.stop().await;
    server.stop().await;
}
