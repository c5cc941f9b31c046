//! The configuration of a worker.

mod identity;
mod runtime;
mod server;

use std::{net::SocketAddr, path::PathBuf};

pub use self::{
    identity::Identity,
    runtime::Runtime,
    server::{Server, parse as server_url},
};
use crate::{
    concern, logs, metrics,
    settings::{self, Concern, DrainTimeout, Reader, Retired, Setting, kind},
    trace,
};

/// Everything a worker is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server it works for.
    pub server: Server,
    /// Who it is.
    pub identity: Identity,
    /// The LLM runtime behind it.
    pub runtime: Runtime,
    /// How it is watched and steered on its own machine.
    pub control: Control,
    /// Where it is measured.
    pub metrics: metrics::Config,
    /// How long requests may go on when it is told to stop; 1 minute by default.
    pub drain_timeout: DrainTimeout,
    /// What it logs.
    pub log: logs::Config,
    /// Where traces of requests go.
    pub trace: trace::Config,
}

impl Config {
    /// A configuration for tests: no file, no environment, a fixed name and id.
    pub fn for_testing() -> Self {
        let identity = Identity { id: Some("worker-1".into()), name: "tester".into() };
        Self { identity, ..Self::default() }
    }
}

concern! {
    /// How the worker is watched and steered on its own machine.
    pub struct Control: "Control" {
        /// Address of the local status and controls. `/status`, `/control/drain` and others, for this machine alone.
        status_addr: Option<SocketAddr> = Setting::new("status_addr", loopback().optional()).default_words("off");

        /// Folder for what the worker remembers. That is its id and its control token, which otherwise is kept beside
        /// the configuration file, if that can be written.
        state_dir: Option<PathBuf> = Setting::new("state_dir", kind::path().optional())
            .default_words("`$STATE_DIRECTORY`, else the user's own");
    }
}

impl Concern for Config {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            server: Server::read(from),
            identity: Identity::read(from),
            runtime: Runtime::read(from),
            control: Control::read(from),
            metrics: metrics::Config::read(from),
            drain_timeout: from.concern("Stopping").read(DrainTimeout::setting("1m")),
            log: logs::Config::read(from),
            trace: trace::Config::read(from),
        }
    }
}

impl settings::Config for Config {
    const PROGRAM: &'static str = "llamapool-worker";
    const ABOUT: &'static str = "Brings the LLM runtime of this machine into a llamapool server's pool.";
    const RETIRED: &'static [Retired] = &[
        Retired { keys: &["embedding_batch_size"], why: "the server does not split embeddings" },
        Retired { keys: &["completion_agent_version"], why: "the version is asked of the runtime" },
    ];
}

impl Default for Config {
    fn default() -> Self {
        settings::defaults()
    }
}

fn loopback() -> settings::kind::Kind<SocketAddr> {
    let allowed = "a loopback address with a port such as 127.0.0.1:4555";
    kind::socket_addr().only(allowed, |addr| addr.ip().is_loopback())
}

#[cfg(test)]
mod tests;
