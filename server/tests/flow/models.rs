//! Which machines have the model that a request names, and what a client is told if none has.

use llamapool_server::config::AliasFallback;
use llamapool_tunnel::RuntimeKind;
use llamapool_tunnel::control::Readiness;
use llamapool_worker_core::runtime::Model;

use crate::support::{PATIENCE, ScriptedWorker, TestServer};

const GONE: &str =
    r#"{"error":{"message":"model 'm' not found","type":"not_found_error","param":null,"code":null}}"#;

async fn told(server: &TestServer, model: &str) -> (u16, String) {
    let response = server.chat(model).send().await.unwrap();
    let retry = response.headers().contains_key("retry-after");
    let status = response.status().as_u16();
    assert_eq!(retry, status == 503, "only what is temporary is worth a retry");
    let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// Asks until the answer has this status, and returns its code.
async fn until(server: &TestServer, model: &str, status: u16) -> String {
    let wait = async {
        loop {
            let told = told(server, model).await;
            if told.0 == status {
                return told.1;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the answer stays another")
}

fn model(name: &str) -> Model {
    Model { name: name.to_owned(), ..Model::default() }
}

#[tokio::test]
async fn before_a_worker_has_said_what_it_has_no_model_is_unknown() {
    let server = TestServer::start().await;
    let not_ready = (503, "no_worker_ready".to_owned());
    assert_eq!(told(&server, "m").await, not_ready);
    let detail = server.client.get(format!("{}/v1/models/m", server.url)).send().await.unwrap();
    assert_eq!(detail.status(), 503);
    let worker = ScriptedWorker::connect(&server, "a", None).await;
    worker.report(Readiness::NotReady, 1, &[]);
    assert_eq!(told(&server, "m").await, not_ready, "it has not found its runtime yet");
    worker.report(Readiness::Ready, 1, &["n"]);
    server.until_models(1).await;
    assert_eq!(told(&server, "m").await, (404, "model_not_found".to_owned()));
    let detail = server.client.get(format!("{}/v1/models/m", server.url)).send().await.unwrap();
    assert_eq!(detail.status(), 404);
    server.stop().await;
}

#[tokio::test]
async fn after_a_restart_of_the_server_its_other_workers_are_awaited() {
    let server = TestServer::start().await;
    let worker = ScriptedWorker::connect(&server, "a", Some(true)).await;
    worker.report(Readiness::Ready, 1, &["n"]);
    server.until_models(1).await;
    assert_eq!(told(&server, "m").await, (503, "no_worker_ready".to_owned()));
    server.stop().await;

    let server = TestServer::start().await;
    let worker = ScriptedWorker::connect(&server, "a", Some(false)).await;
    worker.report(Readiness::Ready, 1, &["n"]);
    server.until_models(1).await;
    assert_eq!(told(&server, "m").await, (404, "model_not_found".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_model_whose_worker_left_is_awaited_and_one_that_was_deleted_is_not() {
    let server = TestServer::start().await;
    let leaves = ScriptedWorker::join(&server, "leaves", 1, &["m"]).await;
    let stays = ScriptedWorker::join(&server, "stays", 1, &["n", "o"]).await;
    server.until_models(3).await;
    leaves.die();
    server.until_models(2).await;
    assert_eq!(told(&server, "m").await, (503, "no_worker_ready".to_owned()));
    stays.report(Readiness::Ready, 1, &["o"]);
    server.until_models(1).await;
    assert_eq!(told(&server, "n").await, (404, "model_not_found".to_owned()), "its only worker says so");
    let again = ScriptedWorker::connect(&server, "leaves", Some(true)).await;
    again.report(Readiness::NotReady, 1, &[]);
    assert_eq!(told(&server, "m").await, (503, "no_worker_ready".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_back_without_its_model_says_that_it_is_gone() {
    let server = TestServer::start().await;
    ScriptedWorker::join(&server, "a", 1, &["m"]).await.die();
    let again = ScriptedWorker::join(&server, "a", 1, &["n"]).await;
    assert_eq!(until(&server, "m", 404).await, "model_not_found");
    drop(again);
    server.stop().await;
}

#[tokio::test]
async fn a_model_that_a_runtime_has_lost_is_served_by_another_machine() {
    let server = TestServer::start().await;
    let mut lost = ScriptedWorker::join(&server, "lost", 1, &["m"]).await;
    server.until_models(1).await;
    let first = server.ask("m");
    lost.wait_asked().await;
    let mut has = ScriptedWorker::join(&server, "has", 1, &["m", "n"]).await;
    server.until_models(2).await;
    lost.answer(404, GONE).await;
    has.answer(200, "fine").await;
    assert_eq!(first.await.unwrap().text().await.unwrap(), "fine");
    for _ in 0..3 {
        let next = server.ask("m");
        has.answer(200, "fine").await;
        assert_eq!(next.await.unwrap().text().await.unwrap(), "fine");
    }
    assert!(!lost.is_asked(), "it is asked for the model again only after its next report");
    let state = server.client.get(format!("{}/api/state", server.url)).send().await.unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state.bytes().await.unwrap()).unwrap();
    assert_eq!(state["workers"][0]["failures_total"], 0, "its list was wrong, it did not fail");
    lost.report(Readiness::Ready, 1, &["m", "o"]);
    server.until_models(3).await;
    has.report(Readiness::NotReady, 1, &["m", "n"]);
    let last = server.ask("m");
    lost.answer(200, "it is back").await;
    assert_eq!(last.await.unwrap().status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_model_that_its_only_runtime_has_lost_is_unknown() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    worker.answer(404, GONE).await;
    let answer = asked.await.unwrap();
    assert_eq!((answer.status().as_u16(), &*answer.text().await.unwrap()), (404, GONE));
    assert_eq!(told(&server, "m").await, (404, "model_not_found".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn another_404_of_a_runtime_is_the_callers() {
    let server = TestServer::start().await;
    let mut a = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    a.wait_asked().await;
    let mut b = ScriptedWorker::join(&server, "b", 1, &["m", "n"]).await;
    server.until_models(2).await;
    let body = r#"{"error":{"message":"Response with id 'resp_1' not found.","code":404}}"#;
    a.answer(404, body).await;
    assert_eq!(asked.await.unwrap().text().await.unwrap(), body);
    assert!(!b.is_asked());
    server.stop().await;
}

#[tokio::test]
async fn only_another_quantization_stands_in_for_a_model() {
    let server = TestServer::start().await;
    let _worker =
        ScriptedWorker::join(&server, "a", 1, &["gpt-oss:20b-cloud", "coder:7b-base", "m:8b-q4_0"]).await;
    server.until_models(3).await;
    for other in ["gpt-oss:20b", "coder:7b", "coder:7b-instruct", "m:8b-instruct"] {
        assert_eq!(told(&server, other).await, (404, "model_not_found".to_owned()), "{other}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_remote_model_never_stands_in_for_a_local_one() {
    let server = TestServer::with(|config| config.routing.alias_fallback = AliasFallback::Busy).await;
    let mut remote = ScriptedWorker::connect(&server, "remote", None).await;
    let is_remote = |name: &str| Model { remote: true, ..model(name) };
    let models = vec![is_remote("m:8b-q4_0"), is_remote("n"), model("o")];
    remote.report_of(Readiness::Ready, 9, Some(RuntimeKind::Ollama), models);
    server.until_models(3).await;
    assert_eq!(told(&server, "m:8b-fp16").await, (404, "model_not_found".to_owned()));
    let asked = server.ask("m:8b-q4_0");
    remote.answer(200, "by its own name").await;
    assert_eq!(asked.await.unwrap().status(), 200);

    let mut local = ScriptedWorker::join(&server, "local", 1, &["n", "p"]).await;
    server.until_models(4).await;
    let first = server.ask("n");
    local.wait_asked().await;
    let second = server.ask("n");
    local.answer(200, "local").await;
    local.answer(200, "local").await;
    for asked in [first, second] {
        assert_eq!(asked.await.unwrap().text().await.unwrap(), "local");
    }
    assert!(!remote.is_asked());
    server.stop().await;
}

#[tokio::test]
async fn names_are_compared_as_the_runtime_does() {
    let server = TestServer::start().await;
    let mut ollama = ScriptedWorker::connect(&server, "ollama", None).await;
    let models = ["Llama3.2:latest", "hf.co/Org/M-GGUF:Q4_K_M", "Same", "SAME"].map(model);
    ollama.report_of(Readiness::Ready, 9, Some(RuntimeKind::Ollama), models.into());
    let mut vllm = ScriptedWorker::connect(&server, "vllm", None).await;
    vllm.report_of(Readiness::Ready, 9, Some(RuntimeKind::Vllm), vec![model("Org/Exact"), model("llama3.2")]);
    server.until_models(6).await;
    for (name, there) in [
        ("LLAMA3.2", "Llama3.2:latest"),
        ("llama3.2:LATEST", "Llama3.2:latest"),
        ("hf.co/org/m-gguf:q4_k_m", "hf.co/Org/M-GGUF:Q4_K_M"),
    ] {
        let asked = server.ask(name);
        ollama.answer(200, "{}").await;
        assert_eq!(asked.await.unwrap().headers()["x-llamapool-model"], there, "{name}");
        let detail = server.client.get(format!("{}/v1/models/{name}", server.url)).send().await.unwrap();
        let detail: serde_json::Value = serde_json::from_slice(&detail.bytes().await.unwrap()).unwrap();
        assert_eq!(detail["id"], there);
    }
    let exact = server.ask("llama3.2");
    vllm.answer(200, "{}").await;
    assert_eq!(exact.await.unwrap().headers()["x-llamapool-worker"], "vllm", "an exact name comes first");
    for name in ["org/exact", "same"] {
        assert_eq!(told(&server, name).await, (404, "model_not_found".to_owned()), "{name}");
    }
    server.stop().await;
}
