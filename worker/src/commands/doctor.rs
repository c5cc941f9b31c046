//! `llamapool-worker doctor`: checks everything a worker needs, and suggests fixes.

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

/// Width of the titles.
const TITLES: usize = 24;

pub(super) fn command() -> Command {
    let json = Arg::new(JSON).long(JSON).action(ArgAction::SetTrue).help("Print the result as JSON");
    let report = Arg::new(REPORT).long(REPORT).value_name("FILE").help(
        "Also write a report to share: a zip file with the result, the settings, the status and the latest logs, without keys, tokens and passwords",
    );
    Command::new(NAME)
        .about("Find out what prevents this worker from running, and how to fix it")
        .long_about(
            "Checks the configuration, this machine, the connection to the server, the key and the LLM runtime, using the same code \
             as the worker, and suggests a fix for each problem. A running worker is not disturbed. Exits with 0 if a worker could \
             run with this configuration, else 1.",
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
    // A pending name lookup would delay the exit.
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

/// For terminals, unless the user has opted out of colours.
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
            "Report saved to {}: {}. Review it before you share it.",
            path.display(),
            names.join(", ")
        ));
    }
    Ok(())
}
