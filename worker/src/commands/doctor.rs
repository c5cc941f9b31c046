//! `llamapool-worker doctor`: looks at everything that a worker needs, and says what to do.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Arg, ArgAction, Command};
use llamapool_settings::cli::Called;
use llamapool_settings::paths;
use llamapool_worker_core::config::Config;
use llamapool_worker_core::doctor::{self, Check, Context, Outcome};
use llamapool_worker_core::report::Report;

use super::say;

pub(super) const NAME: &str = "doctor";

const JSON: &str = "json";
const REPORT: &str = "report";

/// How wide the titles are.
const TITLES: usize = 24;

pub(super) fn command() -> Command {
    let json = Arg::new(JSON).long(JSON).action(ArgAction::SetTrue).help("Print the result as JSON");
    let report = Arg::new(REPORT).long(REPORT).value_name("FILE").help(
        "Also write a report for whoever helps: a zip with the result, the settings, the status and the last logs, \
         from which keys, tokens and passwords are removed",
    );
    Command::new(NAME)
        .about("Say what keeps this worker from working, if anything, and what to do about it")
        .long_about(
            "Looks at the configuration, this machine, the way to the server, the key and the LLM runtime, the way a \
             worker would, and says what to do about what is wrong. A running worker is not disturbed. The exit code \
             is 0 if a worker can work like this, and 1 if not.",
        )
        .args([json, report])
}

pub(super) fn run(called: Called<Config>) -> anyhow::Result<ExitCode> {
    let file = called.file.unwrap_or_else(|| paths::config_file("worker"));
    let context = Context { loaded: called.loaded, file, dial: None };
    let as_json = called.args.get_flag(JSON);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let checks = runtime.block_on(doctor::run(&context, |check| {
        if !as_json {
            print(check);
        }
    }));
    if as_json {
        print_json(&checks)?;
    }
    if let Some(path) = called.args.get_one::<String>(REPORT) {
        let env = |name: &str| std::env::var(name).ok();
        let report = runtime.block_on(Report::gather(&context, &checks, &env));
        save(&report, Path::new(path), as_json)?;
    }
    // A name that is still being looked up would hold us.
    runtime.shutdown_background();
    Ok(if doctor::is_well(&checks) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(check: &Check) {
    let (mark, colour) = match check.outcome {
        Outcome::Ok => ("✓", "32"),
        Outcome::Warning => ("!", "33"),
        Outcome::Failed => ("✗", "31"),
        Outcome::Skipped => ("–", "2"),
    };
    let (title, found) = (check.title, &check.found);
    if has_colours() {
        say(format_args!("\x1b[{colour}m{mark}\x1b[0m {title:<TITLES$} {found}"));
    } else {
        say(format_args!("{:<8} {title:<TITLES$} {found}", check.outcome.as_str()));
    }
    if let Some(fix) = &check.fix {
        let margin = if has_colours() { "  " } else { "         " };
        say(format_args!("{margin}{:<TITLES$} fix: {fix}", ""));
    }
}

/// For terminals, and for people who did not ask to be spared.
fn has_colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn print_json(checks: &[Check]) -> anyhow::Result<()> {
    let all = serde_json::json!({ "well": doctor::is_well(checks), "checks": checks });
    say(serde_json::to_string_pretty(&all)?);
    Ok(())
}

fn save(report: &Report, path: &Path, quietly: bool) -> anyhow::Result<()> {
    report.save(path).with_context(|| format!("write the report to {}", path.display()))?;
    if !quietly {
        let names: Vec<_> = report.preview().iter().map(|page| page.name.as_str()).collect();
        say(format_args!(
            "The report is in {}: {}. Look at it before you pass it on.",
            path.display(),
            names.join(", ")
        ));
    }
    Ok(())
}
