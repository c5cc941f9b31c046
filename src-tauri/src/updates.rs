//! Updates of the app: checked once a day, downloaded, and installed when no request is running or the user says so. A version whose worker is not ready
//! within a minute is rolled back. If a package manager has installed the app, updates are left to it.
//!
//! [`schedule`] decides when to check and what to do, [`health_check`] whether a new version works as well as the previous one; both are pure.

mod health_check;
mod schedule;

use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use llamapool_settings::build;
use llamapool_update::{self as update, Applied, Managed, Staged, UpdateError, Updater, Watchdog};
use tokio::sync::{Notify, watch};

use self::schedule::{Schedule, Situation, Step};
use crate::app_settings::SettingsStore;
use crate::ipc::{UpdateMode, UpdateState, UpdateView};
use crate::snapshot::unix_ms;
use crate::supervisor::{Facts, Order, SYSTEM_SHUTDOWN_TIMEOUT, Supervisor};
use crate::{autostart, cli_args};

/// The name of this program in releases.
const PROGRAM: &str = "llamapool";

/// The environment variable that tells a new version that the previous version's worker was ready.
const WAS_READY: &str = "LLAMAPOOL_WAS_READY";

/// Checks for, downloads and installs updates.
pub struct Updates {
    supervisor: Supervisor,
    settings: SettingsStore,
    view: watch::Sender<UpdateView>,
    installation: OnceLock<Installation>,
    is_first_start: bool,
    staged: Mutex<Option<Staged>>,
    /// The user wants a check now.
    requested: Notify,
    /// The app is quitting in order to restart.
    restart: Mutex<Option<Restart>>,
    /// Starts the new version when this process has ended.
    guard: Mutex<Option<Watchdog>>,
}

/// How the app was installed.
struct Installation {
    managed_by: Option<String>,
    updater: Option<Updater>,
    /// The app cannot replace itself, only report updates: a macOS app bundle or an AppImage.
    is_manual: bool,
}

/// A requested restart.
#[derive(Clone, Copy)]
struct Restart {
    was_ready: bool,
}

impl Updates {
    /// Updates of this process. How it was installed is found out by [`Updates::run`].
    pub fn of_process(supervisor: Supervisor, settings: SettingsStore) -> Self {
        let state = UpdateState::Idle;
        let view = UpdateView { state, version: None, notes: None, why: None, checked_at: None };
        let pending = update::this_exe().and_then(|exe| Applied::pending(&exe));
        Self {
            supervisor,
            settings,
            view: watch::Sender::new(view),
            installation: OnceLock::new(),
            is_first_start: matches!(pending, Ok(Some(_))),
            staged: Mutex::default(),
            requested: Notify::new(),
            restart: Mutex::default(),
            guard: Mutex::default(),
        }
    }

    /// The state of updates, now and after each change.
    pub fn watch(&self) -> watch::Receiver<UpdateView> {
        self.view.subscribe()
    }

    /// The package manager that updates the app, if any.
    pub fn managed_by(&self) -> Option<String> {
        self.installation.get()?.managed_by.clone()
    }

    /// Whether this is the first start after an update: no window opens then.
    pub fn is_first_start(&self) -> bool {
        self.is_first_start
    }

    /// Checks for an update now.
    pub fn check_now(&self) {
        self.requested.notify_one();
    }

    /// Quits when no request is running, installs the downloaded update, and starts it. Does nothing if none is downloaded.
    pub async fn restart(&self) {
        if lock(&self.staged).is_some() {
            let was_ready = health_check::is_ready(&self.supervisor.facts().borrow());
            *lock(&self.restart) = Some(Restart { was_ready });
            self.supervisor.order(Order::Quit).await;
        }
    }

    /// The user has cancelled quitting.
    pub fn cancel_restart(&self) {
        *lock(&self.restart) = None;
    }

    /// The supervisor has ended. If that was for an update, installs it, to be started when this process has ended. `true` if this program is to be
    /// started again instead, as after a rollback.
    pub async fn needs_restart(&self) -> bool {
        let Some(restart) = *lock(&self.restart) else {
            return false;
        };
        let Some(staged) = lock(&self.staged).take() else {
            return true; // rolled back
        };
        let was_ready = restart.was_ready.then_some((WAS_READY, "1"));
        let applied = staged.apply().await;
        match applied.and_then(|applied| applied.start_after_us(args(std::env::args_os().skip(1)), was_ready))
        {
            Ok(guard) => {
                tracing::info!("Update installed");
                *lock(&self.guard) = Some(guard);
                false
            }
            Err(error) => {
                tracing::error!("Couldn't install the update: {error}");
                true
            }
        }
    }

    /// Keeps the app up to date as long as it runs. `on_installation` is called once it is known how the app was installed.
    pub async fn run(self: Arc<Self>, on_installation: impl FnOnce()) {
        let Ok((installation, state, why)) = tokio::task::spawn_blocking(Installation::detect).await else {
            return;
        };
        let installation = self.installation.get_or_init(|| installation);
        self.show(state, why);
        on_installation();
        let Some(updater) = &installation.updater else {
            return;
        };
        self.check_health().await;
        let mut schedule = Schedule::start(SystemTime::now(), fastrand::f64());
        let (mut facts, mut settings) = (self.supervisor.facts(), self.settings.watch());
        loop {
            let is_staged = lock(&self.staged).is_some();
            let waits_for_idle = is_staged && settings.borrow_and_update().updates == UpdateMode::Auto;
            let is_requested = tokio::select! {
                () = tokio::time::sleep(schedule.wait(SystemTime::now())) => false,
                () = self.requested.notified() => true,
                Ok(_) = facts.wait_for(is_idle), if waits_for_idle => false,
                Ok(()) = settings.changed() => false,
            };
            let (now, mode) = (SystemTime::now(), self.settings.get().updates);
            let (is_due, is_idle) = (schedule.is_due(now), is_idle(&facts.borrow()));
            match schedule::step(Situation { mode, is_staged, is_requested, is_due, is_idle }) {
                Step::Check => self.check(updater, is_requested).await,
                Step::Restart => {
                    self.restart().await;
                    // The app ends during this, unless the user cancels.
                    tokio::time::sleep(schedule::CANCELLED_WAIT).await;
                }
                Step::Wait => {}
            }
            if is_due || is_requested {
                schedule.checked(now, fastrand::f64());
            }
        }
    }

