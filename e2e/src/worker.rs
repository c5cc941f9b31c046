//! `llamapool-worker` as a process.

use std::ops::{Deref, DerefMut};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Ask, Whole};
use crate::fake_llm::FakeLlm;
use crate::process::{Process, binary, clean_command};
use crate::server::CLIENT_KEY;
use crate::wait::secs;

/// Requests at a time, unless a test asks for fewer.
pub const CONCURRENCY: &str = "64";

/// A running worker. Its state lives in a folder that goes with it.
pub struct Worker {
    process: Process,
    state: TempDir,
}

impl Worker {
    /// A worker called `name` that dials `server_url` and serves `llm`.
    pub fn start(name: &str, server_url: &str, llm: &FakeLlm) -> Self {
        Self::with(name, server_url, llm, &[])
    }

    /// A worker with more settings, as environment variables.
    pub fn with(name: &str, server_url: &str, llm: &FakeLlm, env: &[(&str, &str)]) -> Self {
        Self::at(name, server_url, &format!("{}/v1", llm.url()), env)
    }

    /// A worker whose backend is at `base_url`.
    pub fn at(name: &str, server_url: &str, base_url: &str, env: &[(&str, &str)]) -> Self {
        let mut all = vec![("SERVER_URL", server_url), ("COMPLETION_BASE_URL", base_url)];
        all.extend_from_slice(env);
        Self::launch(name, &all, &[])
    }

    /// A worker of whose settings only the names, the key and the state folder are given.
    pub fn launch(name: &str, env: &[(&str, &str)], args: &[&str]) -> Self {
        let state = tempfile::tempdir().expect("a temporary folder");
        let folder = state.path().display().to_string();
        let config = state.path().join("worker.yaml");
        std::fs::write(&config, "").expect("a temporary folder takes files");
        let mut all = vec![
            ("CLIENT_KEY", CLIENT_KEY.to_owned()),
            ("CLIENT_ID", format!("id-of-{name}")),
            ("CLIENT_NAME", name.to_owned()),
            ("MAX_CONCURRENCY", CONCURRENCY.to_owned()),
            ("STATE_DIR", folder.clone()),
            ("HOME", folder),
            ("CONFIG_FILE", config.display().to_string()),
            ("LOG_FORMAT", "json".to_owned()),
        ];
        all.extend(env.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut command = clean_command(binary("llamapool-worker"), &all);
        command.args(args);
        Self { process: Process::spawn(&format!("llamapool-worker {name}"), command), state }
    }

    /// Asks it to end and waits for that: with nothing to do, at once and with code 0.
    pub async fn stop(mut self) {
        self.sigterm();
        let (_, code) = self.wait_exit(secs(5)).await;
        assert_eq!(code, Some(0), "the worker's exit code");
    }

    /// Its status server. Needs `STATUS_ADDR=127.0.0.1:0` in its settings.
    pub async fn status(&mut self) -> StatusServer {
        let addr = self.until_address("Status on").await;
        let places =
            ["worker.token", ".config/llamapool/worker.token"].map(|file| self.state.path().join(file));
        let token = places.iter().find(|place| place.exists()).expect("a token is kept in one of its places");
        let token =
            std::fs::read_to_string(token).unwrap_or_else(|error| panic!("{}: {error}", token.display()));
        StatusServer { addr: addr.parse().expect("an address"), token: token.trim().to_owned() }
    }

    /// The folder that holds its state.
    pub fn state_dir(&self) -> &std::path::Path {
        self.state.path()
    }
}

impl Deref for Worker {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Worker {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// A worker's local status server.
pub struct StatusServer {
    /// Where it listens.
    pub addr: std::net::SocketAddr,
    /// What `X-Auth-Token` must say.
    pub token: String,
}

impl StatusServer {
    /// `GET /status`.
    pub async fn status(&self) -> Value {
        Ask::new(self.addr, http::Method::GET, "/status").whole().await.expect_ok().json()
    }

    /// `POST /control/{what}` with `token`.
    pub async fn control(&self, what: &str, token: &str) -> Whole {
        let ask = Ask::new(self.addr, http::Method::POST, &format!("/control/{what}"));
        ask.header("x-auth-token", token).whole().await
    }
}
