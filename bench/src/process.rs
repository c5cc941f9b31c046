//! Processes that end with the bench: by `Drop` when all goes well, by the leash when it does not.

mod dialogue;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub(crate) use dialogue::Dialogue;

/// First argument of this program when it is to become another one, on a leash.
pub(crate) const LEASH: &str = "leash";
/// Two sockets for each of 2,000 streams in a hop that proxies, and as much again to spare.
const OPEN_FILES: u64 = 8_192;
/// How long a process may take to end when asked to, before it is made to.
const GRACE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(10);

/// A process that ends when this is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `command`, which should come from [`leashed`].
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("Linux pids fit 22 bits"))
    }

    /// An error if the process has ended.
    pub(crate) fn ensure_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended early: {status}", self.name),
            None => Ok(()),
        }
    }

    fn ended_within(&mut self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            thread::sleep(POLL);
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Not yet waited for, so the pid is still this child's.
        let asked = kill(self.pid(), Signal::SIGTERM).is_ok() && self.ended_within(GRACE);
        if !asked {
            // Fails only if it has just ended, which is what we want.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// `program` on a leash, silent, with nothing of our environment but the search path.
pub(crate) fn leashed(program: impl AsRef<Path>) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("find this program")?);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
        .arg(LEASH)
        .arg(std::process::id().to_string())
        .arg(program.as_ref())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Ok(command)
}

/// This program again, in another role, on a leash.
pub(crate) fn ourselves(role: &str) -> Result<Command> {
    let mut command = leashed(std::env::current_exe().context("find this program")?)?;
    command.arg(role);
    Ok(command)
}

/// Becomes the program named by `args` (after the pid of the bench), and is told to end when the bench is
/// gone: a bench that is killed leaves nothing behind.
pub(crate) fn leash(mut args: impl Iterator<Item = OsString>) -> Result<()> {
    let bench = args.next().context("no bench named")?;
    prctl::set_pdeathsig(Signal::SIGTERM).context("ask to be told when the bench ends")?;
    // It may have gone before we asked.
    ensure!(*bench == *nix::unistd::getppid().to_string(), "the bench is gone");
    let program = args.next().context("no program named")?;
    let error = Command::new(&program).args(args).exec();
    Err(error).with_context(|| format!("start {}", program.display()))
}

/// Allows us, and so all we start, enough open files.
pub(crate) fn raise_open_files() -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= OPEN_FILES {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES, hard.max(OPEN_FILES))
        .with_context(|| format!("allow {OPEN_FILES} open files (now {soft}, at most {hard}): see ulimit -n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_process_is_gone() {
        let child = Process::spawn("sleep", Command::new("sleep").arg("60")).unwrap();
        let pid = child.pid();
        drop(child);
        assert!(kill(pid, None).is_err());
    }

    #[test]
    fn an_early_end_is_an_error_with_the_name() {
        let mut child = Process::spawn("true", &mut Command::new("true")).unwrap();
        assert!(child.ended_within(GRACE));
        assert!(child.ensure_running().unwrap_err().to_string().contains("true ended early"));
    }
}
