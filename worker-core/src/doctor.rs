//! The doctor: what stands between a worker and its work, one check after the other, each with what to do about it.
//!
//! It goes the way that the worker goes, with the same code: [`dial`] to the server, a info of the runtime. A running worker is not
//! disturbed, and the server sees no worker come: the visit ends before the introduction. `here` looks at this machine, `way` at the way to
//! the server, `certificate` at what a server shows, `models` at the runtime, `local_network` at what macOS keeps from both; `notes` is how a check is made.

mod certificate;
mod here;
mod local_network;
mod models;
mod notes;
mod way;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use crate::dial;
use crate::settings::{Loaded, Mistakes};
pub(crate) use here::status;
use notes::Notes;

/// What the doctor is shown.
pub struct Patient {
    /// The configuration, or what is wrong with it.
    pub loaded: Result<Loaded<Config>, Mistakes>,
    /// The configuration file, which need not exist.
    pub file: PathBuf,
    /// How to dial; nothing is as the worker does it.
    pub dial: Option<dial::Options>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its name for programs, always the same.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was found, in a sentence.
    pub found: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// How long it took.
    #[serde(rename = "took_ms", serialize_with = "millis")]
    pub took: Duration,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Fine.
    Ok,
    /// It works, and should be better.
    Warning,
    /// The worker cannot work like this.
    Failed,
    /// Not looked at, because of what was found before or because it does not apply.
    Skipped,
}

/// Looks at everything, in at most half a minute, and tells each check as soon as it is done. Gives all of them.
pub async fn run(patient: &Patient, mut tell: impl FnMut(&Check) + Send) -> Vec<Check> {
    crate::tls::install();
    let mut notes = Notes::new(&mut tell);
    let Some(config) = here::configuration(&mut notes, patient) else {
        for (id, title) in here::CHECKS.into_iter().chain(way::CHECKS).chain(models::CHECKS) {
            notes.skip(id, title, "the configuration cannot be used");
        }
        return notes.checks;
    };
    let home = patient.file.parent().unwrap_or(Path::new("."));
    here::look(&mut notes, config, &patient.file, home).await;
    let own = dial::Options::new(config.server.ca_file.clone());
    Box::pin(way::look(&mut notes, config, patient.dial.as_ref().unwrap_or(&own))).await;
    Box::pin(models::look(&mut notes, config)).await;
    notes.checks
}

/// Whether a worker can work, as far as these checks tell.
pub fn is_well(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.outcome != Outcome::Failed)
}

/// The checks as lines for people who read a file.
pub fn in_words(checks: &[Check]) -> String {
    let line = |check: &Check| {
        let fix = check.fix.as_ref().map(|fix| format!("    fix: {fix}\n")).unwrap_or_default();
        let (title, ms) = (check.title, check.took.as_millis());
        format!("{:<8} {title}: {} ({ms} ms)\n{fix}", check.outcome.word(), check.found)
    };
    checks.iter().map(line).collect()
}

impl Outcome {
    /// `ok`, `warning`, `failed` or `skipped`.
    pub fn word(self) -> &'static str {
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
