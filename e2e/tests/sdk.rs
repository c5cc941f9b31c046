//! The official OpenAI SDKs against a real llama.cpp server, with the pool in between.
//!
//! What the SDKs do is in `python/sdk.py` and `node/sdk.mjs`; both pass against llama.cpp alone, except for what only
//! a pool answers.

use std::process::Output;

use http::Method;
use llamapool_e2e::llama_cpp::{LlamaCpp, folder, python};
use llamapool_e2e::server::API_KEY;
use llamapool_e2e::{Ask, Server, Worker, until};
use tokio::process::Command;

/// A server with three workers, each before another of llama.cpp's models.
struct RealPool {
    server: Server,
    llama: LlamaCpp,
    _workers: Vec<Worker>,
}

impl RealPool {
    async fn start() -> Self {
        let (server, llama) = tokio::join!(Server::start(), LlamaCpp::start());
        let workers = llama.urls.iter().map(|(model, url)| {
            Worker::at(&format!("worker-{model}"), &server.worker_url(), &format!("{url}/v1"), &[])
        });
        let workers = workers.collect();
        server.until_models(&["tiny-chat", "tiny-embed", "tiny-rerank"]).await;
        Self { server, llama, _workers: workers }
    }

    async fn run(&self, mut program: Command, prefix: &str) -> Output {
        program.env("BASE_URL", format!("http://{}{prefix}", self.server.addr)).env("API_KEY", API_KEY);
        program.env("GATEWAY", "1").kill_on_drop(true);
        let output = tokio::time::timeout(llamapool_e2e::secs(180), program.output()).await;
        output.expect("the checks end").expect("the SDK's language is installed")
    }

    /// Checks what an SDK has found, and that llama.cpp works for nobody any more: aborted requests are gone from it.
    async fn expect_all_well(self, output: Output) {
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        let chat = self.llama.urls["tiny-chat"].trim_start_matches("http://").parse().expect("an address");
        until("llama.cpp to be idle", async || {
            let slots = Ask::new(chat, Method::GET, "/slots").whole().await.json();
            let slots = slots.as_array().expect("a list of slots").clone();
            slots.iter().all(|slot| slot["is_processing"] == false).then_some(())
        })
        .await;
        self.server.stop().await;
    }
}

/// A Python program with the official SDK works as it does against OpenAI.
#[tokio::test]
async fn the_python_sdk_is_content() {
    let pool = RealPool::start().await;
    let mut program = Command::new(python());
    program.arg(folder().join("python/sdk.py"));
    let output = pool.run(program, "/api/v1").await;
    pool.expect_all_well(output).await;
}

/// A Node program with the official SDK works as it does against OpenAI.
#[tokio::test]
async fn the_node_sdk_is_content() {
    let pool = RealPool::start().await;
    let mut program = Command::new("node");
    program.arg(folder().join("node/sdk.mjs"));
    let output = pool.run(program, "/v1").await;
    pool.expect_all_well(output).await;
}

/// An aborted answer stops costing the machine at once, not when it would have ended.
#[tokio::test]
async fn llama_cpp_stops_when_its_client_leaves() {
    let pool = RealPool::start().await;
    let chat = pool.llama.urls["tiny-chat"].trim_start_matches("http://").parse().expect("an address");
    let busy = async || {
        let slots = Ask::new(chat, Method::GET, "/slots").whole().await.json();
        slots.as_array().is_some_and(|slots| slots.iter().any(|slot| slot["is_processing"] == true))
    };
    let ask = serde_json::json!({
        "model": "tiny-chat", "stream": true, "max_tokens": 16000, "messages": [{"role": "user", "content": "go on"}],
    });
    let mut reply = pool.server.post("/v1/chat/completions", &ask).send().await;
    reply.data().await;
    assert!(busy().await);
    let left = std::time::Instant::now();
    drop(reply);
    until("llama.cpp to be idle", async || (!busy().await).then_some(())).await;
    assert!(left.elapsed() < llamapool_e2e::millis(500), "{:?}", left.elapsed());
    pool.server.stop().await;
}
