//! What is logged, how, and where.

use std::path::PathBuf;

use super::level::{ALLOWED, directives};
use llamapool_settings::{Setting, concern, kind, kind::Kind};

/// Smaller files than this would be renumbered all the time.
const SMALLEST_FILE: u64 = 64 * 1024;

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What fits the place; for now that is always [`Format::Human`].
    Auto,
    /// For people.
    Human,
    /// One JSON object on a line.
    Json,
}

const FORMATS: &[(&str, Format)] =
    &[("auto", Format::Auto), ("human", Format::Human), ("json", Format::Json)];

concern! {
    /// What is logged, how, and where.
    pub struct LogConfig: "Logs" {
        /// How much is logged. `error`, `warn`, `info`, `debug`, `trace`, `off`, or by module, as
        /// `info,llamapool_server::flow=debug`. `DEBUG=true` stands for `debug`.
        level: String = Setting::new("log_level", level()).shorthand("debug", "debug").default("info");

        /// How a line looks: for people, or as JSON.
        format: Format = Setting::new("log_format", kind::one_of(FORMATS)).default("auto");

        /// Folder for log files, one a day. With or without them, all goes to the standard error.
        dir: Option<PathBuf> = Setting::new("log_dir", kind::path().optional()).default_words("no files");

        /// Size at which a log file is continued in another. A day may so have several, numbered.
        max_size: u64 = Setting::new("log_max_size", kind::bytes(SMALLEST_FILE..=1 << 40)).default("50MiB");

        /// Log files that are kept. The oldest are removed.
        keep: usize = Setting::new("log_keep", kind::count(1..=10_000).map(|n| n as usize)).default("7");
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        llamapool_settings::defaults()
    }
}

/// A level or directives; the words of older versions too.
fn level() -> Kind<String> {
    Kind::new("LEVEL", ALLOWED, |text| directives(text).map(str::to_owned))
}
