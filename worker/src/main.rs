//! llamapool-worker: connects the LLM runtime of this machine to a pool.

mod commands;
mod orders;
mod reload;
#[cfg(windows)]
mod service;

use std::path::Path;
use std::process::ExitCode;

use llamapool_settings::cli::{self, Invocation};
use llamapool_settings::paths;
use llamapool_settings::{DrainTimeout, Loaded, Sources};
use llamapool_telemetry::logs::{Level, RunningLogs};
use llamapool_telemetry::{descriptors, logs};
use llamapool_worker_core::Worker;
use llamapool_worker_core::config::Config;
use llamapool_worker_core::worker::{Exit, WorkerEnv};

use crate::orders::{Order, Orders};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let sources = Sources::of_process(Some(paths::config_file("worker")));
    let loaded = match cli::invoke_with::<Config>(&sources, commands::all()) {
        Invocation::Run(loaded) => loaded,
        Invocation::Print(answer) => return answer.print(),
        Invocation::Command(called) => return commands::run(*called),
    };
    logs::around(&loaded.config.log.clone(), "worker", |logs| run(loaded, logs, Orders::of_process))
}

/// Runs until stopped. `orders` is created where it can be awaited.
fn run(
    loaded: Loaded<Config>,
    logs: RunningLogs,
    orders: impl FnOnce() -> anyhow::Result<Orders>,
) -> anyhow::Result<()> {
    descriptors::raise_limit();
    let file = loaded.file.clone().unwrap_or_else(|| paths::config_file("worker"));
    let config = loaded.with_warnings_logged();
    // One thread handles the whole relay, which batches work; see docs/architecture.md.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = file.parent().unwrap_or(Path::new("."));
    match runtime.block_on(async { work(config, folder, &logs, orders()?).await })? {
        Exit::Requested => Ok(()),
        Exit::Lost(why) => anyhow::bail!(why),
    }
}

/// Runs until a signal or the control API stops it; after a reload that requires it, starts again with the new configuration.
async fn work(
    mut config: Config,
    folder: &Path,
    logs: &RunningLogs,
    mut orders: Orders,
) -> anyhow::Result<Exit> {
    loop {
        let env = WorkerEnv::at(folder).with_logs(logs.clone());
        let worker = Worker::start(config.clone(), env).await?;
        match obey(worker, &config, logs.level(), &mut orders).await {
            (Exit::Requested, Some(new)) => config = new,
            (exit, _) => return Ok(exit),
        }
    }
}

/// Follows orders until the worker has ended: the first stop drains, the second ends it immediately. A reload drains too if it changes more than the
/// log level; then the configuration that was read last is returned.
async fn obey(
    mut worker: Worker,
    config: &Config,
    level: &Level,
    orders: &mut Orders,
) -> (Exit, Option<Config>) {
    let (mut stopping, mut new) = (false, None);
    loop {
        let order = tokio::select! {
            exit = worker.wait() => return (exit, new.filter(|_| !stopping)),
            order = orders.next() => order,
        };
        match order {
            Order::Stop => {
                worker.handle().shutdown(if stopping { DrainTimeout::Now } else { config.drain_timeout });
                stopping = true;
            }
            Order::Reload if stopping => {}
            Order::Reload => {
                let Some(latest) = reload::read_again(level).await else { continue };
                // A drain that has begun continues, and ends with the latest configuration, even if that is the old one.
                if reload::needs_restart(config, &latest, level) || new.is_some() {
                    worker.handle().shutdown(latest.drain_timeout);
                    new = Some(latest);
                }
            }
        }
    }
}
