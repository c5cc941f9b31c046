//! llamapool-server: your own machines behind one OpenAI-compatible API.

use std::process::ExitCode;

use llamapool_server::config::Config;
use llamapool_server::drain::Shutdown;
use llamapool_server::{Listeners, reload, run};
#[cfg(feature = "update")]
use llamapool_settings::ProgramConfig as _;
use llamapool_settings::cli::{self, Invocation};
use llamapool_settings::paths;
use llamapool_settings::{Loaded, Sources};
use llamapool_telemetry::descriptors;
use llamapool_telemetry::logs;
use llamapool_telemetry::logs::RunningLogs;
use llamapool_telemetry::signals::{Hangups, Signals};
use llamapool_telemetry::tasks::BackgroundTasks;
#[cfg(feature = "update")]
use llamapool_update::command as update;
use tokio_util::task::AbortOnDropHandle;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let sources = Sources::of_process(Some(paths::config_file("server")));
    #[cfg(feature = "update")]
    let commands = vec![update::command()];
    #[cfg(not(feature = "update"))]
    let commands = Vec::new();
    let loaded = match cli::invoke_with::<Config>(&sources, commands) {
        Invocation::Run(loaded) => loaded,
        Invocation::Print(answer) => return answer.print(),
        #[cfg(feature = "update")]
        Invocation::Command(command) => return update::run(Config::PROGRAM, &command.args),
        #[cfg(not(feature = "update"))]
        Invocation::Command(_) => unreachable!("this build has no subcommands"),
    };
    logs::around(&loaded.config.log.clone(), "server", |logs| start(loaded, logs))
}

fn start(loaded: Loaded<Config>, logs: RunningLogs) -> anyhow::Result<()> {
    descriptors::raise_limit();
    let config = loaded.with_warnings_logged();
    // A single thread relays everything. Work collects in batches on it; see docs/architecture.md.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listeners = Listeners::bind(&config).await?;
        let shutdown = Shutdown::default();
        let mut signals = BackgroundTasks::default();
        signals.spawn("signals", shut_down_on(Signals::new()?, shutdown.clone()));
        let hangups = reload::on_hangup(Hangups::new()?, logs.level().clone(), shutdown.clone());
        signals.spawn("hang-ups", hangups);
        // In a task of its own: the future that `block_on` polls is not batched with other work.
        let mut server = AbortOnDropHandle::new(tokio::spawn(run(config, listeners, shutdown, Some(logs))));
        tokio::select! {
            ended = &mut server => Ok(ended??),
            failed = signals.failed() => Err(failed.into()),
        }
    })
}

/// Drains at the first signal, and stops immediately at the second.
async fn shut_down_on(mut signals: Signals, shutdown: Shutdown) {
    signals.next().await;
    shutdown.gently.cancel();
    signals.next().await;
    shutdown.at_once.cancel();
}
