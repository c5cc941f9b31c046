//! What the worker's program can do besides working.

mod doctor;
mod join;

use std::process::ExitCode;

use clap::Command;
use llamapool_worker_core::config::Config;
use llamapool_worker_core::settings::cli::Called;

/// The commands, for the command line.
pub(crate) fn all() -> Vec<Command> {
    vec![join::command(), doctor::command()]
}

/// Carries a command out; what it says goes to the terminal.
#[expect(clippy::print_stderr, reason = "a command speaks to whoever called it")]
pub(crate) fn run(called: Called<Config>) -> ExitCode {
    let done = match called.name.as_str() {
        join::NAME => join::run(&called),
        doctor::NAME => doctor::run(called),
        other => unreachable!("{other} was not declared"),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}
