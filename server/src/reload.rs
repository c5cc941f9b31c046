//! What a running server takes anew from its configuration when it is told to by SIGHUP: the log level, and nothing else.

use llamapool_worker_core::logs::Level;
use llamapool_worker_core::paths;
use llamapool_worker_core::settings::Sources;
use llamapool_worker_core::settings::cli::{self, Invocation};
use llamapool_worker_core::signals::{Hangup, Hangups};

use crate::config::Config;
use crate::drain::Shutdown;

/// Obeys hang-ups as long as it is polled. One that means that the terminal is gone ends the server, as it would any program.
pub async fn on_hangup(mut hangups: Hangups, level: Level, shutdown: Shutdown) {
    loop {
        match hangups.next().await {
            Hangup::TerminalGone => shutdown.gently.cancel(),
            Hangup::Reload => reload(&level).await,
        }
    }
}

/// The configuration is read as at the start: what a flag or the environment says still counts more than the file.
async fn reload(level: &Level) {
    let wanted = tokio::task::spawn_blocking(configured).await.unwrap_or_else(|error| Err(error.to_string()));
    match wanted.and_then(|wanted| level.set(&wanted).map_err(|error| error.to_string())) {
        Ok(()) => tracing::info!(log.level = level.get(), "The log level is read again"),
        Err(why) => tracing::warn!(
            "The log level stays as it is, the configuration cannot be read: {}",
            why.trim_end()
        ),
    }
}

fn configured() -> Result<String, String> {
    match cli::invoke::<Config>(&Sources::of_process(Some(paths::config_file("server")))) {
        Invocation::Run(loaded) => Ok(loaded.config.log.level),
        Invocation::Print(mistakes) => Err(mistakes.text),
        Invocation::Command(_) => unreachable!("a server that runs was not started with a command"),
    }
}
