//! Checks this machine: configuration, version, file permissions, disk space, and whether a worker is running.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Context;
use super::notes::{Finding, Notes, failed, ok, skipped, warning};
use crate::config::Config;
use llamapool_settings::edit::Edit;
use llamapool_settings::paths;
use llamapool_settings::{build, size};

const CONFIG: (&str, &str) = ("config", "Configuration");
const VERSION: (&str, &str) = ("version", "Version");
const RIGHTS: (&str, &str) = ("permissions", "File permissions");
const DISK: (&str, &str) = ("disk", "Disk space");
const WORKER: (&str, &str) = ("worker", "Running worker");

/// The checks after the configuration.
pub(super) const CHECKS: [(&str, &str); 4] = [VERSION, RIGHTS, DISK, WORKER];

/// With less space than this, writing logs or the worker's id may fail.
const LITTLE_SPACE: u64 = 64 * 1024 * 1024;

/// With less space than this, a few days of logs fill the disk.
const SOME_SPACE: u64 = 512 * 1024 * 1024;

/// A worker on this machine responds immediately.
const STATUS_TIMEOUT: Duration = Duration::from_secs(1);

/// The configuration, if it can be used.
pub(super) fn configuration<'p>(notes: &mut Notes<'_>, context: &'p Context) -> Option<&'p Config> {
    let (id, title) = CONFIG;
    match &context.loaded {
        Err(mistakes) => {
            let wrong: Vec<_> = mistakes.0.iter().map(ToString::to_string).collect();
            let fix = "Correct it. docs/config.md lists all settings and their values.";
            notes.note(id, title, failed(wrong.join("; "), fix));
            None
        }
        Ok(loaded) => {
            let from = match &loaded.file {
                Some(file) => format!("{} is fine", file.display()),
                None => {
                    format!("{} does not exist; using the environment and defaults", context.file.display())
                }
            };
            let finding = match loaded.warnings.is_empty() {
                true => ok(from),
                false => warning(loaded.warnings.join("; "), "Correct the file."),
            };
            notes.note(id, title, finding);
            Some(&loaded.config)
        }
    }
}

pub(super) async fn look(notes: &mut Notes<'_>, config: &Config, file: &Path, home: &Path) {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    notes.note(VERSION.0, VERSION.1, ok(format!("{} (build {}) on {os} {arch}", build::VERSION, build::SHA)));
    notes.note(RIGHTS.0, RIGHTS.1, rights(file, home));
    notes.note(DISK.0, DISK.1, disk(config, home));
    let worker = async { (worker(config).await, Some(())) };
    notes.check(WORKER, 2 * STATUS_TIMEOUT, worker).await;
}

/// Checks that other users cannot read keys and tokens.
fn rights(file: &Path, home: &Path) -> Finding {
    let holds_key = Edit::open::<Config>(file).is_ok_and(|edit| edit.holds_secret());
    let config = [file.to_owned()].into_iter().filter(|_| holds_key);
    let tokens = [home.to_owned(), paths::state_dir()].map(|dir| dir.join(paths::TOKEN_FILE));
    let open: Vec<_> = config.chain(tokens).filter(|path| others_may_read(path)).collect();
    if open.is_empty() {
        return ok("keys and tokens are readable only by their owner");
    }
    let names: Vec<_> = open.iter().map(|path| path.display().to_string()).collect();
    let names = names.join(", ");
    warning(format!("other users of this machine can read {names}"), format!("chmod o-rwx {names}"))
}

#[cfg(unix)]
fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false // the folders that are used there are their owner's by custom
}

/// Checks that the worker's folders are writable and have free space.
fn disk(config: &Config, home: &Path) -> Finding {
    let state = config.control.state_dir.clone().unwrap_or_else(paths::state_dir);
    let written = [Some(&state), config.log.dir.as_ref()].into_iter().flatten();
    for folder in written {
        if let Err(why) = try_to_write(folder) {
            let fix = "Let the user that the worker runs as write there, or choose another folder (state_dir, log_dir).";
            return failed(format!("nothing can be written to {}: {why}", folder.display()), fix);
        }
    }
    let folders = [Some(state), config.log.dir.clone(), Some(home.to_owned())].into_iter().flatten();
    let space = folders.filter_map(|folder| {
        let there = existing(&folder)?;
        Some((fs4::available_space(&there).ok()?, folder))
    });
    let Some((free, folder)) = space.min() else {
        return skipped("not available on this system");
    };
    let found = format!("{} free for {}", size::about(free), folder.display());
    match free {
        _ if free < LITTLE_SPACE => failed(found, "Free up disk space: logs and state cannot be written."),
        _ if free < SOME_SPACE => {
            warning(found, "Free up disk space, or keep fewer logs (log_keep, log_max_size).")
        }
        _ => ok(found),
    }
}

/// Writes an anonymous temporary file to the folder, or to its nearest existing parent. On a full disk, only an empty one can be made.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find(|there| there.exists()).unwrap_or(folder);
    tempfile::tempfile_in(there)?.write_all(b"llamapool")
}

/// The folder, or its nearest existing parent.
fn existing(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|there| there.is_dir()).map(Path::to_owned)
}

/// A worker on this machine has locked its id file, and reports its state if it has a status page.
async fn worker(config: &Config) -> Finding {
    let status = status(config).await;
    if let Some(status) = &status {
        let state = status["state"].as_str().unwrap_or("running");
        let trouble = status["last_error"].as_str().filter(|error| !error.is_empty());
        let version = status["version"].as_str().unwrap_or_default();
        let is_same = version == build::VERSION;
        return match trouble {
            Some(trouble) => {
                let is_of_logs = status["log_problem"] == *trouble;
                let full = "Free some disk space, or choose another folder for the logs (log_dir).";
                let fix = if is_of_logs { full } else { "See the checks below." };
                warning(format!("running ({state}): {trouble}"), fix)
            }
            None if is_same => ok(format!("running ({state})")),
            None => {
                let found = format!("running ({state}), version {version}");
                warning(found, "Restart it, so that it uses the installed version.")
            }
        };
    }
    let dir = config.control.state_dir.clone().unwrap_or_else(paths::state_dir);
    if let Ok(Err(TryLockError::WouldBlock)) =
        File::open(dir.join(paths::ID_FILE)).map(|file| file.try_lock())
    {
        return ok("running, with the ID stored on this machine");
    }
    let listens = [("status_addr", config.control.status_addr), ("metrics_port", config.metrics.addr)];
    let mut addrs = listens.into_iter().filter_map(|(name, addr)| Some((name, addr?)));
    match addrs.find_map(|(name, addr)| Some((name, TcpListener::bind(addr).err()?, addr))) {
        Some((name, error, addr)) => failed(
            format!("none, and {addr} cannot be used: {error}"),
            format!("Stop the program that listens there, or choose another address ({name})."),
        ),
        None if config.identity.id.is_some() => ok("none found; the ID is set by client_id"),
        None => ok("none"),
    }
}

/// The status page of a worker on this machine.
pub(crate) async fn status(config: &Config) -> Option<serde_json::Value> {
    let addr = config.control.status_addr.filter(|addr| addr.port() != 0)?;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(llamapool_tunnel::tls::unused_config())
        .no_proxy()
        .timeout(STATUS_TIMEOUT)
        .build()
        .ok()?;
    let status = client.get(format!("http://{addr}/status")).send().await.ok()?;
    let status: serde_json::Value = status.json().await.ok()?;
    status.get("worker_id").is_some().then_some(status)
}
