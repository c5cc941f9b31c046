//! The command line: flags for every setting, `--help`, `--version`, `--check-config`, `--print-config`, and commands.
//!
//! ```no_run
//! use llamapool_settings::{Concern, ProgramConfig, DrainTimeout, Reader, Retired, Sources, cli::{self, Invocation}, paths};
//!
//! struct Mine { drain_timeout: DrainTimeout }
//!
//! impl Concern for Mine {
//!     fn read(from: &mut Reader<'_>) -> Self {
//!         Self { drain_timeout: from.concern("Stopping").read(DrainTimeout::setting("1m")) }
//!     }
//! }
//!
//! impl ProgramConfig for Mine {
//!     const PROGRAM: &'static str = "mine";
//!     const ABOUT: &'static str = "Does nothing.";
//!     const RETIRED: &'static [Retired] = &[];
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     let loaded = match cli::invoke::<Mine>(&Sources::of_process(Some(paths::config_file("worker")))) {
//!         Invocation::Run(loaded) => loaded,
//!         Invocation::Print(answer) => return answer.print(),
//!         Invocation::Command(_) => unreachable!("none was declared"),
//!     };
//!     // Start the logs here.
//!     let config = loaded.with_warnings_logged();
//!     // ...
//! #   drop(config.drain_timeout);
//! #   std::process::ExitCode::SUCCESS
//! }
//! ```

mod command;
mod print;

use std::{path::PathBuf, process::ExitCode};

use clap::{ArgMatches, Command, error::ErrorKind};

use super::{
    Loaded, Mistakes, ProgramConfig, Sources, build,
    load::{self, settings_of},
};

/// The exit code for invalid flags and invalid settings.
pub const EXIT_USAGE: u8 = 64;

/// What a command line requests.
#[derive(Debug)]
pub enum Invocation<C> {
    /// Run with this configuration.
    Run(Loaded<C>),
    /// Print this and exit.
    Print(Answer),
    /// Run a command instead.
    Command(Box<Called<C>>),
}

/// A command, with the configuration that the program would run with.
#[derive(Debug)]
pub struct Called<C> {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: ArgMatches,
    /// The configuration, or what is wrong with it.
    pub loaded: Result<Loaded<C>, Mistakes>,
    /// The configuration file, which need not exist: the one that was given, or the default one.
    pub file: Option<PathBuf>,
}

/// Text for the terminal, and the exit code that goes with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text, including line breaks.
    pub text: String,
    /// 0, or [`EXIT_USAGE`].
    pub code: u8,
}

impl Answer {
    /// Prints the text: to standard output if it was requested, to standard error if something is wrong.
    #[expect(clippy::print_stdout, clippy::print_stderr, reason = "help and mistakes are for the terminal")]
    pub fn print(self) -> ExitCode {
        match self.code {
            0 => print!("{}", self.text),
            _ => eprint!("{}", self.text),
        }
        ExitCode::from(self.code)
    }
}

impl Sources {
    /// The sources of this process.
    pub fn of_process(default_file: Option<PathBuf>) -> Self {
        let env = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self { args: std::env::args_os().skip(1).collect(), env: Box::new(env), default_file }
    }
}

/// Parses a command line and loads the configuration.
pub fn invoke<C: ProgramConfig>(sources: &Sources) -> Invocation<C> {
    invoke_with(sources, Vec::new())
}

/// The same for a program with commands. Each command also accepts the flags of all settings.
pub fn invoke_with<C: ProgramConfig>(sources: &Sources, commands: Vec<Command>) -> Invocation<C> {
    let settings = settings_of::<C>();
    let command = command::of::<C>(&settings, commands);
    let args = command::with_two_dashes(&command, &sources.args);
    let matches = match command.try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => return good(error.render().to_string()),
        Err(error) => return bad(error.render().to_string()),
    };
    if matches.get_flag(command::VERSION) {
        return good(build::line(C::PROGRAM));
    }
    let mut flags = command::flags(&settings, C::RETIRED, &matches);
    if let Some((name, args)) = matches.subcommand() {
        flags.extend(command::flags(&settings, C::RETIRED, args));
        let file = load::path_of_file(&flags, sources);
        let (name, args, loaded) = (name.to_owned(), args.clone(), load::load(&flags, sources, &|_| None));
        return Invocation::Command(Box::new(Called { name, args, loaded, file }));
    }
    match load::load_noted(&flags, sources, &|_| None) {
        Err(mistakes) => bad(format!("{mistakes}\n")),
        Ok((loaded, notes)) if matches.get_flag(command::PRINT) => good(print::printed(&loaded, &notes)),
        Ok((loaded, _)) if matches.get_flag(command::CHECK) => good(checked(&loaded)),
        Ok((loaded, _)) => Invocation::Run(loaded),
    }
}

/// What `--check-config` prints for a valid configuration.
fn checked<C>(loaded: &Loaded<C>) -> String {
    let file = match &loaded.file {
        Some(path) => format!("configuration file: {}\n", path.display()),
        None => "configuration file: none\n".to_owned(),
    };
    let warnings: String = loaded.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    format!("{file}{warnings}the configuration is valid\n")
}

fn good<C>(text: String) -> Invocation<C> {
    Invocation::Print(Answer { text, code: 0 })
}

fn bad<C>(text: String) -> Invocation<C> {
    Invocation::Print(Answer { text, code: EXIT_USAGE })
}

#[cfg(test)]
mod tests;
