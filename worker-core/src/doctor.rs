//! Diagnostics (the command `doctor`): runs all checks that matter to a worker, one after the other, and suggests a fix for each problem.
//!
//! The checks use the worker's own code: [`dial`] for the server, a probe for the runtime. They do not disturb a running worker, and the server does
//! not list them as a worker: the connection ends before the hello message. `local` checks this machine, `network` the connection to the server,
//! `certificate` the server's certificate, `models` the runtime, `local_network` the permission that macOS requires; `notes` runs a check and records
//! it.

mod certificate;
mod local;
mod local_network;
mod models;
mod network;
mod notes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use llamapool_settings::{Loaded, Mistakes};
use llamapool_tunnel::dial;
pub(crate) use local::status;
use notes::Notes;

/// The inputs of the checks.
pub struct Context {
    /// The configuration, or what is wrong with it.
    pub loaded: Result<Loaded<Config>, Mistakes>,
    /// The configuration file, which need not exist.
    pub file: PathBuf,
    /// How to dial; `None` to do it as the worker does.
    pub dial: Option<dial::Options>,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its stable name, for programs.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its outcome.
    pub outcome: Outcome,
    /// What was found, in a sentence.
    pub found: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// How long it took.
    #[serde(rename = "took_ms", serialize_with = "millis")]
    pub took: Duration,
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Passed.
    Ok,
    /// It works, but could be improved.
    Warning,
    /// The worker cannot work like this.
    Failed,
    /// Not checked, because of an earlier result or because it does not apply.
    Skipped,
}

/// Runs all checks, in at most half a minute, reports each as soon as it is done, and returns all of them.
pub async fn run(context: &Context, mut tell: impl FnMut(&Check) + Send) -> Vec<Check> {
    llamapool_tunnel::tls::install();
    let mut notes = Notes::new(&mut tell);
    let Some(config) = local::configuration(&mut notes, context) else {
        for (id, title) in local::CHECKS.into_iter().chain(network::CHECKS).chain(models::CHECKS) {
            notes.skip(id, title, "the configuration cannot be used");
        }
        return notes.checks;
    };
    let home = context.file.parent().unwrap_or(Path::new("."));
    local::look(&mut notes, config, &context.file, home).await;
    let own = dial::Options::new(config.server.ca_file.clone());
    Box::pin(network::look(&mut notes, config, context.dial.as_ref().unwrap_or(&own))).await;
    Box::pin(models::look(&mut notes, config)).await;
    notes.checks
}

/// Whether no check failed.
pub fn is_well(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.outcome != Outcome::Failed)
}

/// The checks as lines of text.
pub fn in_words(checks: &[Check]) -> String {
    let line = |check: &Check| {
        let fix = check.fix.as_ref().map(|fix| format!("    fix: {fix}\n")).unwrap_or_default();
        let (title, ms) = (check.title, check.took.as_millis());
        format!("{:<8} {title}: {} ({ms} ms)\n{fix}", check.outcome.as_str(), check.found)
    };
    checks.iter().map(line).collect()
}

impl Outcome {
    /// `ok`, `warning`, `failed` or `skipped`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

fn millis<S: serde::Serializer>(took: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
