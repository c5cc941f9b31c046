//! Newer versions of the app: looked for once a day, fetched, and put in place when nothing runs or somebody says so. A version whose worker is not ready
//! within a minute is taken back. What a package manager has installed is left to it.
//!
//! [`schedule`] is when to look and what to do, [`proof`] whether a newer version does as well as the one before; both are pure.

mod proof;
mod schedule;

use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use llamapool_worker_core::settings::build;
use llamapool_worker_core::update::{self, Applied, Guard, Managed, Staged, UpdateError, Updater};
use tauri::{AppHandle, Manager as _};
use tokio::sync::{Notify, watch};

use self::schedule::{Schedule, Situation, Step};
use crate::desk::Desk;
use crate::ipc::{UpdateMode, UpdateState, UpdateView};
use crate::snapshot::unix_ms;
use crate::supervisor::{Facts, Order};
use crate::{autostart, commands, launch, quit};

/// This program, as releases call it.
const PROGRAM: &str = "llamapool";

/// Tells a newer version that the worker of the one before was ready.
const WAS_READY: &str = "LLAMAPOOL_WAS_READY";

/// Newer versions.
pub struct Updates {
    view: watch::Sender<UpdateView>,
    matter: OnceLock<Matter>,
    is_new: bool,
    staged: Mutex<Option<Staged>>,
    /// Somebody wants it to be looked for now.
    wanted: Notify,
    /// The app ends in order to be started again.
    restart: Mutex<Option<Restart>>,
    /// Starts the newer version when this process has ended.
    guard: Mutex<Option<Guard>>,
}

/// Whose matter updates are, once that is known.
struct Matter {
    managed_by: Option<String>,
    updater: Option<Updater>,
    /// The app is one with other files, which it cannot replace: an app of macOS, or an AppImage. It looks, and tells.
    is_by_hand: bool,
}

/// A restart that was asked for.
#[derive(Clone, Copy)]
struct Restart {
    was_ready: bool,
}

impl Updates {
    /// Updates of this process. Whose matter they are is found out by [`follow`].
    pub fn of_process() -> Self {
        let state = UpdateState::Idle;
        let view = UpdateView { state, version: None, notes: None, why: None, checked_at: None };
        let pending = update::this_exe().and_then(|exe| Applied::pending(&exe));
        Self {
            view: watch::Sender::new(view),
            matter: OnceLock::new(),
            is_new: matches!(pending, Ok(Some(_))),
            staged: Mutex::default(),
            wanted: Notify::new(),
            restart: Mutex::default(),
            guard: Mutex::default(),
        }
    }

    /// What is known, now and at every change.
    pub fn watch(&self) -> watch::Receiver<UpdateView> {
        self.view.subscribe()
    }

    /// Who updates the app instead.
    pub fn managed_by(&self) -> Option<String> {
        self.matter.get()?.managed_by.clone()
    }

    /// Whether this is the first start of a newer version: nobody has asked for a window then.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Looks for a newer version now.
    pub fn look(&self) {
        self.wanted.notify_one();
    }

    /// Ends the app, when what runs is finished, and has the newer version started.
    pub fn restart(&self, app: &AppHandle) {
        if lock(&self.staged).is_some() {
            let was_ready = proof::is_ready(&app.state::<Desk>().supervisor.facts().borrow());
            *lock(&self.restart) = Some(Restart { was_ready });
            quit::politely(app);
        }
    }

    /// The app has ended its worker. If that was for a newer version, it is put in place, and is started when this process has ended. `true` if
    /// instead this program is to be started again.
    pub async fn take_over(&self) -> bool {
        let Some(restart) = *lock(&self.restart) else {
            return false;
        };
        let Some(staged) = lock(&self.staged).take() else {
            return true; // the version before is in its place
        };
        let was_ready = restart.was_ready.then_some((WAS_READY, "1"));
        let applied = staged.apply().await;
        match applied.and_then(|applied| applied.start_after_us(args(std::env::args_os().skip(1)), was_ready))
        {
            Ok(guard) => {
                tracing::info!("The newer version is in place");
                *lock(&self.guard) = Some(guard);
                false
            }
            Err(error) => {
                tracing::error!("The update was not put in place: {error}");
                true
            }
        }
    }

    /// Somebody thought better of ending the app.
    pub fn stay(&self) {
        *lock(&self.restart) = None;
    }

    fn show(&self, state: UpdateState, why: Option<String>) {
        self.view.send_modify(|view| (view.state, view.why) = (state, why));
    }

    /// Looks once, and fetches what it finds. What was taken back is fetched only if somebody asks.
    async fn once(&self, updater: &Updater, is_asked: bool) {
        self.show(UpdateState::Checking, None);
        let found = self.fetch(updater, is_asked).await;
        self.view.send_modify(|view| view.checked_at = Some(unix_ms(SystemTime::now())));
        match found {
            Ok(state) => self.show(state, None),
            Err(error) => {
                tracing::warn!("No update: {error}");
                self.show(UpdateState::Failed, Some(error.to_string()));
            }
        }
    }

