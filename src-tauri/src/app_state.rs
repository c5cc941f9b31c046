//! The app's state: what windows, menu and background tasks share. It lives as long as the app.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use llamapool_telemetry::logs;
use tokio::sync::{Notify, watch};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::app_settings::SettingsStore;
use crate::autostart;
use crate::clipboard::Clipboard;
use crate::config_paths::ConfigPaths;
use crate::diagnostics::Diagnostics;
use crate::ipc::{Problem, Snapshot};
use crate::join::LastLink;
use crate::log_buffer::LogBuffer;
use crate::supervisor::{Order, Supervisor};
use crate::updates::Updates;

/// The parts of the app.
pub struct AppState {
    /// Where the worker's configuration is.
    pub paths: ConfigPaths,
    /// Keeps the worker running.
    pub supervisor: Supervisor,
    /// The most recent log lines.
    pub log_buffer: LogBuffer,
    /// The current log level, which can be changed.
    pub level: Option<logs::Level>,
    /// The folder of the log files.
    pub log_dir: Option<PathBuf>,
    /// The app's own settings.
    pub settings: SettingsStore,
    /// The app's updates.
    pub updates: Arc<Updates>,
    /// The most recently opened join link.
    pub link: LastLink,
    /// Sends new log lines to the window that shows them.
    pub log_tail: SingleTask,
    /// The diagnostics run in progress.
    pub diagnostics_run: SingleTask,
    /// The result of the last diagnostics run.
    pub diagnostics: Diagnostics,
    /// The clipboard.
    pub clipboard: Clipboard,
    /// Unsaved changes in the preferences.
    pub drafts: Drafts,
    /// What windows show. Up to 250 ms old: decisions are based on [`Supervisor::facts`].
    pub shown: watch::Receiver<Arc<Snapshot>>,
    /// Notified when something outside the facts has changed and is to be shown.
    pub refresh: Arc<Notify>,
    /// All background tasks.
    pub tasks: TaskTracker,
}

impl AppState {
    /// Sends an order to the supervisor without waiting.
    pub fn order(&self, order: Order) {
        let supervisor = self.supervisor.clone();
        self.spawn(async move { supervisor.order(order).await });
    }

    /// Runs a task in the background, until the app ends. May be called from any thread.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(task, tauri::async_runtime::handle().inner());
    }

    /// What windows show at the moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shown.borrow().clone()
    }

    /// Turns starting at login on or off.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn start_at_login(&self, on: bool) -> Result<(), Problem> {
        let set = autostart::set(on).map_err(Problem::from);
        self.refresh.notify_one();
        set
    }
}

/// A background task of which one runs at a time.
#[derive(Default)]
pub struct SingleTask(Mutex<Option<AbortOnDropHandle<()>>>);

impl SingleTask {
    /// Runs a task and aborts the previous one.
    pub fn replace(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = tauri::async_runtime::handle().inner().spawn(task);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(AbortOnDropHandle::new(task));
    }
}

/// Unsaved changes that a closed window leaves for the next one.
#[derive(Default)]
pub struct Drafts(Mutex<Option<String>>);

impl Drafts {
    /// Longer drafts are not kept: all settings together are a tenth of this. Bytes.
    const MAX_LEN: usize = 64 * 1024;

    /// Keeps these drafts, or none.
    pub fn keep(&self, drafts: Option<String>) {
        let drafts = drafts.filter(|drafts| drafts.len() <= Self::MAX_LEN);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = drafts;
    }

    /// The drafts kept last.
    pub fn kept(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
