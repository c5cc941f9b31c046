//! What the worker's program can do besides working.

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

/// Says a line to whoever called the command. If nobody listens any more, it is lost.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The same for what is no result.
fn remark(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Carries a command out; what it says goes to the terminal.
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
