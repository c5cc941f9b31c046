//! What every part of the app can reach, and what a click in the menu does.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use llamapool_worker_core::logs;
use tauri::{AppHandle, Manager as _};
use tokio::sync::{Notify, watch};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::checkup::Checkup;
use crate::clipboard::Clipboard;
use crate::ipc::{Problem, Snapshot};
use crate::join::LastLink;
use crate::menu::Click;
use crate::own::Kept;
use crate::pause::Span;
use crate::supervisor::{Order, Place, Supervisor};
use crate::updates::Updates;
use crate::windows::{self, View};
use crate::{actions, autostart, logbook, quit};

/// The app's parts. It lives as long as the app.
pub struct Desk {
    /// Where the worker's configuration is.
    pub place: Place,
    /// Keeps the worker.
    pub supervisor: Supervisor,
    /// The last lines of the log.
    pub logbook: logbook::Logbook,
    /// How much is logged.
    pub level: Option<logs::Level>,
    /// Where log files are.
    pub log_dir: Option<PathBuf>,
    /// The app's own preferences.
    pub own: Kept,
    /// Newer versions.
    pub updates: Updates,
    /// The join link that was opened last.
    pub link: LastLink,
    /// Sends new lines of the log to the window that shows them.
    pub tail: OneAtATime,
    /// The doctor, while one looks.
    pub visit: OneAtATime,
    /// What the doctor found last.
    pub checkup: Checkup,
    /// What was copied.
    pub clipboard: Clipboard,
    /// What was typed into the preferences and not saved.
    pub drafts: Drafts,
    /// What is shown.
    pub shown: watch::Receiver<Arc<Snapshot>>,
    /// Something outside the facts has changed: show it.
    pub refresh: Arc<Notify>,
    /// Everything that runs in the background.
    pub tasks: TaskTracker,
}

impl Desk {
    /// Gives an order without waiting for it.
    pub fn order(&self, order: Order) {
        let supervisor = self.supervisor.clone();
        self.spawn(async move { supervisor.order(order).await });
    }

    /// Runs this in the background, until the app ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // The handle is the runtime's, whichever thread asks.
        self.tasks.spawn_on(task, tauri::async_runtime::handle().inner());
    }

    /// What is shown now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shown.borrow().clone()
    }

    /// Has the system start the app, or not.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn start_at_login(&self, on: bool) -> Result<(), Problem> {
        let set = autostart::set(on).map_err(Problem::from);
        self.refresh.notify_one();
        set
    }
}

/// A background task of which there is one at a time.
#[derive(Default)]
pub struct OneAtATime(Mutex<Option<AbortOnDropHandle<()>>>);

impl OneAtATime {
    /// Runs this from now on, instead of what ran before.
    pub fn follow(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = tauri::async_runtime::handle().inner().spawn(task);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(AbortOnDropHandle::new(task));
    }
}

/// What a window that was closed leaves for the next one.
#[derive(Default)]
pub struct Drafts(Mutex<Option<String>>);

impl Drafts {
    /// All settings together are a tenth of this. Bytes.
    const MOST: usize = 64 * 1024;

    /// Keeps these, or that there are none.
    pub fn keep(&self, drafts: Option<String>) {
        let drafts = drafts.filter(|drafts| drafts.len() <= Self::MOST);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = drafts;
    }

    /// What was kept last.
    pub fn kept(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Somebody clicked a row of the menu, or the icon.
pub fn clicked(app: &AppHandle, click: Click) {
    let Some(desk) = app.try_state::<Desk>() else {
        return; // it is only starting
    };
    match click {
        Click::PauseHalfAnHour => desk.order(Order::Pause(Span::HalfAnHour)),
        Click::PauseHour => desk.order(Order::Pause(Span::Hour)),
        Click::PauseUntilTomorrow => desk.order(Order::Pause(Span::Tomorrow)),
        Click::PauseUntilResumed => desk.order(Order::Pause(Span::Resumed)),
        Click::Resume => desk.order(Order::Resume),
        Click::Drain => desk.order(Order::Drain),
        Click::Undrain => desk.order(Order::Undrain),
        Click::Start => desk.order(Order::Start),
        Click::Retry => desk.order(Order::Retry),
        Click::ShutdownWhenDone => desk.order(Order::ShutdownWhenDone),
        Click::Quit => quit::politely(app),
        Click::QuitNow => quit::now(app),
        Click::Stay => {
            desk.updates.stay();
            desk.order(Order::Stay);
        }
        Click::Setup => windows::welcome(app),
        Click::Open => open_something(app),
        Click::Preferences => windows::open(app, View::Preferences),
        Click::Logs => windows::open(app, View::Logs),
        Click::Diagnostics => windows::open(app, View::Diagnostics),
        Click::About => windows::open(app, View::About),
        Click::Server => told(actions::open(&desk, actions::Place::Dashboard)),
        Click::ConfigFolder => told(actions::open(&desk, actions::Place::ConfigFolder)),
        Click::LogFolder => told(actions::open(&desk, actions::Place::LogFolder)),
        Click::Documentation => told(actions::open(&desk, actions::Place::Documentation)),
        Click::CopyEndpoint => told(actions::copy_endpoint(&desk)),
        Click::StartAtLogin => told(desk.start_at_login(!autostart::is_on())),
        Click::Model(name) => offer(app, name),
        Click::CheckUpdate => {
            desk.updates.look();
            windows::open(app, View::About);
        }
        Click::RestartToUpdate => desk.updates.restart(app),
        Click::GetUpdate => told(actions::open(&desk, actions::Place::ReleaseNotes)),
    }
    // The mark of a row changes by itself when it is clicked; it is put right if nothing came of it.
    desk.refresh.notify_one();
}

/// The first run as long as there is nothing else to show.
pub fn open_something(app: &AppHandle) {
    let desk = app.state::<Desk>();
    if desk.place.is_configured() { windows::open(app, View::Status) } else { windows::welcome(app) }
}

/// What the settings say is newer than what is shown.
fn offer(app: &AppHandle, model: String) {
    let desk = app.state::<Desk>();
    let is_withheld = desk.place.load().is_ok_and(|loaded| loaded.config.runtime.withheld.covers(&model));
    told(actions::offer(&desk, &model, is_withheld));
}

/// There is no better place for what goes wrong after a click in the menu than the log.
fn told(done: Result<(), Problem>) {
    if let Err(problem) = done {
        tracing::warn!("{}{}", problem.what, problem.why.map(|why| format!(": {why}")).unwrap_or_default());
    }
}
