//! What watches a new program start: a process of the one before, which has nothing else to do. A program that works says so itself ([`Applied::confirm`]); one
//! that ends badly or hangs cannot, and is replaced by the one before, which is started again.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::UpdateError;
use super::swap::{self, Applied, old_file};

/// The first argument of a program that is to watch. What follows are the program that is to be started and its arguments.
const WATCH: &str = "--watch-update";

/// A new program settles within a minute whether it works ([`super::PROVEN`]). This is for one that does not even get to do that.
const PATIENCE: Duration = super::PROVEN.saturating_add(Duration::from_secs(30));

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(250);

/// A process that starts the new program as soon as this is dropped, which happens at the latest when this process ends.
#[derive(Debug)]
pub struct Guard(#[expect(dead_code, reason = "its end is the sign")] ChildStdin);

impl Applied {
    /// Has the new program started when this process has ended, under the eyes of the one before, with these arguments and this variable in its environment.
    ///
    /// # Errors
    /// If the one before cannot be started.
    pub fn start_after_us(
        self,
        args: impl IntoIterator<Item = OsString>,
        variable: Option<(&str, &str)>,
    ) -> Result<Guard, UpdateError> {
        let mut command = Command::new(&self.old);
        command.arg(WATCH).arg(&self.exe).args(args).envs(variable).stdin(Stdio::piped());
        let guard = command.spawn().and_then(|mut guard| {
            guard.stdin.take().ok_or_else(|| io::Error::other("it has no standard input"))
        });
        guard.map(Guard).map_err(|error| UpdateError::Io { path: self.old.clone(), error })
    }
}

/// Watches, if that is what this process was started for.
pub fn watch_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != WATCH {
        return None;
    }
    let exe = PathBuf::from(args.next()?);
    // Ends when the process ends that asked for this.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    let args: Vec<_> = args.collect();
    let is_well = matches!(watch(&exe, &args, PATIENCE), Ok((Verdict::Settled | Verdict::Left, _)));
    Some(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the new program, and the one before if that does not work. What runs then comes with the verdict.
fn watch(exe: &Path, args: &[OsString], patience: Duration) -> Result<(Verdict, Option<Child>), UpdateError> {
    let begun = Instant::now();
    let mut started = start(exe, args).ok();
    let verdict = loop {
        let ended = match &mut started {
            Some(child) => child.try_wait().ok().flatten().map(|status| status.success()),
            None => Some(false),
        };
        match verdict(old_file(exe).exists(), ended, begun.elapsed() > patience) {
            Some(verdict) => break verdict,
            None => thread::sleep(LOOK),
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

/// What became of a new program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It has said whether it works.
    Settled,
    /// Somebody has ended it before that. It will say when it is started again.
    Left,
    /// It does not work.
    Bad,
}

/// `ended` is whether it ended well, if it has ended. Nothing as long as there may still be something else to come.
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
