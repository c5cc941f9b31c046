//! One of the real binaries as a process: its log, its signals, its end.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::wait::{PATIENCE, until_within};

/// Lines of log shown when a test fails.
const SHOWN_LINES: usize = 150;

/// A running binary. Killed when dropped; its log is printed if the test is failing then.
pub struct Process {
    name: String,
    pid: Pid,
    child: Child,
    log: Log,
    may_panic: bool,
    /// Read the pipes; they end with the process.
    readers: Vec<JoinHandle<()>>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

/// The path of a binary of this workspace, which cargo built next to the test.
///
/// # Panics
/// If it is not there: `cargo test -p llamapool-e2e` alone does not build it.
pub fn binary(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the system knows where a running program is");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("tests lie in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --bins` first", path.display());
    path
}

/// A command that sees nothing of the tester's environment except what `env` says.
pub fn clean_command(program: PathBuf, env: &[(&str, String)]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    command.envs(env.iter().map(|(name, value)| (*name, value.as_str())));
    command
}

impl Process {
    /// Starts `command`; `name` is for messages.
    pub fn spawn(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("a new child has an id");
        let log = Log::default();
        let readers = vec![
            log.keep(child.stdout.take().expect("stdout is piped")),
            log.keep(child.stderr.take().expect("stderr is piped")),
        ];
        Self { name: name.to_owned(), pid, child, log, may_panic: false, readers }
    }

    /// Waits for a log line in which `pick` finds something.
    pub async fn until_log<T>(&mut self, what: &str, mut pick: impl FnMut(&str) -> Option<T>) -> T {
        let (name, log, child, mut next) = (self.name.clone(), self.log.clone(), &mut self.child, 0);
        until_within(PATIENCE, &format!("{name} to log {what}"), async || {
            // Asked before the log is read, so that the last words of a process that ended are not missed.
            let ended = child.try_wait().expect("a child can be asked");
            let found = log.scan(&mut next, &mut pick);
            assert!(found.is_some() || ended.is_none(), "{name} ended ({ended:?}) before logging {what}");
            found
        })
        .await
    }

    /// The address in a log line that says `words http://...`.
    pub async fn until_address(&mut self, words: &str) -> String {
        let start = format!("{words} http://");
        self.until_log(&start, |line| {
            let address = &line[line.find(&start)? + start.len()..];
            let end = address.find(|c: char| !(c.is_ascii_alphanumeric() || ".:[]".contains(c)));
            Some(address[..end.unwrap_or(address.len())].trim_end_matches('.').to_owned())
        })
        .await
    }

    /// A panic in it is what the test is about.
    pub fn may_panic(&mut self) {
        self.may_panic = true;
    }

    /// Whether a line of the log so far contains `words`.
    pub fn has_logged(&self, words: &str) -> bool {
        self.log.lines().iter().any(|line| line.contains(words))
    }

    /// Everything logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Asks it to end.
    pub fn sigterm(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn sigint(&self) {
        self.signal(Signal::INT);
    }

    /// Asks it to look at its configuration again.
    pub fn sighup(&self) {
        self.signal(Signal::HUP);
    }

    /// Ends it without asking.
    pub fn sigkill(&self) {
        self.signal(Signal::KILL);
    }

    /// Freezes it.
    pub fn sigstop(&self) {
        self.signal(Signal::STOP);
    }

    /// In debug builds of the tray app, makes a task of the app panic.
    pub fn signal_usr1(&self) {
        self.signal(Signal::USR1);
    }

    /// In debug builds of the worker and the tray app, makes a background task of the worker panic.
    pub fn signal_usr2(&self) {
        self.signal(Signal::USR2);
    }

    /// Thaws it.
    pub fn sigcont(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// Waits for its end: how long that took, and the exit code (`None`: killed by a signal).
    pub async fn wait_exit(&mut self, limit: Duration) -> (Duration, Option<i32>) {
        let begun = Instant::now();
        let status = tokio::time::timeout(limit, self.child.wait())
            .await
            .unwrap_or_else(|_| panic!("{} still runs after {limit:?}", self.name))
            .expect("a child can be waited for");
        let time = begun.elapsed();
        // Its last words too.
        for reader in self.readers.drain(..) {
            reader.await.expect("reading a pipe does not fail");
        }
        (time, status.code())
    }

    /// Its number.
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Memory it holds, in bytes (resident set).
    pub fn rss(&self) -> u64 {
        let pid = self.pid.as_raw_nonzero().to_string();
        let ps = std::process::Command::new("ps").args(["-o", "rss=", "-p", &pid]).output();
        let text = String::from_utf8(ps.expect("every system has ps").stdout).expect("ps prints digits");
        text.trim().parse::<u64>().unwrap_or_else(|_| panic!("ps says {text:?}")) * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let lines = self.log.lines();
        let panicked = lines.iter().find(|line| line.contains("panicked at") && !self.may_panic);
        if std::thread::panicking() {
            self.show(&lines);
        } else if let Some(line) = panicked {
            self.show(&lines);
            panic!("{} panicked: {line}", self.name);
        }
    }
}

impl Process {
    #[expect(clippy::print_stderr, reason = "whoever reads a failed test needs the log")]
    fn show(&self, lines: &[String]) {
        eprintln!("---- {} (the last {SHOWN_LINES} lines)", self.name);
        for line in lines.iter().rev().take(SHOWN_LINES).rev() {
            eprintln!("{line}");
        }
    }
}

impl Log {
    fn keep(&self, pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        })
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn scan<T>(&self, next: &mut usize, pick: &mut impl FnMut(&str) -> Option<T>) -> Option<T> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *next < lines.len() {
            *next += 1;
            if let Some(found) = pick(&lines[*next - 1]) {
                return Some(found);
            }
        }
        None
    }
}
