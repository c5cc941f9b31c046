//! The settings of logs.

use std::path::PathBuf;

use super::level::{ALLOWED, directives};
use llamapool_settings::{Setting, concern, kind, kind::Kind};

/// Smaller files would be rotated all the time.
const SMALLEST_FILE: u64 = 64 * 1024;

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Currently always [`Format::Human`].
    Auto,
    /// Human-readable.
    Human,
    /// One JSON object per line.
    Json,
}

const FORMATS: &[(&str, Format)] =
    &[("auto", Format::Auto), ("human", Format::Human), ("json", Format::Json)];

concern! {
    /// Log level, format and files.
    pub struct LogConfig: "Logs" {
        /// Log level: `error`, `warn`, `info`, `debug`, `trace` or `off`, or a level per module, for example
        /// `info,llamapool_server::flow=debug`. `DEBUG=true` is short for `debug`.
        level: String = Setting::new("log_level", level()).shorthand("debug", "debug").default("info").live();

        /// Format of log lines: `human` or `json`.
        format: Format = Setting::new("log_format", kind::one_of(FORMATS)).default("auto");

        /// Folder for daily log files. Logs also go to standard error.
        dir: Option<PathBuf> = Setting::new("log_dir", kind::path().optional()).default_words("no files");

        /// Size at which a new log file is started; a day can have several, numbered.
        max_size: u64 = Setting::new("log_max_size", kind::bytes(SMALLEST_FILE..=1 << 40)).default("50MiB");

        /// Number of log files to keep; the oldest are removed.
        keep: usize = Setting::new("log_keep", kind::count(1..=10_000).map(|n| n as usize)).default("7");
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        llamapool_settings::defaults()
    }
}

/// A level or directives, including the level names of older versions.
fn level() -> Kind<String> {
    Kind::new("LEVEL", ALLOWED, |text| directives(text).map(str::to_owned))
}
