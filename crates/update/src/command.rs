//! The command `update`, which several programs have.

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

/// The declaration of the command.
pub fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new(NAME)
        .about("Update this program to the latest release")
        .long_about(
            "Downloads the latest release over HTTPS, verifies that it is signed with the key built into this program, and replaces \
             this program with it. The previous version is kept. A running process keeps the old version until it is restarted.",
        )
        .args([
            flag(CHECK, "Only check whether there is a newer release"),
            flag(BACK, "Restore the version from before the last update").conflicts_with(CHECK),
        ])
}

/// Runs the command for `program`, and reports the result.
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
        say(format_args!("{program} does not update itself, because {manager}"));
        return Ok(ExitCode::FAILURE);
    }
    let updater = Updater::of_process(program)?;
    let Some(release) = updater.check().await? else {
        say(format_args!("{program} {} is the latest version.", build::VERSION));
        return Ok(ExitCode::SUCCESS);
    };
    say(format_args!("{program} {} can be updated to {}. {}", build::VERSION, release.version, release.page));
    if only_check {
        return Ok(ExitCode::SUCCESS);
    }
    let staged = updater.stage(&release).await?;
    // The previous version is kept, so that the user can restore it.
    staged.apply().await?;
    say(format_args!(
        "{program} was updated to {}. Restart it if it is running. To restore the previous version: {program} {NAME} --{BACK}",
        release.version
    ));
    Ok(ExitCode::SUCCESS)
}

fn roll_back(program: &str) -> Result<ExitCode, UpdateError> {
    let Some(applied) = Applied::pending(&this_exe()?)? else {
        say(format_args!("There is no previous version of {program} to restore."));
        return Ok(ExitCode::FAILURE);
    };
    applied.roll_back()?;
    say(format_args!("The previous version of {program} was restored. Restart it if it is running."));
    Ok(ExitCode::SUCCESS)
}

fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
