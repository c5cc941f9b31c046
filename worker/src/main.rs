//! llamapool-worker: brings the LLM runtime of this machine into a pool.

mod commands;
#[cfg(windows)]
mod service;
mod stop;

use std::path::Path;
use std::process::ExitCode;

use llamapool_settings::cli::{self, Invocation};
use llamapool_settings::paths;
use llamapool_settings::{DrainTimeout, Loaded, Sources};
use llamapool_telemetry::logs::Level;
use llamapool_telemetry::{descriptors, logs};
use llamapool_worker_core::Worker;
use llamapool_worker_core::config::Config;
use llamapool_worker_core::worker::{Exit, WorkerEnv};

use crate::stop::Stops;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let sources = Sources::of_process(Some(paths::config_file("worker")));
    let loaded = match cli::invoke_with::<Config>(&sources, commands::all()) {
        Invocation::Run(loaded) => loaded,
        Invocation::Print(answer) => return answer.print(),
        Invocation::Command(called) => return commands::run(*called),
    };
    logs::around(&loaded.config.log.clone(), "worker", |level| run(loaded, level, Stops::of_process))
}

/// Works until it is told to stop. `stops` is made where they can be waited for.
fn run(
    loaded: Loaded<Config>,
    level: Level,
    stops: impl FnOnce() -> anyhow::Result<Stops>,
) -> anyhow::Result<()> {
    descriptors::raise_limit();
    let file = loaded.file.clone().unwrap_or_else(|| paths::config_file("worker"));
    let config = loaded.with_warnings_logged();
    // One thread carries the whole relay: batches form by themselves on it, see docs/architecture.md.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let env = WorkerEnv::at(file.parent().unwrap_or(Path::new("."))).with_level(level);
    match runtime.block_on(async { work(config, env, stops()?).await })? {
        Exit::Told => Ok(()),
        Exit::Lost(why) => anyhow::bail!(why),
    }
}

/// Works until somebody or the control port says stop: the first time drains, the second ends it at once.
async fn work(config: Config, env: WorkerEnv, mut stops: Stops) -> anyhow::Result<Exit> {
    let patience = [config.drain_timeout, DrainTimeout::Now];
    let mut worker = Worker::start(config, env).await?;
    for timeout in patience {
        tokio::select! {
            exit = worker.wait() => return Ok(exit),
            () = stops.next() => worker.handle().shutdown(timeout),
        }
    }
    Ok(worker.ended().await)
}
