//! On what, and with what, the figures were taken: without this they say nothing.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use serde::Serialize;

use crate::route::Bed;

/// Facts of this machine and the versions under test.
#[derive(Serialize)]
pub(crate) struct Machine {
    cores: usize,
    cpu: String,
    kernel: String,
    memory_mib: u64,
    /// Of the last minute, before the run: above zero something else was running.
    load_average: String,
    nginx: String,
    server: String,
    worker: String,
}

/// Looks around.
pub(crate) fn facts(bed: &Bed) -> Machine {
    let programs = bed.programs();
    Machine {
        cores: thread::available_parallelism().map_or(0, usize::from),
        cpu: field("/proc/cpuinfo", "model name"),
        kernel: first_word("/proc/sys/kernel/osrelease"),
        memory_mib: field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0) / 1024,
        load_average: first_word("/proc/loadavg"),
        nginx: version(&programs.nginx, "-v"),
        server: version(&programs.server, "--version"),
        worker: version(&programs.worker, "--version"),
    }
}

impl Machine {
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let build = if cfg!(debug_assertions) { " (debug build: its figures mean nothing)" } else { "" };
        writeln!(out, "llamapool bench {}{build}", env!("CARGO_PKG_VERSION"))?;
        let Self { cores, cpu, kernel, memory_mib, load_average, .. } = self;
        writeln!(out, "{cores} cores, {cpu}, {memory_mib} MiB, Linux {kernel}, load average {load_average}")?;
        writeln!(out, "{}; {}; {}", self.nginx, self.server, self.worker)
    }
}

/// What a program says its version is.
fn version(program: &Result<PathBuf, String>, flag: &str) -> String {
    let Ok(program) = program else { return "(none)".to_owned() };
    let Ok(said) = Command::new(program).arg(flag).output() else { return "(silent)".to_owned() };
    let said = [said.stdout, said.stderr].concat();
    let line = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned();
    line.strip_prefix("nginx version: ").unwrap_or(&line).to_owned()
}

/// The value of `name : value` in one of the kernel's lists.
fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("?", |(_, value)| value.trim()).to_owned()
}

fn first_word(file: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}
