//! The identity of a worker.

use llamapool_settings::concern;
use llamapool_settings::{Setting, kind, kind::Kind};

concern! {
    /// The identity of the worker.
    pub struct Identity: "Identity" {
        /// ID of the worker, stable across restarts.
        id: Option<String> = Setting::new("client_id", kind::name().optional()).formerly("worker_id")
            .default_words("generated once and stored");

        /// Display name of the worker.
        name: String = Setting::new("client_name", name()).formerly("worker_name")
            .default_words("the host name");
    }
}

/// A name, by default that of this machine.
fn name() -> Kind<String> {
    kind::name().optional().map(|name| name.or_else(hostname).unwrap_or_else(nickname))
}

/// The name of this machine, if it is known without asking the network.
fn hostname() -> Option<String> {
    let asked = || {
        let output = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let found = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let found = found.or_else(|| std::env::var("COMPUTERNAME").ok()).or_else(asked)?;
    kind::name().read(&found)
}

fn nickname() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("worker-{}", &id[..8])
}
