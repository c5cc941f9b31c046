//! Newer versions of the app: looked for once a day, fetched, and put in place when nothing runs. A version whose worker is not ready soon is taken
//! back. What a package manager has installed is left to it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use llamapool_worker_core::update::{self, Applied, Staged, UpdateError, Updater};
use tauri::{AppHandle, Manager as _};
use tokio::sync::{Notify, watch};

use crate::desk::Desk;
use crate::ipc::{Phase, UpdateMode, UpdateState, UpdateView};
use crate::quit;
use crate::snapshot::unix_ms;

/// This program, as releases call it.
const PROGRAM: &str = "llamapool";

/// The first look is that long after the start at the latest: not all machines of an office at once.
const FIRST: Duration = Duration::from_secs(15 * 60);

/// And then once a day, give or take the same.
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// A worker of a newer version that is not as well off as this after that time is taken back.
const PROVEN: Duration = Duration::from_secs(60);

/// Newer versions.
pub struct Updates {
    view: watch::Sender<UpdateView>,
    managed_by: Option<String>,
    updater: Option<Updater>,
    is_new: bool,
    staged: Mutex<Option<Staged>>,
    /// Somebody wants it to be looked for now.
    wanted: Notify,
    /// The app ends in order to be started as the newer version.
    restart: Mutex<bool>,
}

impl Updates {
    /// Updates of this process, as far as they are its own matter.
    pub fn of_process() -> Self {
        let managed_by =
            update::this_exe().ok().and_then(|exe| update::managed_by(&exe)).map(|by| by.to_string());
        let managed_by = managed_by.or_else(appimage);
        let updater = match &managed_by {
            Some(by) => Err(by.clone()),
            None => Updater::of_process(PROGRAM).map_err(|error| error.to_string()),
        };
        let (state, why) = match &updater {
            Ok(_) => (UpdateState::Idle, None),
            Err(why) => (UpdateState::Off, Some(why.clone())),
        };
        let view = UpdateView { state, version: None, notes: None, why, checked_at: None };
        Self {
            view: watch::Sender::new(view),
            managed_by,
            updater: updater.ok(),
            is_new: matches!(update::this_exe().and_then(|exe| Applied::pending(&exe)), Ok(Some(_))),
            staged: Mutex::default(),
            wanted: Notify::new(),
            restart: Mutex::default(),
        }
    }

    /// What is known, now and at every change.
    pub fn watch(&self) -> watch::Receiver<UpdateView> {
        self.view.subscribe()
    }

    /// Who updates the app instead.
    pub fn managed_by(&self) -> Option<String> {
        self.managed_by.clone()
    }

    /// Whether this is the first start of a newer version: nobody has asked for a window then.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Looks for a newer version now.
    pub fn look(&self) {
        self.wanted.notify_one();
    }

    /// Ends the app, when what runs is finished, and starts it as the newer version.
    pub fn restart(&self, app: &AppHandle) {
        if self.lock_staged().is_some() {
            *self.restart.lock().unwrap_or_else(PoisonError::into_inner) = true;
            quit::politely(app);
        }
    }

    /// The app has ended its worker. If that was for a newer version, this puts it in place and gives what is to be started.
    pub async fn take_over(&self) -> Option<PathBuf> {
        let is_wanted = *self.restart.lock().unwrap_or_else(PoisonError::into_inner);
        let staged = if is_wanted { self.lock_staged().take() } else { None };
        match staged?.apply().await {
            Ok(_) => update::this_exe().ok(),
            Err(error) => {
                tracing::error!("The update was not put in place: {error}");
                update::this_exe().ok()
            }
        }
    }

    /// Somebody thought better of ending the app.
    pub fn stay(&self) {
        *self.restart.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    fn lock_staged(&self) -> std::sync::MutexGuard<'_, Option<Staged>> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, state: UpdateState, why: Option<String>) {
        self.view.send_modify(|view| (view.state, view.why) = (state, why));
    }

    /// Looks once, and fetches what it finds.
    async fn once(&self, updater: &Updater) {
        self.show(UpdateState::Checking, None);
        let found = self.fetch(updater).await;
        self.view.send_modify(|view| view.checked_at = Some(unix_ms(SystemTime::now())));
        match found {
            Ok(true) => self.show(UpdateState::Staged, None),
            Ok(false) => self.show(UpdateState::Idle, None),
            Err(error) => {
                tracing::warn!("No update: {error}");
                self.show(UpdateState::Failed, Some(error.to_string()));
            }
        }
    }

    async fn fetch(&self, updater: &Updater) -> Result<bool, UpdateError> {
        let Some(release) = updater.check().await? else {
            return Ok(false);
        };
        self.view.send_modify(|view| {
            view.state = UpdateState::Staging;
            (view.version, view.notes) = (Some(release.version.to_string()), Some(release.notes.clone()));
        });
        let staged = updater.stage(&release).await?;
        *self.lock_staged() = Some(staged);
        Ok(true)
    }
}

/// Looks for newer versions as long as the app runs.
pub async fn follow(app: AppHandle) {
    let desk = app.state::<Desk>();
    let Some(updater) = &desk.updates.updater else {
        return;
    };
    prove(&app).await;
    let mut wait = FIRST.mul_f64(fastrand::f64());
    loop {
        let is_wanted = tokio::select! {
            () = tokio::time::sleep(wait) => false,
            () = desk.updates.wanted.notified() => true,
        };
        wait = DAILY + FIRST.mul_f64(fastrand::f64());
        let mode = desk.own.get().updates;
        let is_staged = desk.updates.lock_staged().is_some();
        if is_wanted || (mode != UpdateMode::Off && !is_staged) {
            desk.updates.once(updater).await;
        }
        if mode == UpdateMode::Auto && desk.updates.lock_staged().is_some() {
            // Finishes what runs before anything else.
            desk.updates.restart(&app);
        }
    }
}

/// The first minute of a newer version: its worker has to get where the one before was, else the one before comes back.
async fn prove(app: &AppHandle) {
    let pending = update::this_exe().and_then(|exe| Applied::pending(&exe));
    let Ok(Some(applied)) = pending else {
        return;
    };
    let desk = app.state::<Desk>();
    let mut shown = desk.shown.clone();
    let works = |phase: Phase| {
        // A server or a runtime that is away is not the newer version's fault.
        !matches!(phase, Phase::Failed | Phase::Connecting)
    };
    let proven = tokio::time::timeout(PROVEN, shown.wait_for(|shown| works(shown.phase))).await.is_ok();
    let done = if proven { applied.confirm() } else { applied.roll_back() };
    match (proven, done) {
        (true, Ok(())) => tracing::info!("The update works"),
        (false, Ok(())) => {
            tracing::error!("The update does not work: the version before is back");
            *desk.updates.restart.lock().unwrap_or_else(PoisonError::into_inner) = false;
            app.request_restart();
        }
        (_, Err(error)) => tracing::warn!("The update cannot be settled: {error}"),
    }
}

/// An AppImage is one file that the program inside of it cannot replace.
fn appimage() -> Option<String> {
    let is_one = std::env::var_os("APPIMAGE").is_some_and(|path| !path.is_empty());
    is_one.then(|| "it runs as an AppImage: download the newer one from the releases page".to_owned())
}
