//! The tray app, as a person has it: on a screen (Xvfb), in a session (a D-Bus daemon of its own), with a desktop that shows tray icons and
//! notifications. The test is that desktop.
//!
//! - [`session`]: screen and bus
//! - [`system_bus`]: what the system tells; [`login`]: when it sleeps
//! - [`tray`]: the icon's menu, read and clicked; [`watcher`]: where icons and notifications arrive
//! - [`upower`]: what the system says of its battery
//! - [`browser`]: the app's windows, driven from inside (WebDriver); `screen`: the same, seen from outside

pub mod browser;
pub mod login;
mod screen;
pub mod session;
pub mod system_bus;
pub mod tray;
pub mod upower;
pub mod watcher;

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::process::{Process, binary, clean_command};
use crate::wait::until;
use session::Session;
use tray::Tray;

/// The running app.
pub struct Desktop {
    process: Process,
    /// Where it runs.
    pub session: Session,
}

impl Desktop {
    /// The app without windows, in a new session, with these settings in its `worker.yaml`. Without any it has none.
    pub async fn start(settings: &str) -> Self {
        Self::launch(Session::start().await, settings, &["--hidden"]).await
    }

    /// The app in this session.
    pub async fn launch(session: Session, settings: &str, args: &[&str]) -> Self {
        if !settings.is_empty() {
            session.write_settings(settings);
        }
        Self::resume(session, args)
    }

    /// The app in a session where everything is as it was left.
    pub fn resume(session: Session, args: &[&str]) -> Self {
        let process = Process::spawn("llamapool", command(&session, args));
        Self { process, session }
    }

    /// Another build of the app, with this in its environment.
    pub fn of_program(session: Session, program: &Path, env: &[(&str, String)]) -> Self {
        let mut command = clean_command(program.to_owned(), &session.environment());
        command.arg("--hidden").envs(env.iter().map(|(name, value)| (*name, value.as_str())));
        Self { process: Process::spawn("llamapool", command), session }
    }

    /// The tray icon, once it is there.
    pub async fn tray(&self) -> Tray<'_> {
        self.session.watcher.until_item().await;
        Tray::new(&self.session.watcher)
    }

    /// Starts it a second time, and waits until that has ended.
    pub async fn launch_again(&self, args: &[&str]) {
        launch_again(&self.session, args).await;
    }

    /// The titles of its windows on the screen.
    pub async fn windows(&self) -> Vec<String> {
        self.session.windows().await
    }

    /// Waits until there are so many windows.
    pub async fn until_windows(&self, n: usize) {
        until(&format!("{n} windows"), async || (self.windows().await.len() == n).then_some(())).await;
    }

    /// Waits for its end, and gives the session back.
    pub async fn ended(mut self) -> Session {
        let (_, code) = self.wait_exit(crate::wait::PATIENCE).await;
        assert_eq!(code, Some(0), "the app's exit code");
        self.session
    }

    /// Ends it without a word, and gives the session back.
    pub async fn killed(mut self) -> Session {
        self.sigkill();
        self.wait_exit(crate::wait::PATIENCE).await;
        self.session
    }

    /// Where its settings are.
    pub fn settings(&self) -> PathBuf {
        self.session.settings()
    }

    /// Memory that is the app's alone, in bytes: the proportional set of it and all its children.
    pub fn memory(&self) -> u64 {
        family(self.id()).iter().filter_map(|pid| figure(*pid, "smaps_rollup", "Pss:")).sum()
    }

    /// The app's own private memory in bytes, without code of programs and libraries, which the system may drop.
    pub fn private_memory(&self) -> u64 {
        figure(self.id(), "status", "RssAnon:").expect("the app runs")
    }

    /// The libraries that the app itself has loaded, one in a line.
    pub fn libraries(&self) -> String {
        std::fs::read_to_string(proc(self.id(), "maps")).expect("the app runs")
    }
}

/// Starts the app where it runs already, and waits until the second one has ended.
pub async fn launch_again(session: &Session, args: &[&str]) {
    let mut again = Process::spawn("llamapool, again", command(session, args));
    let (_, code) = again.wait_exit(crate::wait::PATIENCE).await;
    assert_eq!(code, Some(0), "the exit code of the second launch");
}

/// A command for the app as the session starts it.
fn command(session: &Session, args: &[&str]) -> Command {
    let mut command = clean_command(binary("llamapool"), &session.environment());
    command.args(args);
    command
}

/// A process and everything it started.
fn family(pid: i32) -> Vec<i32> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(parent) = family.get(next) {
        let children =
            std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        family.extend(children.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
        next += 1;
    }
    family
}

/// What the system says of a process, in bytes.
fn figure(pid: i32, file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(proc(pid, file)).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

fn proc(pid: i32, file: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(file)
}

impl Deref for Desktop {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Desktop {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}
