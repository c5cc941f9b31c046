//! The worker's commands, besides running.

mod doctor;
mod join;
#[cfg(windows)]
mod service;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Command;
use llamapool_settings::ProgramConfig as _;
use llamapool_settings::cli::Called;
use llamapool_update::command as update;
use llamapool_worker_core::config::Config;

/// The commands, for the command line.
pub(crate) fn all() -> Vec<Command> {
    vec![
        join::command(),
        doctor::command(),
        update::command(),
        #[cfg(windows)]
        service::command(),
    ]
}

/// Prints a line of a command's output. It is lost if standard output is closed.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The same for remarks, which go to standard error.
fn remark(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Runs a command, with output to the terminal.
pub(crate) fn run(called: Called<Config>) -> ExitCode {
    let done = match called.name.as_str() {
        join::NAME => join::run(&called),
        doctor::NAME => doctor::run(called),
        update::NAME => Ok(update::run(Config::PROGRAM, &called.args)),
        #[cfg(windows)]
        service::NAME => service::run(called),
        other => unreachable!("{other} was not declared"),
    };
    done.unwrap_or_else(|error| {
        remark(format_args!("{error:#}"));
        ExitCode::FAILURE
    })
}
