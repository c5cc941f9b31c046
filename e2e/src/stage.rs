//! A pool for a play in a browser: a Node script acts as a person on the dashboard and as the clients of the API, and asks here for
//! what only this side can do.
//!
//! The script writes one line of JSON for each wish, `{"wish": "step", "llm": 0, "n": 2}`, and reads one line as the answer:
//! `{"ok": ...}`. The wishes are the variants of `Wish`. What the script throws is the failure of the test.

use std::process::Stdio;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::task::AbortOnDropHandle;

use crate::Script;
use crate::fake_llm::FakeLlm;
use crate::llama_cpp::folder;
use crate::peer::Peer;
use crate::server::{API_KEY, CLIENT_KEY, Server};
use crate::wait::{secs, until};
use crate::worker::Worker;

/// A play takes some seconds, a minute beside a large build; beyond this it hangs.
const LONGEST_PLAY: std::time::Duration = secs(180);

/// What a script may ask for.
#[derive(Debug, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
enum Wish {
    /// A runtime with these models, and a worker before it; answers with the runtime's number.
    Join {
        name: String,
        models: Vec<String>,
        #[serde(default)]
        slots: Option<u32>,
    },
    /// The worker of this runtime ends as it should.
    Leave { llm: usize },
    /// A worker that says these very things in its hello and report.
    Impostor { hello: Value, report: Value },
    /// Lets chunks of stepped answers go out.
    Step { llm: usize, n: usize },
    /// Waits until the runtime serves so many requests.
    Open { llm: usize, n: usize },
    /// How many requests the runtime has seen.
    Seen { llm: usize },
    /// What the runtime does with requests that bring no script.
    Always { llm: usize, script: Script },
    /// Ends the server without asking.
    KillServer,
    /// Starts it again on the same port.
    StartServer,
    /// Waits until the server has ended by itself; answers with its exit code.
    ServerEnds,
}

/// A server and what has joined it.
pub struct Stage {
    server: Server,
    llms: Vec<FakeLlm>,
    workers: Vec<Option<Worker>>,
    /// They answer pings, or they would be gone.
    impostors: Vec<AbortOnDropHandle<Option<u16>>>,
}

impl Stage {
    /// A server without workers, with more settings as environment variables.
    pub async fn with(env: &[(&str, &str)]) -> Self {
        let server = Server::with(env).await;
        Self { server, llms: Vec::new(), workers: Vec::new(), impostors: Vec::new() }
    }

    /// Plays `e2e/browser/{script}.mjs` to its end, which must be a good one.
    pub async fn play(mut self, script: &str) {
        let file = folder().join("browser").join(format!("{script}.mjs"));
        let mut node = Command::new("node");
        node.arg(file).env("ORIGIN", format!("http://{}", self.server.addr));
        node.env("API_KEY", API_KEY).env("CLIENT_KEY", CLIENT_KEY);
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let child = node.spawn().expect("node is installed");
        let played = tokio::time::timeout(LONGEST_PLAY, self.follow(child));
        let status = played.await.unwrap_or_else(|_| panic!("{script} hangs"));
        assert!(status.success(), "{script} failed: what it said is above");
    }

    async fn follow(&mut self, mut child: Child) -> std::process::ExitStatus {
        let mut wishes = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut answers = child.stdin.take().expect("stdin is piped");
        while let Some(line) = wishes.next_line().await.expect("scripts write UTF-8") {
            let wish = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let granted = self.grant(wish).await;
            answer(&mut answers, &granted).await;
        }
        child.wait().await.expect("a child can be waited for")
    }

    async fn grant(&mut self, wish: Wish) -> Value {
        match wish {
            Wish::Join { name, models, slots } => return self.join(&name, &models, slots).await,
            Wish::Leave { llm } => self.workers[llm].take().expect("it is there").stop().await,
            Wish::Impostor { hello, report } => self.impostor(&hello, &report).await,
            Wish::Step { llm, n } => self.llms[llm].step(n),
            Wish::Open { llm, n } => self.llms[llm].until_open(n).await,
            Wish::Seen { llm } => return json!(self.llms[llm].seen().len()),
            Wish::Always { llm, script } => self.llms[llm].always(script),
            Wish::KillServer => {
                self.server.sigkill();
                self.server.wait_exit(secs(5)).await;
            }
            Wish::StartServer => {
                let port = self.server.addr.port().to_string();
                self.server = Server::with(&[("PORT", &port)]).await;
            }
            Wish::ServerEnds => return json!(self.server.wait_exit(secs(10)).await.1),
        }
        Value::Null
    }

    /// Returns when the server knows all of its models.
    async fn join(&mut self, name: &str, models: &[String], slots: Option<u32>) -> Value {
        let names: Vec<&str> = models.iter().map(String::as_str).collect();
        let llm = FakeLlm::start(&names).await;
        let slots = slots.unwrap_or(64).to_string();
        let id = format!("worker-{}", self.llms.len());
        let env = [("MAX_CONCURRENCY", slots.as_str()), ("CLIENT_ID", id.as_str())];
        self.workers.push(Some(Worker::with(name, &self.server.worker_url(), &llm, &env)));
        self.llms.push(llm);
        until(&format!("worker {name:?} in the state"), async || {
            let state = self.server.get("/api/state").whole().await.json();
            let workers = state["workers"].as_array().expect("a list of workers").clone();
            let ours = workers.into_iter().find(|worker| worker["id"] == id.as_str())?;
            (ours["models"].as_array()?.len() == models.len()).then_some(())
        })
        .await;
        json!(self.llms.len() - 1)
    }

    async fn impostor(&mut self, hello: &Value, report: &Value) {
        let mut peer = Peer::connect(self.server.addr, CLIENT_KEY).await.expect("the key is right");
        peer.say(hello).await;
        peer.say(report).await;
        peer.control("hello").await;
        self.impostors.push(AbortOnDropHandle::new(tokio::spawn(async move { peer.closed().await })));
    }
}

async fn answer(to: &mut ChildStdin, granted: &Value) {
    let line = format!("{}\n", json!({ "ok": granted }));
    // A script that has thrown reads no more; its exit code tells.
    let _ = to.write_all(line.as_bytes()).await;
}
