//! The real thing: llamapool-server, the tunnel, llamapool-worker, the backend.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};

use super::{Bed, Hop, Programs, free_addr, probe};
use crate::exchange::MODEL;
use crate::process::{Process, leashed};

/// More than any scenario keeps open at once.
const MAX_CONCURRENCY: &str = "4096";

/// The relay's programs in `folder`, beside this program if `None`; nginx is for others to find.
pub(super) fn find(folder: Option<&Path>) -> Result<Programs> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => std::env::current_exe()?.parent().context("the folder of this program")?.to_owned(),
    };
    let program = |name: &str| {
        let file = folder.join(name);
        let hint = || format!("{} is not there (cargo build --release)", file.display());
        if file.is_file() { Ok(file.clone()) } else { Err(hint()) }
    };
    let (server, worker) = (program("llamapool-server"), program("llamapool-worker"));
    Ok(Programs { nginx: Err(String::new()), server, worker })
}

/// Starts server and worker, logging from `level` on; gives the server's address.
pub(super) fn start(bed: &Bed, level: &str) -> Result<(SocketAddr, Vec<Hop>)> {
    let addr = free_addr()?;
    let (server_log, mut server) = part(bed, "llamapool-server", &bed.programs.server, level, |command| {
        command.env("PORT", addr.port().to_string()).env("REQUEST_TIMEOUT", "600");
    })?;
    let backend = bed.backend.addr;
    let (worker_log, mut worker) = part(bed, "llamapool-worker", &bed.programs.worker, level, |command| {
        command
            .env("SERVER_URL", format!("ws://{addr}/api/workers/connect"))
            .env("COMPLETION_BASE_URL", format!("http://{backend}/v1"))
            .env("MAX_CONCURRENCY", MAX_CONCURRENCY)
            .env("CLIENT_ID", "bench");
    })?;
    let both = &mut [&mut server, &mut worker];
    probe::wait_for(addr, "/healthz", "", both)
        .and_then(|()| probe::wait_for(addr, "/v1/models", MODEL, both))
        .with_context(|| format!("the relay is not ready\n{}\n{}", tail(&server_log), tail(&worker_log)))?;
    Ok((addr, vec![hop("server", server), hop("worker", worker)]))
}

fn hop(role: &'static str, process: Process) -> Hop {
    Hop { role, pids: vec![process.pid()], _process: process }
}

/// Starts one of the two in a folder of its own with its log in a file there, which is where a service
/// manager puts it.
fn part(
    bed: &Bed,
    name: &str,
    program: &Result<PathBuf, String>,
    level: &str,
    settings: impl FnOnce(&mut Command),
) -> Result<(PathBuf, Process)> {
    let folder = bed.folder(&format!("{name}-"))?;
    let log = folder.join("log");
    let mut command = leashed(program.as_ref().map_err(|reason| anyhow!("{reason}"))?)?;
    command
        .env("HOME", &folder)
        .env("STATE_DIR", &folder)
        .env("LOG_LEVEL", level)
        .env("DRAIN_TIMEOUT", "0")
        .current_dir(&folder)
        .stderr(File::create(&log)?);
    settings(&mut command);
    Ok((log, Process::spawn(name, &mut command)?))
}

/// The end of a log, for the one who has to find out what went wrong.
fn tail(log: &Path) -> String {
    const LINES: usize = 10;
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!("{}:\n{}", log.display(), lines[lines.len().saturating_sub(LINES)..].join("\n"))
}
