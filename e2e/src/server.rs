//! `llamapool-server` as a process.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::client::{Ask, Whole};
use crate::process::{Process, binary, clean_command};
use crate::wait::{secs, until, until_within};

/// The client key of every server here.
pub const API_KEY: &str = "sk-test-caller";

/// The worker key of every server here.
pub const CLIENT_KEY: &str = "sk-test-worker";

/// With nothing open a server ends at once; this is "at once" on a machine that builds something meanwhile.
const AT_ONCE: Duration = secs(5);

/// A running server.
pub struct Server {
    process: Process,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Server {
    /// A server on a free port with [`API_KEY`] and [`CLIENT_KEY`].
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with more settings, as environment variables; an empty value unsets.
    pub async fn with(env: &[(&str, &str)]) -> Self {
        let mut process = Self::launch(env, &[]);
        let addr = process.until_address("Listening on").await;
        Self { process, addr: addr.parse().unwrap_or_else(|error| panic!("{addr}: {error}")) }
    }

    /// The bare process, for servers that are not meant to come up.
    pub fn launch(env: &[(&str, &str)], args: &[&str]) -> Process {
        let mut all = vec![
            ("PORT", "0".to_owned()),
            ("LISTEN_ADDR", "127.0.0.1".to_owned()),
            ("CONFIG_FILE", "/dev/null".to_owned()),
            ("API_KEY", API_KEY.to_owned()),
            ("CLIENT_KEY", CLIENT_KEY.to_owned()),
            ("LOG_FORMAT", "json".to_owned()),
        ];
        all.extend(env.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut command = clean_command(binary("llamapool-server"), &all);
        command.args(args);
        Process::spawn("llamapool-server", command)
    }

    /// Where workers dial.
    pub fn worker_url(&self) -> String {
        worker_url(self.addr)
    }

    /// A request with the right key.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        Ask::new(self.addr, method, path).key(API_KEY)
    }

    /// A GET with the right key.
    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    /// A POST of JSON with the right key.
    pub fn post(&self, path: &str, body: &Value) -> Ask {
        self.ask(Method::POST, path).json(body)
    }

    /// A chat request with the right key.
    pub fn chat(&self, model: &str, script: &crate::Script) -> Ask {
        self.post("/api/v1/chat/completions", &crate::chat(model, script))
    }

    /// `GET /healthz`, without a key.
    pub async fn healthz(&self) -> Whole {
        Ask::new(self.addr, Method::GET, "/healthz").whole().await
    }

    /// The ids that `GET /api/v1/models` lists.
    pub async fn models(&self) -> Vec<String> {
        let list = self.get("/api/v1/models").whole().await;
        let list = list.expect_ok().json();
        let ids = list["data"].as_array().unwrap_or_else(|| panic!("no list in {list}"));
        ids.iter().map(|model| model["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// Waits until exactly `ids` are listed.
    pub async fn until_models(&self, ids: &[&str]) {
        until(&format!("the models {ids:?}"), async || (self.models().await == ids).then_some(())).await;
    }

    /// Waits until `n` workers offer `model`, which the model's owner names tell.
    pub async fn until_owners(&self, model: &str, n: usize) {
        until(&format!("{n} workers with {model}"), async || (self.owners(model).await == n).then_some(()))
            .await;
    }

    /// [`Server::until_owners`] with a limit of its own.
    pub async fn until_owners_within(&self, limit: Duration, model: &str, n: usize) {
        let what = format!("{n} workers with {model}");
        until_within(limit, &what, async || (self.owners(model).await == n).then_some(())).await;
    }

    /// How many workers offer `model`.
    pub async fn owners(&self, model: &str) -> usize {
        let found = self.get(&format!("/api/v1/models/{model}")).whole().await;
        match found.status {
            200 => found.json()["owned_by"].as_str().map_or(0, |names| names.split(',').count()),
            _ => 0,
        }
    }

    /// Ends it, which with nothing open is at once and with code 0: so this asserts that nothing has leaked.
    pub async fn stop(mut self) {
        self.sigterm();
        let (_, code) = self.wait_exit(AT_ONCE).await;
        assert_eq!(code, Some(0), "the server's exit code");
    }
}

impl Deref for Server {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Where the workers of the server (or of what stands before it) at `addr` dial.
pub fn worker_url(addr: SocketAddr) -> String {
    format!("ws://{addr}/api/workers/connect")
}
