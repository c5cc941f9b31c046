//! The configuration of a worker.

mod compare;
mod identity;
mod runtime;
mod server;

use std::{net::SocketAddr, path::PathBuf};

pub use self::{
    identity::Identity,
    runtime::Runtime,
    server::{Server, parse as server_url, plaintext_warning},
};
use llamapool_settings::concern;
use llamapool_settings::{self as settings, Concern, DrainTimeout, Reader, Retired, Setting, kind};
use llamapool_telemetry::logs;
use llamapool_telemetry::metrics;
use llamapool_telemetry::trace;

/// The configuration of a worker.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server it connects to.
    pub server: Server,
    /// Its name and id.
    pub identity: Identity,
    /// The LLM runtime next to it.
    pub runtime: Runtime,
    /// Its local status and controls.
    pub control: Control,
    /// Its metrics.
    pub metrics: metrics::MetricsConfig,
    /// How long requests in flight may continue after it was asked to stop; 1 minute by default.
    pub drain_timeout: DrainTimeout,
    /// Its logs.
    pub log: logs::LogConfig,
    /// Its traces.
    pub trace: trace::TraceConfig,
}

impl Config {
    /// A configuration for tests: no file, no environment, a fixed name and id.
    pub fn for_testing() -> Self {
        let identity = Identity { id: Some("worker-1".into()), name: "tester".into() };
        Self { identity, ..Self::default() }
    }
}

concern! {
    /// Local status and controls of the worker.
    pub struct Control: "Control" {
        /// Address of the local status and control API: `/status`, `/control/drain` and others. Loopback only.
        status_addr: Option<SocketAddr> = Setting::new("status_addr", loopback().optional()).default_words("off");

        /// Folder for the worker's state: its id, and its control token. Without this setting the token is kept next to
        /// the configuration file if that folder is writable.
        state_dir: Option<PathBuf> = Setting::new("state_dir", kind::path().optional())
            .default_words("`$STATE_DIRECTORY`, else the user's state folder");
    }
}

impl Concern for Config {
    fn read(from: &mut Reader<'_>) -> Self {
        let server = Server::read(from);
        server.plaintext_warning().into_iter().for_each(|warning| from.warn(warning));
        Self {
            server,
            identity: Identity::read(from),
            runtime: Runtime::read(from),
            control: Control::read(from),
            metrics: metrics::MetricsConfig::read(from),
            drain_timeout: from.concern("Stopping").read(DrainTimeout::setting("1m")),
            log: logs::LogConfig::read(from),
            trace: trace::TraceConfig::read(from),
        }
    }
}

impl settings::ProgramConfig for Config {
    const PROGRAM: &'static str = "llamapool-worker";
    const ABOUT: &'static str = "Connects the LLM runtime of this machine to a llamapool server.";
    const RETIRED: &'static [Retired] = &[
        Retired { keys: &["embedding_batch_size"], why: "the server does not split embeddings" },
        Retired { keys: &["completion_agent_version"], why: "the worker asks the runtime for its version" },
    ];
}

impl Default for Config {
    fn default() -> Self {
        settings::defaults()
    }
}

fn loopback() -> settings::kind::Kind<SocketAddr> {
    let allowed = "a loopback address with a port";
    kind::socket_addr().only(allowed, |addr| addr.ip().is_loopback())
}

#[cfg(test)]
mod tests;
