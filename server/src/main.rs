//! llamapool-server: your own machines behind one OpenAI-compatible API.

use std::process::ExitCode;

use llamapool_server::config::Config;
use llamapool_server::drain::Shutdown;
use llamapool_server::{Listeners, reload, run};
use llamapool_worker_core::logs::Level;
use llamapool_worker_core::settings::cli::{self, Invocation};
use llamapool_worker_core::settings::{Config as _, Loaded, Sources};
use llamapool_worker_core::signals::{Hangups, Signals};
use llamapool_worker_core::update::command as update;
use llamapool_worker_core::{descriptors, logs, paths};
use tokio_util::task::AbortOnDropHandle;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let sources = Sources::of_process(Some(paths::config_file("server")));
    let loaded = match cli::invoke_with::<Config>(&sources, vec![update::command()]) {
        Invocation::Run(loaded) => loaded,
        Invocation::Print(answer) => return answer.print(),
        Invocation::Command(called) => return update::run(Config::PROGRAM, &called.args),
    };
    logs::around(&loaded.config.log.clone(), "server", |level| start(loaded, level))
}

fn start(loaded: Loaded<Config>, level: Level) -> anyhow::Result<()> {
    descriptors::raise_limit();
    let config = loaded.with_warnings_logged();
    // One thread carries the whole relay: batches form by themselves on it, see docs/architecture.md.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listeners = Listeners::bind(&config).await?;
        let shutdown = Shutdown::default();
        let _signals = AbortOnDropHandle::new(tokio::spawn(obey(Signals::new()?, shutdown.clone())));
        let hangups = reload::on_hangup(Hangups::new()?, level.clone(), shutdown.clone());
        let _hangups = AbortOnDropHandle::new(tokio::spawn(hangups));
        // A task of its own: what `block_on` polls is not batched with the rest.
        tokio::spawn(run(config, listeners, shutdown, Some(level))).await?;
        Ok(())
    })
}

/// The first signal asks to drain, the second to stop at once.
async fn obey(mut signals: Signals, shutdown: Shutdown) {
    signals.next().await;
    shutdown.gently.cancel();
    signals.next().await;
    shutdown.at_once.cancel();
}
