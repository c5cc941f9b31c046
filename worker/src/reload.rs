//! Reloading the configuration on SIGHUP.

use llamapool_settings::cli::{self, Invocation};
use llamapool_settings::{Loaded, Sources, changes, paths};
use llamapool_telemetry::logs::Level;
use llamapool_worker_core::config::Config;

use crate::commands;

/// Reads the configuration as at the start: flags and the environment still take precedence over the file. A new log level is set at once. A
/// configuration with mistakes changes nothing.
pub(crate) async fn read_again(level: &Level) -> Option<Config> {
    let read = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(error.to_string()));
    let new = match read {
        Ok(loaded) => loaded.with_warnings_logged(),
        Err(why) => {
            tracing::warn!("The configuration is invalid, so nothing changes: {}", why.trim_end());
            return None;
        }
    };
    if let Err(error) = level.set(&new.log.level) {
        tracing::warn!("The log level stays the same: {error}");
    }
    Some(new)
}

/// Whether the changes require the worker to start again.
pub(crate) fn needs_restart(old: &Config, new: &Config, level: &Level) -> bool {
    let changes = changes(old, new);
    let (logs, restart): (Vec<_>, Vec<_>) = changes.restart.iter().partition(|key| key.starts_with("log_"));
    if !logs.is_empty() {
        tracing::warn!("Restart the program to change {}", list(&logs));
    }
    if restart.is_empty() {
        tracing::info!(log.level = level.get(), "Configuration reloaded");
        return false;
    }
    tracing::info!("Configuration reloaded: draining, then starting again with a new {}", list(&restart));
    true
}

fn list(keys: &[&String]) -> String {
    keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ")
}

fn read() -> Result<Loaded<Config>, String> {
    let sources = Sources::of_process(Some(paths::config_file("worker")));
    match cli::invoke_with::<Config>(&sources, commands::all()) {
        Invocation::Run(loaded) => Ok(loaded),
        Invocation::Print(mistakes) => Err(mistakes.text),
        Invocation::Command(_) => Err("this worker was started by a command".to_owned()),
    }
}
