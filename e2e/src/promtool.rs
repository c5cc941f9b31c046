//! promtool, which checks metrics, rules and queries as Prometheus reads them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::llama_cpp::folder;

/// promtool on this machine.
pub struct Promtool(PathBuf);

impl Promtool {
    /// `None`, after saying so, if this machine has none.
    pub fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain([folder().join(".cache")]);
        let found = folders.map(|folder| folder.join("promtool")).find(|program| program.exists());
        if found.is_none() {
            say("SKIPPED: promtool is not installed (e2e/setup brings it where it can)");
        }
        found.map(Self)
    }

    /// Checks what a scrape gave: it must be readable, and named as Prometheus' own rules want it.
    ///
    /// # Panics
    /// It is not.
    pub fn check_metrics(&self, scraped: &str) {
        let mut command = Command::new(&self.0);
        command
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut check = command.spawn().expect("promtool starts");
        let mut input = check.stdin.take().expect("stdin is piped");
        input.write_all(scraped.as_bytes()).expect("promtool reads everything before it says anything");
        drop(input);
        let said = check.wait_with_output().expect("promtool ends");
        let words = [said.stdout, said.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        assert!(said.status.success() && words.is_empty(), "promtool check metrics: {words}\n{scraped}");
    }

    /// Runs promtool in a folder.
    ///
    /// # Panics
    /// It fails.
    pub fn run(&self, folder: &Path, args: &[&str]) {
        let said = Command::new(&self.0).args(args).current_dir(folder).output().expect("promtool starts");
        let words = [said.stdout, said.stderr].concat();
        assert!(said.status.success(), "promtool {args:?}: {}", String::from_utf8_lossy(&words));
    }
}

#[expect(clippy::print_stderr, reason = "a test that does nothing must say so")]
fn say(text: &str) {
    eprintln!("{text}");
}
