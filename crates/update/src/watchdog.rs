//! Watches a new version start, from a process of the previous version that does nothing else. A version that works confirms itself
//! ([`Applied::confirm`]); one that fails or hangs cannot, and is replaced by the previous version, which is started again.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::UpdateError;
use super::swap::{self, Applied, old_file};

/// The first argument of the watchdog process. The program to start and its arguments follow.
const WATCH: &str = "--watch-update";

/// How long the new version may run without confirming or rolling back itself: a little longer than its own limit, [`super::HEALTH_TIMEOUT`].
const TIMEOUT: Duration = super::HEALTH_TIMEOUT.saturating_add(Duration::from_secs(30));

/// How often the new version is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The watchdog process. It starts the new version when this value is dropped, at the latest when this process ends.
#[derive(Debug)]
pub struct Watchdog(#[expect(dead_code, reason = "its end is the sign")] ChildStdin);

impl Applied {
    /// Starts the watchdog, which starts the new version after this process has ended, with these arguments and this environment variable.
    ///
    /// # Errors
    /// The previous version cannot be started.
    pub fn start_after_us(
        self,
        args: impl IntoIterator<Item = OsString>,
        variable: Option<(&str, &str)>,
    ) -> Result<Watchdog, UpdateError> {
        let mut command = Command::new(&self.old);
        command.arg(WATCH).arg(&self.exe).args(args).envs(variable).stdin(Stdio::piped());
        let watchdog = command.spawn().and_then(|mut watchdog| {
            watchdog.stdin.take().ok_or_else(|| io::Error::other("it has no standard input"))
        });
        watchdog.map(Watchdog).map_err(|error| UpdateError::Io { path: self.old.clone(), error })
    }
}

/// Runs the watchdog if this process was started as one.
pub fn watch_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != WATCH {
        return None;
    }
    let exe = PathBuf::from(args.next()?);
    // Returns when the process that started the watchdog ends.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    let args: Vec<_> = args.collect();
    let is_well = matches!(watch(&exe, &args, TIMEOUT), Ok((Verdict::Settled | Verdict::Left, _)));
    Some(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the new version, and the previous one if the new one does not work. Returns the verdict and what runs now.
fn watch(exe: &Path, args: &[OsString], timeout: Duration) -> Result<(Verdict, Option<Child>), UpdateError> {
    let begun = Instant::now();
    let mut started = start(exe, args).ok();
    let verdict = loop {
        let ended = match &mut started {
            Some(child) => child.try_wait().ok().flatten().map(|status| status.success()),
            None => Some(false),
        };
        match verdict(old_file(exe).exists(), ended, begun.elapsed() > timeout) {
            Some(verdict) => break verdict,
            None => thread::sleep(POLL_INTERVAL),
        }
    };
    if verdict != Verdict::Bad {
        return Ok((verdict, started));
    }
    if let Some(mut child) = started {
        let _ = child.kill();
        let _ = child.wait();
    }
    if let Some(applied) = Applied::pending(exe)? {
        applied.roll_back()?;
    }
    let before = start(exe, args).map_err(|error| UpdateError::Io { path: exe.to_owned(), error })?;
    Ok((verdict, Some(before)))
}

/// The result of starting a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It confirmed itself, or rolled back.
    Settled,
    /// It exited successfully before that, and decides at its next start.
    Left,
    /// It does not work.
    Bad,
}

/// `ended` says whether it succeeded, if it has ended. `None` while the result is open.
fn verdict(is_pending: bool, ended: Option<bool>, is_late: bool) -> Option<Verdict> {
    match ended {
        _ if !is_pending => Some(Verdict::Settled),
        Some(true) => Some(Verdict::Left),
        Some(false) => Some(Verdict::Bad),
        None => is_late.then_some(Verdict::Bad),
    }
}

fn start(exe: &Path, args: &[impl AsRef<OsStr>]) -> io::Result<Child> {
    swap::spawn(Command::new(exe).args(args).stdin(Stdio::null()))
}

#[cfg(test)]
mod tests;
