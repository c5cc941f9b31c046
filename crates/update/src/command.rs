//! The command `update` of the programs.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Applied, UpdateError, Updater, managed_by, this_exe};
use llamapool_settings::build;

/// Its name.
pub const NAME: &str = "update";

const CHECK: &str = "check";
const BACK: &str = "roll-back";

/// The command, for the command line.
pub fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new(NAME)
        .about("Replace this program by its newest release, if there is a newer one")
        .long_about(
            "Fetches the newest release over https, checks that it is signed with the key that is part of this \
             program, and puts it in this program's place. The one before is kept. A program that runs goes on as \
             it is until it is started again.",
        )
        .args([
            flag(CHECK, "Only say whether there is a newer release"),
            flag(BACK, "Put the version before the last update back in its place").conflicts_with(CHECK),
        ])
}

/// Carries it out for `program`, and says what happens.
pub fn run(program: &'static str, args: &ArgMatches) -> ExitCode {
    carry_out(program, args).unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "{error}");
        ExitCode::FAILURE
    })
}

fn carry_out(program: &'static str, args: &ArgMatches) -> Result<ExitCode, UpdateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| UpdateError::Unusable(error.to_string()))?;
    let done = if args.get_flag(BACK) {
        roll_back(program)
    } else {
        runtime.block_on(update(program, args.get_flag(CHECK)))
    };
    runtime.shutdown_background();
    done
}

async fn update(program: &'static str, only_check: bool) -> Result<ExitCode, UpdateError> {
    let manager = managed_by(&this_exe()?);
    if let Some(manager) = manager.filter(|_| !only_check) {
        say(format_args!("{program} is not updated from here, because {manager}"));
        return Ok(ExitCode::FAILURE);
    }
    let updater = Updater::of_process(program)?;
    let Some(release) = updater.check().await? else {
        say(format_args!("{program} {} is the newest version.", build::VERSION));
        return Ok(ExitCode::SUCCESS);
    };
    say(format_args!("{program} {} can be updated to {}. {}", build::VERSION, release.version, release.page));
    if only_check {
        return Ok(ExitCode::SUCCESS);
    }
    let staged = updater.stage(&release).await?;
    // The one before stays: who is not content goes back to it.
    staged.apply().await?;
    say(format_args!(
        "{program} is {} now. Start it again where it runs. The version before is kept: {program} {NAME} --{BACK}",
        release.version
    ));
    Ok(ExitCode::SUCCESS)
}

fn roll_back(program: &str) -> Result<ExitCode, UpdateError> {
    let Some(applied) = Applied::pending(&this_exe()?)? else {
        say(format_args!("There is no version of {program} to go back to."));
        return Ok(ExitCode::FAILURE);
    };
    applied.roll_back()?;
    say(format_args!("{program} is the version before the last update again. Start it again where it runs."));
    Ok(ExitCode::SUCCESS)
}

fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