    async fn fetch(&self, updater: &Updater, is_asked: bool) -> Result<UpdateState, UpdateError> {
        let Some(release) = updater.check().await? else {
            return Ok(UpdateState::Idle);
        };
        if self.matter.get().is_some_and(|matter| matter.is_by_hand) {
            let (version, notes) = (Some(release.version), Some(release.notes));
            self.view.send_modify(|view| (view.version, view.notes) = (version, notes));
            return Ok(UpdateState::Available);
        }
        if updater.has_failed(&release) && !is_asked {
            return Err(UpdateError::Unusable(format!("{} did not work here", release.version)));
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

impl Matter {
    /// Asks the package managers of this machine, whose disks may be slow.
    fn find_out() -> (Self, UpdateState, Option<String>) {
        let exe = update::this_exe();
        let managed = exe.as_ref().ok().and_then(|exe| update::managed_by(exe));
        let is_by_hand = is_appimage() || managed.as_ref().is_some_and(Managed::is_by_hand);
        let managed_by = managed.filter(|_| !is_by_hand).map(|by| by.to_string());
        let updater = match &managed_by {
            Some(by) => Err(by.clone()),
            None => Updater::of_process(PROGRAM).map_err(|error| error.to_string()),
        };
        let failed = exe.as_ref().ok().and_then(|exe| update::taken_back(exe));
        let (state, why) = match (&updater, failed) {
            (Err(why), _) => (UpdateState::Off, Some(why.clone())),
            (Ok(_), Some(version)) => {
                let why = format!("{version} did not work here, and {} is back", build::VERSION);
                (UpdateState::Failed, Some(why))
            }
            (Ok(_), None) => (UpdateState::Idle, None),
        };
        (Self { managed_by, updater: updater.ok(), is_by_hand }, state, why)
    }
}

/// Looks for newer versions as long as the app runs.
pub async fn follow(app: AppHandle) {
    let desk = app.state::<Desk>();
    let Ok((matter, state, why)) = tokio::task::spawn_blocking(Matter::find_out).await else {
        return;
    };
    let matter = desk.updates.matter.get_or_init(|| matter);
    desk.updates.show(state, why);
    commands::preferences::tell(&app);
    let Some(updater) = &matter.updater else {
        return;
    };
    prove(&app).await;
    let mut schedule = Schedule::start(SystemTime::now(), fastrand::f64());
    let (mut facts, mut own) = (desk.supervisor.facts(), desk.own.watch());
    loop {
        let is_staged = lock(&desk.updates.staged).is_some();
        let waits_for_idle = is_staged && own.borrow_and_update().updates == UpdateMode::Auto;
        let is_asked = tokio::select! {
            () = tokio::time::sleep(schedule.wait(SystemTime::now())) => false,
            () = desk.updates.wanted.notified() => true,
            Ok(_) = facts.wait_for(is_idle), if waits_for_idle => false,
            Ok(()) = own.changed() => false,
        };
        let (now, mode, is_idle) = (SystemTime::now(), desk.own.get().updates, is_idle(&facts.borrow()));
        let is_due = schedule.is_due(now);
        match schedule::step(Situation { mode, is_staged, is_asked, is_due, is_idle }) {
            Step::Look => desk.updates.once(updater, is_asked).await,
            Step::Restart => {
                desk.updates.restart(&app);
                // This ends with the app, unless somebody would rather stay.
                tokio::time::sleep(schedule::PATIENCE).await;
            }
            Step::Wait => {}
        }
        if is_due || is_asked {
            schedule.looked(now, fastrand::f64());
        }
    }
}

fn is_idle(facts: &Facts) -> bool {
    facts.seen.as_ref().is_none_or(|seen| seen.running == 0)
}

/// The first minute of a newer version: its worker has to get where the one before was, else the one before comes back.
async fn prove(app: &AppHandle) {
    let Ok(Some(applied)) = update::this_exe().and_then(|exe| Applied::pending(&exe)) else {
        return;
    };
    let desk = app.state::<Desk>();
    let was_ready = std::env::var_os(WAS_READY).is_some();
    let mut facts = desk.supervisor.facts();
    // Whether in time or not, what counts is how it is then.
    let _ = tokio::time::timeout(update::proven(), facts.wait_for(proof::has_arrived)).await;
    let may_stay = proof::may_stay(&facts.borrow(), was_ready);
    let settled = if may_stay { applied.confirm() } else { applied.roll_back() };
    match settled {
        Ok(()) if may_stay => tracing::info!("The update works"),
        Ok(()) => {
            tracing::error!("The update does not work: the version before is back");
            *lock(&desk.updates.restart) = Some(Restart { was_ready });
            desk.order(Order::QuitWithin(quit::SYSTEM_PATIENCE));
        }
        Err(error) => tracing::warn!("The update cannot be settled: {error}"),
    }
}

/// What the newer version is started with: as this one, but nobody has asked for a window or opened a link.
fn args(ours: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let is_kept = |arg: &OsString| arg != autostart::HIDDEN && !launch::is_link(&arg.to_string_lossy());
    ours.into_iter().filter(is_kept).chain([autostart::HIDDEN.into()]).collect()
}

/// An AppImage is one file that the program inside of it cannot replace.
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
    fn a_newer_version_opens_no_window_and_no_link() {
        let check = |ours: &str, wanted: &str| {
            let given = args(ours.split_whitespace().map(OsString::from));
            assert_eq!(given.join(" ".as_ref()), wanted, "{ours}");
        };
        check("", "--hidden");
        check("--hidden", "--hidden");
        check("--config a.yaml llamapool://join?key=hush", "--config a.yaml --hidden");
    }
}
