//! What the windows and the app say to each other. The windows' TypeScript types are generated from here.

mod first_run;
mod preferences;
mod serve;
mod snapshot;

use serde::Serialize;
use ts_rs::TS;

pub use self::{
    first_run::{FoundRuntime, JoinLink, ServerTrial, Setup, SetupNow, TestAnswer, Trial},
    preferences::{
        AppPreferences, Effect, Field, FieldGroup, FieldKind, Notify, Origin, Preferences, Saved, TrayIcon,
        UpdateMode,
    },
    serve::{Day, OnBattery, PausedBy, ServeForm},
    snapshot::{
        Action, Crash, LiveRequest, LoadBin, Mode, ModelView, Phase, RuntimeView, ServerView, Snapshot,
        Today, Trouble, UpdateState, UpdateView, WorkerView,
    },
};

/// Why a command failed. Every failure is one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Problem {
    /// What is wrong, in a sentence.
    pub what: String,
    /// The reason, if more is known.
    pub why: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
    /// The field it is about.
    pub field: Option<String>,
}

impl Problem {
    /// A problem of which nothing more is known.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), why: None, fix: None, field: None }
    }

    /// The reason.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// What to do about it.
    pub fn fixed_by(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The field it is about.
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        let (what, why) = (error.to_string(), error.chain().skip(1).map(ToString::to_string));
        let why = why.collect::<Vec<_>>().join(": ");
        Self { what, why: (!why.is_empty()).then_some(why), fix: None, field: None }
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct LogLine {
    /// Counts up by one with each line since the app was started.
    #[ts(type = "number")]
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// How bad.
    pub level: LogLevel,
    /// Which part of the program says it.
    pub target: String,
    /// What it says.
    pub message: String,
    /// The facts beside the message, as `name=value`.
    pub fields: String,
}

/// How bad a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "UPPERCASE")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Lines of the log, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct LogBatch {
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// What to ask after the next time.
    #[ts(type = "number")]
    pub next: u64,
}

/// What the doctor found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Check {
    /// For programs.
    pub id: String,
    /// For people.
    pub title: String,
    /// How it went.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// Milliseconds.
    #[ts(type = "number")]
    pub took_ms: u64,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and something should be looked at.
    Warning,
    /// It does not work.
    Failed,
    /// It could not be checked, because an earlier one failed.
    Skipped,
}

/// A file of the report, as it will be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ReportFile {
    /// Its name in the archive.
    pub name: String,
    /// Bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// All of it.
    pub text: String,
}

/// What this program is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct About {
    /// The version.
    pub version: String,
    /// The commit it was built from.
    pub build_sha: String,
    /// The day of the build.
    pub build_date: String,
    /// The licence's name.
    pub licence: String,
}
