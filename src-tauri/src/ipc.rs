//! Messages between the windows and the app. The windows' TypeScript types are generated from here.

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

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Problem {
    /// The problem, as a sentence.
    pub what: String,
    /// The cause, if known.
    pub why: Option<String>,
    /// How to fix it.
    pub fix: Option<String>,
    /// The form field that it concerns.
    pub field: Option<String>,
}

impl Problem {
    /// A problem without further details.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), why: None, fix: None, field: None }
    }

    /// Sets the cause.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Sets how to fix it.
    pub fn fixed_by(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Sets the form field that it concerns.
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

/// A log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct LogLine {
    /// Number of the line, counted since the app started.
    #[ts(type = "number")]
    pub seq: u64,
    /// When it was logged, RFC 3339.
    pub at: String,
    /// Its level.
    pub level: LogLevel,
    /// The module that logged it.
    pub target: String,
    /// The message.
    pub message: String,
    /// The fields, as `name=value`.
    pub fields: String,
}

/// A log level.
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

/// Log lines, and where the next batch begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct LogBatch {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
    /// The number to request next.
    #[ts(type = "number")]
    pub next: u64,
}

/// The result of one diagnostic check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Check {
    /// The check's stable name, for programs.
    pub id: String,
    /// The check's title, for people.
    pub title: String,
    /// The outcome.
    pub outcome: Outcome,
    /// What was found, as a sentence.
    pub found: String,
    /// How to fix it.
    pub fix: Option<String>,
    /// Duration, milliseconds.
    #[ts(type = "number")]
    pub took_ms: u64,
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Outcome {
    /// Passed.
    Ok,
    /// It works, but needs attention.
    Warning,
    /// It does not work.
    Failed,
    /// Not checked, because an earlier check failed.
    Skipped,
}

/// A file of the report, exactly as it will be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ReportFile {
    /// Its name in the archive.
    pub name: String,
    /// Its size, bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// Its full content.
    pub text: String,
}

/// Information about this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct About {
    /// The version.
    pub version: String,
    /// The commit that it was built from.
    pub build_sha: String,
    /// The date of the build.
    pub build_date: String,
    /// The name of the licence.
    pub licence: String,
}
