//! Logs to standard error, and to daily files if a folder is given. Logging never blocks the caller: lines
//! go through a bounded queue to a thread that writes them, and are dropped when it cannot keep up.

mod config;
mod escape;
mod files;
mod level;
mod running;

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::sync::watch;
use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    Layer, layer::SubscriberExt as _, registry::LookupSpan, reload, util::SubscriberInitExt as _,
};

pub use self::config::{Format, LogConfig};
use self::escape::Escaped;
use self::files::Files;
pub use self::level::{Level, LevelError};
pub use self::running::{LogProblem, RunningLogs};

/// Capacity of the queue to the writing thread. The queue's slots are allocated at start (40 bytes each, per writer), and
/// a disk that is this far behind will not catch up.
const WAITING_LINES: usize = 2_048;

/// Where a copy of the log goes.
pub type Copy = Box<dyn Write + Send>;

/// Keeps the writing threads running. Dropping it writes what is queued.
pub struct Guard {
    running: RunningLogs,
    _writers: Vec<WorkerGuard>,
}

impl Guard {
    /// The logs, for the other parts of the process.
    pub fn running(&self) -> RunningLogs {
        self.running.clone()
    }
}

/// Starts logging for this process; `name` is the first part of the file names. If the folder cannot be written, a warning is logged, and writing is
/// tried again with every line.
///
/// # Errors
/// This process already logs, or the level is invalid.
pub fn start(config: &LogConfig, name: &str) -> anyhow::Result<Guard> {
    start_with_copy(config, name, None)
}

/// [`start`], with a copy of every line for a viewer: each is one JSON object, written in one piece by a thread of its own.
///
/// # Errors
/// As [`start`].
pub fn start_with_copy(config: &LogConfig, name: &str, copy: Option<Copy>) -> anyhow::Result<Guard> {
    let (subscriber, guard) = prepare(config, name, io::stderr(), copy)?;
    subscriber.try_init().context("start logging")?;
    if let Some(problem) = guard.running.problem() {
        tracing::warn!("{}", problem.what);
    }
    Ok(guard)
}

/// Logs while `run` runs, and logs its error if it fails; returns the program's exit code.
#[expect(clippy::print_stderr, reason = "without logs there is no other way")]
pub fn around(
    config: &LogConfig,
    name: &str,
    run: impl FnOnce(RunningLogs) -> anyhow::Result<()>,
) -> ExitCode {
    let logs = match start(config, name) {
        Ok(logs) => logs,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    match run(logs.running()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("Stopped by an error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(
    config: &LogConfig,
    name: &str,
    terminal: impl Write + Send + 'static,
    copy: Option<Copy>,
) -> anyhow::Result<(impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync, Guard)> {
    let filter = level::filter(&config.level).context("read the log level")?;
    let (filter, level) = reload::Layer::new(filter);
    let (lines, writer) = queue(terminal, "log", has_colours());
    let mut layers = vec![layer(config.format, lines, has_colours())];
    let (problems, problem) = watch::channel(None);
    let running = RunningLogs::new(Level::new(level), problem);
    let mut guard = Guard { running, _writers: vec![writer] };
    if let Some(copy) = copy {
        let (lines, writer) = queue(copy, "log-copy", false);
        layers.push(layer(Format::Json, lines, false));
        guard._writers.push(writer);
    }
    if let Some(dir) = &config.dir {
        let files = Files::open(dir, name, config.max_size, config.keep, problems);
        let (lines, writer) = queue(files, "log-files", false);
        layers.push(layer(config.format, lines, false));
        guard._writers.push(writer);
    }
    Ok((tracing_subscriber::registry().with(filter).with(layers), guard))
}

fn queue(writer: impl Write + Send + 'static, thread: &str, has_colours: bool) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES)
        .thread_name(thread)
        .finish(Escaped::new(writer, has_colours))
}

fn layer<S>(format: Format, lines: NonBlocking, colours: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(lines).with_ansi(colours);
    match format {
        Format::Auto | Format::Human => layer.boxed(),
        Format::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
    }
}

/// Colours are for terminals, unless the user has opted out (`NO_COLOR`).
fn has_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests;
