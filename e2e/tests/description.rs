//! The server keeps to its own description, whatever is sent: Schemathesis makes requests from it, good ones and wrong ones, and looks whether each
//! answer is among those described, in shape, type and status, and never a fault of the server.

use llamapool_e2e::llama_cpp::{folder, python};
use llamapool_e2e::server::API_KEY;
use llamapool_e2e::{Server, Worker, secs, until};
use tokio::process::Command;

/// So long it makes requests, seconds: some thousands of them.
const BUDGET: &str = "60";

/// With a slow machine's time to start and to report.
const PATIENCE: u64 = 240;

/// A server whose only worker is the demo runtime, so that good requests have good answers.
struct DemoPool {
    server: Server,
    model: String,
    _worker: Worker,
}

impl DemoPool {
    async fn start() -> Self {
        let server = Server::start().await;
        let worker = Worker::launch("demo", &[("SERVER_URL", &server.worker_url())], &["--demo"]);
        let model = until("the demo model", async || server.models().await.pop()).await;
        Self { server, model, _worker: worker }
    }

    /// Lets Schemathesis try the paths that `choice` leaves.
    async fn expect_as_described(&self, choice: &[&str]) {
        let url = format!("http://{}", self.server.addr);
        let mut program = Command::new(python().with_file_name("st"));
        program.current_dir(folder()).args(["--no-color", "--config-file", "python/schemathesis.toml"]);
        program
            .arg("run")
            .arg(format!("{url}/api/client/openapi.json"))
            .args(["--max-time", BUDGET])
            .args(choice);
        program.env("BASE_URL", url).env("API_KEY", API_KEY).env("MODEL", &self.model);
        program.env("HYPOTHESIS_STORAGE_DIRECTORY", folder().join(".cache/hypothesis"));
        let output = tokio::time::timeout(secs(PATIENCE), program.kill_on_drop(true).output()).await;
        let output = output.expect("it ends").expect("e2e/setup has installed it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Every path but those of the other test, the events of the state, which have no end for Schemathesis to wait for (they are tested in
/// `server/tests/flow/state.rs`), and the drain of the server, after which there is none to be tried.
#[tokio::test]
async fn every_answer_is_as_described() {
    let pool = DemoPool::start().await;
    let away = [
        "--exclude-path-regex",
        "/drain$|/undrain$|/cancel$|/state/stream$",
        "--phases",
        "examples,coverage,fuzzing",
    ];
    pool.expect_as_described(&away).await;
    pool.server.stop().await;
}

/// Those that take something away: a worker that is drained, and found so because Schemathesis learns its name from the state, would be a 503 for
/// all others.
#[tokio::test]
async fn orders_are_answered_as_described() {
    let pool = DemoPool::start().await;
    let orders = ["--include-path-regex", "/api/state$|^/api/state/(workers|requests)/"];
    pool.expect_as_described(&orders).await;
    pool.server.stop().await;
}
