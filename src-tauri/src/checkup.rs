//! The doctor's visit as the Diagnostics window shows it, and the report that can be made of it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use llamapool_worker_core::doctor::{self, Patient};
use llamapool_worker_core::report::Report;
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;

use crate::actions;
use crate::desk::Desk;
use crate::ipc::{Check, Outcome, Problem, ReportFile};
use crate::keychain::Keys;
use crate::supervisor::environment;

/// The last visit: what was found, and the report that was made of it, so that what is saved is what was shown.
#[derive(Default)]
pub struct Checkup(Mutex<Last>);

#[derive(Default)]
struct Last {
    checks: Vec<doctor::Check>,
    report: Option<Report>,
}

impl Checkup {
    /// Has the doctor look at everything; each check is told when it is done. Gives all of them.
    pub async fn run(&self, desk: &Desk, mut tell: impl FnMut(Check) + Send) -> Vec<Check> {
        let checks = doctor::run(&patient(desk), |check| tell(view(check))).await;
        let views = checks.iter().map(view).collect();
        self.with(|last| *last = Last { checks, report: None });
        views
    }

    /// What was found, in words.
    pub fn text(&self) -> String {
        self.with(|last| doctor::in_words(&last.checks))
    }

    /// Makes a report and shows what is in it. What the doctor says belongs into it, so it is asked now if it was not before.
    pub async fn preview(&self, desk: &Desk) -> Vec<ReportFile> {
        if self.with(|last| last.checks.is_empty()) {
            self.run(desk, drop).await;
        }
        let checks = self.with(|last| last.checks.clone());
        let Some(report) = gather(patient(desk), checks, desk.place.keys().clone()).await else {
            return Vec::new();
        };
        let files = report.preview().iter().map(|page| ReportFile {
            name: page.name.clone(),
            size: page.text.len() as u64,
            text: page.text.clone(),
        });
        let files = files.collect();
        self.with(|last| last.report = Some(report));
        files
    }

    /// Saves the report that was shown, and says where.
    pub async fn save(&self, desk: &Desk) -> Result<PathBuf, Problem> {
        let shown = self.with(|last| last.report.clone());
        let report = match shown {
            Some(report) => report,
            None => {
                self.preview(desk).await;
                self.with(|last| last.report.clone()).ok_or_else(|| Problem::new("There is no report"))?
            }
        };
        let folder = actions::reports(desk);
        let time = chrono::Local::now().format("%Y-%m-%d-%H%M%S");
        let file = folder.join(format!("llamapool-report-{time}.zip"));
        let saved = std::fs::create_dir_all(&folder).and_then(|()| report.save(&file));
        saved.map_err(|error| {
            Problem::new(format!("The report cannot be saved as {}", file.display()))
                .because(error.to_string())
        })?;
        Ok(file)
    }

    fn with<T>(&self, then: impl FnOnce(&mut Last) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads files and asks for the environment, which is best done where nobody waits.
async fn gather(patient: Patient, checks: Vec<doctor::Check>, keys: Keys) -> Option<Report> {
    let runtime = Handle::current();
    // Keys from the keychain are taken out of what is told as those of the environment are.
    let kept = move |name: &str| keys.get(&name.to_lowercase()).map(|key| key.expose_secret().to_owned());
    let given = move |name: &str| environment(name).or_else(|| kept(name));
    let gathered = move || runtime.block_on(Report::gather(&patient, &checks, &given));
    tokio::task::spawn_blocking(gathered).await.ok()
}

/// The worker as the app runs it: its logs are the app's.
fn patient(desk: &Desk) -> Patient {
    let mut loaded = desk.place.load();
    if let Ok(loaded) = &mut loaded {
        loaded.config.log.dir = desk.log_dir.clone();
    }
    Patient { loaded, file: desk.place.file().to_owned(), dial: None }
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