    /// The first minute after an update: if the worker does not get as far as the previous version's, the update is rolled back.
    async fn check_health(&self) {
        let Ok(Some(applied)) = update::this_exe().and_then(|exe| Applied::pending(&exe)) else {
            return;
        };
        let was_ready = std::env::var_os(WAS_READY).is_some();
        let mut facts = self.supervisor.facts();
        // A timeout is not an error: the state at that time decides.
        let _ =
            tokio::time::timeout(update::health_timeout(), facts.wait_for(health_check::is_settled)).await;
        let is_healthy = health_check::is_healthy(&facts.borrow(), was_ready);
        let done = if is_healthy { applied.confirm() } else { applied.roll_back() };
        match done {
            Ok(()) if is_healthy => tracing::info!("Update confirmed"),
            Ok(()) => {
                tracing::error!("Update rolled back: the worker did not become ready");
                *lock(&self.restart) = Some(Restart { was_ready });
                self.supervisor.order(Order::QuitWithin(SYSTEM_SHUTDOWN_TIMEOUT)).await;
            }
            Err(error) => tracing::warn!("Couldn't confirm or roll back the update: {error}"),
        }
    }

    fn show(&self, state: UpdateState, why: Option<String>) {
        self.view.send_modify(|view| (view.state, view.why) = (state, why));
    }

    /// Checks once and downloads an update. A version that was rolled back is downloaded only on request.
    async fn check(&self, updater: &Updater, is_requested: bool) {
        self.show(UpdateState::Checking, None);
        let found = self.fetch(updater, is_requested).await;
        self.view.send_modify(|view| view.checked_at = Some(unix_ms(SystemTime::now())));
        match found {
            Ok(state) => self.show(state, None),
            Err(error) => {
                tracing::warn!("Couldn't update: {error}");
                self.show(UpdateState::Failed, Some(error.to_string()));
            }
        }
    }

    async fn fetch(&self, updater: &Updater, is_requested: bool) -> Result<UpdateState, UpdateError> {
        let Some(release) = updater.check().await? else {
            return Ok(UpdateState::Idle);
        };
        if self.installation.get().is_some_and(|installation| installation.is_manual) {
            let (version, notes) = (Some(release.version), Some(release.notes));
            self.view.send_modify(|view| (view.version, view.notes) = (version, notes));
            return Ok(UpdateState::Available);
        }
        if updater.has_failed(&release) && !is_requested {
            return Err(UpdateError::Unusable(format!(
                "{} was rolled back on this computer",
                release.version
            )));
        }
        self.view.send_modify(|view| {
            view.state = UpdateState::Staging;
            (view.version, view.notes) = (Some(release.version.clone()), Some(release.notes.clone()));
        });
        let staged = updater.stage(&release).await?;
        *lock(&self.staged) = Some(staged);
        Ok(UpdateState::Staged)
    }
}

impl Installation {
    /// Asks the package managers of this computer, which may be slow.
    fn detect() -> (Self, UpdateState, Option<String>) {
        let exe = update::this_exe();
        let managed = exe.as_ref().ok().and_then(|exe| update::managed_by(exe));
        let is_manual = is_appimage() || managed.as_ref().is_some_and(Managed::is_by_hand);
        let managed_by = managed.filter(|_| !is_manual).map(|by| by.to_string());
        let updater = match &managed_by {
            Some(by) => Err(by.clone()),
            None => Updater::of_process(PROGRAM).map_err(|error| error.to_string()),
        };
        let failed = exe.as_ref().ok().and_then(|exe| update::taken_back(exe));
        let (state, why) = match (&updater, failed) {
            (Err(why), _) => (UpdateState::Off, Some(why.clone())),
            (Ok(_), Some(version)) => {
                let why = format!("{version} did not work on this computer. {} is back.", build::VERSION);
                (UpdateState::Failed, Some(why))
            }
            (Ok(_), None) => (UpdateState::Idle, None),
        };
        (Self { managed_by, updater: updater.ok(), is_manual }, state, why)
    }
}

fn is_idle(facts: &Facts) -> bool {
    facts.worker.as_ref().is_none_or(|worker| worker.running == 0)
}

/// The arguments for the new version: those of this process, without a link and without opening a window.
fn args(ours: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let is_kept = |arg: &OsString| arg != autostart::HIDDEN && !cli_args::is_link(&arg.to_string_lossy());
    ours.into_iter().filter(is_kept).chain([autostart::HIDDEN.into()]).collect()
}

/// Whether the app runs from an AppImage: one file, which the program in it cannot replace.
fn is_appimage() -> bool {
    std::env::var_os("APPIMAGE").is_some_and(|path| !path.is_empty())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_version_opens_no_window_and_no_link() {
        let check = |ours: &str, expect: &str| {
            let given = args(ours.split_whitespace().map(OsString::from));
            assert_eq!(given.join(" ".as_ref()), expect, "{ours}");
        };
        check("", "--hidden");
        check("--hidden", "--hidden");
        check("--config a.yaml llamapool://join?key=hush", "--config a.yaml --hidden");
    }
}
