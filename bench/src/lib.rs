//! What the relay costs, in ratios of one run on loopback.
//!
//! CPU time (user + system) of the processes under test is the measure: it holds on a noisy machine, where
//! times of day do not. Load generator and backend are this same program started again as processes of their
//! own (`bench load`, `bench backend`), so that their work is never counted. Paths are measured in turn,
//! round by round, so that a bad minute hits all of them; ratios are taken within a round.
//!
//! # Layout
//!
//! `options` what to run → `route` the paths from client to backend, made of `process`es → `load` and
//! `backend`, which speak `exchange` → `measure` rounds with the clocks of `meter` → `scenario`
//! what is asked and what is aimed at → `report` tables and JSON, headed by the facts of `machine`.

#![cfg(target_os = "linux")]

mod backend;
mod exchange;
mod load;
mod machine;
mod measure;
mod meter;
mod options;
mod process;
mod report;
mod route;
mod scenario;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::options::Options;
use crate::report::Report;
use crate::route::Bed;

/// Runs whatever the command line asks for: the benchmarks, or one of the parts they start as processes of
/// their own.
#[must_use]
pub fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let role = args.next().unwrap_or_default();
    let (name, done) = match role.to_str() {
        Some(process::LEASH) => ("leash", process::leash(args)),
        Some(backend::ROLE) => ("backend", backend::run()),
        Some(load::ROLE) => ("load", load::run(&args.next().unwrap_or_default())),
        _ => ("bench", bench()),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    say(&format!("{name}: {error:#}"));
    ExitCode::FAILURE
}

fn bench() -> Result<()> {
    let options = Options::from_command_line(std::env::args_os().collect::<Vec<OsString>>());
    process::raise_open_files()?;
    let bed = Bed::make(options.paths.clone(), options.binaries.as_deref())?;
    let mut report = Report::new(machine::facts(&bed), bed.missing());
    report.print_head(&mut io::stdout())?;
    for scenario in &options.scenarios {
        say(&format!("running {} …", scenario.name()));
        let section = scenario.run(&bed, options.effort).with_context(|| scenario.name().to_owned())?;
        section.print(&mut io::stdout())?;
        report.sections.push(section);
    }
    report.print_verdicts(&mut io::stdout())?;
    match &options.json {
        Some(file) => report.save(file),
        None => Ok(()),
    }
}

/// A line for the person at the terminal; results go to standard output, this does not.
fn say(line: &str) {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr(), "{line}");
}
