//! Reloading the configuration on SIGHUP. Only the log level changes in a running server.

use llamapool_settings::Sources;
use llamapool_settings::cli::{self, Invocation};
use llamapool_settings::paths;
use llamapool_telemetry::logs::Level;
use llamapool_telemetry::signals::{Hangup, Hangups};

use crate::config::Config;
use crate::drain::Shutdown;

/// Handles hang-up signals until dropped. A hang-up because the terminal was closed shuts the server down.
pub async fn on_hangup(mut hangups: Hangups, level: Level, shutdown: Shutdown) {
    loop {
        match hangups.next().await {
            Hangup::TerminalGone => shutdown.gently.cancel(),
            Hangup::Reload => reload(&level).await,
        }
    }
}

/// Reads the configuration as at start: flags and the environment still take precedence over the file.
async fn reload(level: &Level) {
    let wanted = tokio::task::spawn_blocking(configured).await.unwrap_or_else(|error| Err(error.to_string()));
    match wanted.and_then(|wanted| level.set(&wanted).map_err(|error| error.to_string())) {
        Ok(()) => tracing::info!(log.level = level.get(), "Log level reloaded"),
        Err(why) => tracing::warn!(
            "The configuration cannot be read, so the log level stays the same: {}",
            why.trim_end()
        ),
    }
}

fn configured() -> Result<String, String> {
    match cli::invoke::<Config>(&Sources::of_process(Some(paths::config_file("server")))) {
        Invocation::Run(loaded) => Ok(loaded.config.log.level),
        Invocation::Print(mistakes) => Err(mistakes.text),
        Invocation::Command(_) => unreachable!("a running server was not started with a command"),
    }
}
