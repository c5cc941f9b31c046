//! Diagnostics as the Diagnostics window shows them, and the report that can be made of them.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use llamapool_worker_core::doctor::{self, Context};
use llamapool_worker_core::report::Report;
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;

use crate::config_paths::{ConfigPaths, environment};
use crate::ipc::{Check, Outcome, Problem, ReportFile};
use crate::keychain::Keys;

/// Runs diagnostics and keeps the last results, so that the saved report is the one that was shown.
pub struct Diagnostics {
    paths: ConfigPaths,
    /// Where the app logs, which is where its worker does.
    log_dir: Option<PathBuf>,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    checks: Vec<doctor::Check>,
    report: Option<Report>,
}

impl Diagnostics {
    /// Diagnostics of the worker with this configuration.
    pub fn new(paths: ConfigPaths, log_dir: Option<PathBuf>) -> Self {
        Self { paths, log_dir, last: Mutex::default() }
    }

    /// Runs all checks. `on_check` gets each one when it is done.
    pub async fn run(&self, mut on_check: impl FnMut(Check) + Send) -> Vec<Check> {
        let checks = doctor::run(&self.subject(), |check| on_check(view(check))).await;
        let views = checks.iter().map(view).collect();
        self.with_last(|last| *last = Last { checks, report: None });
        views
    }

    /// The results of the last run as text.
    pub fn text(&self) -> String {
        self.with_last(|last| doctor::in_words(&last.checks))
    }

    /// Makes a report and returns its contents. Runs the checks first if they have not been run yet.
    pub async fn preview(&self) -> Vec<ReportFile> {
        if self.with_last(|last| last.checks.is_empty()) {
            self.run(drop).await;
        }
        let checks = self.with_last(|last| last.checks.clone());
        let Some(report) = gather(self.subject(), checks, self.paths.keys().clone()).await else {
            return Vec::new();
        };
        let files = report.preview().iter().map(|page| ReportFile {
            name: page.name.clone(),
            size: page.text.len() as u64,
            text: page.text.clone(),
        });
        let files = files.collect();
        self.with_last(|last| last.report = Some(report));
        files
    }

    /// Saves the report that was shown. Returns its path.
    pub async fn save(&self) -> Result<PathBuf, Problem> {
        if self.with_last(|last| last.report.is_none()) {
            self.preview().await;
        }
        let report = self.with_last(|last| last.report.clone());
        let report = report.ok_or_else(|| Problem::new("The report could not be created"))?;
        let folder = self.paths.reports_dir();
        let time = chrono::Local::now().format("%Y-%m-%d-%H%M%S");
        let file = folder.join(format!("llamapool-report-{time}.zip"));
        let saved = std::fs::create_dir_all(&folder).and_then(|()| report.save(&file));
        saved.map_err(|error| {
            Problem::new(format!("Couldn’t save the report as {}", file.display())).because(error.to_string())
        })?;
        Ok(file)
    }

    /// What is diagnosed: the worker as the app runs it, with the app's logs.
    fn subject(&self) -> Context {
        let mut loaded = self.paths.load();
        if let Ok(loaded) = &mut loaded {
            loaded.config.log.dir.clone_from(&self.log_dir);
        }
        Context { loaded, file: self.paths.file().to_owned(), dial: None }
    }

    fn with_last<T>(&self, then: impl FnOnce(&mut Last) -> T) -> T {
        then(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Gathers a report on a blocking thread, since it reads files and the environment.
async fn gather(subject: Context, checks: Vec<doctor::Check>, keys: Keys) -> Option<Report> {
    let runtime = Handle::current();
    // Keys from the keychain are redacted like those from the environment.
    let from_keychain =
        move |name: &str| keys.get(&name.to_lowercase()).map(|key| key.expose_secret().to_owned());
    let secrets = move |name: &str| environment(name).or_else(|| from_keychain(name));
    let gather = move || runtime.block_on(Report::gather(&subject, &checks, &secrets));
    tokio::task::spawn_blocking(gather).await.ok()
}

fn view(check: &doctor::Check) -> Check {
    Check {
        id: check.id.to_owned(),
        title: check.title.to_owned(),
        outcome: match check.outcome {
            doctor::Outcome::Ok => Outcome::Ok,
            doctor::Outcome::Warning => Outcome::Warning,
            doctor::Outcome::Failed => Outcome::Failed,
            doctor::Outcome::Skipped => Outcome::Skipped,
        },
        found: check.found.clone(),
        fix: check.fix.clone(),
        took_ms: check.took.as_millis() as u64,
    }
}
