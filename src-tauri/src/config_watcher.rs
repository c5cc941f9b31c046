//! Watches for edits by hand: of the worker's settings, of the app's own, and of the autostart entry. The system reports file changes, so nothing polls.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tauri::{AppHandle, Manager as _};
use tokio::sync::mpsc;

use crate::app_state::AppState;
use crate::supervisor::Order;
use crate::{app_settings, autostart, commands};

/// The time to wait after a change: editors write a file in several steps.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// Watches until the app ends. On systems that do not report changes, edits apply after a restart.
///
/// Saves by the app are noticed too. The supervisor ignores the reload then, as it has already read the file's content.
pub async fn run(app: AppHandle) {
    let (changed, mut changes) = mpsc::channel::<()>(1);
    let Some(_watcher) = watch(&folders(&app), names(&app), changed) else {
        return;
    };
    while changes.recv().await.is_some() {
        tokio::time::sleep(DEBOUNCE).await;
        let _ = changes.try_recv();
        let state = app.state::<AppState>();
        state.settings.reread();
        state.supervisor.order(Order::Reload).await;
        state.refresh.notify_one();
        commands::preferences::emit(&app);
    }
}

fn folders(app: &AppHandle) -> Vec<PathBuf> {
    let config = app.state::<AppState>().paths.config_dir().to_owned();
    #[cfg(target_os = "linux")]
    let autostart = autostart::folder();
    #[cfg(not(target_os = "linux"))]
    let autostart = None;
    [Some(config), autostart].into_iter().flatten().collect()
}

/// The names of the files to watch. Other files in their folders are ignored.
fn names(app: &AppHandle) -> Vec<OsString> {
    let worker = app.state::<AppState>().paths.file().file_name().map(OsString::from);
    worker.into_iter().chain([app_settings::FILE.into(), autostart::FILE.into()]).collect()
}

fn watch(folders: &[PathBuf], names: Vec<OsString>, changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let is_watched = move |path: &PathBuf| names.iter().any(|name| path.file_name() == Some(name));
    let on_event = move |event: notify::Result<notify::Event>| {
        let is_change = |event: &notify::Event| {
            !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(&is_watched)
        };
        if event.is_ok_and(|event| is_change(&event)) {
            // A full channel means that a change is about to be handled.
            let _ = changed.try_send(());
        }
    };
    let mut watcher = match notify::recommended_watcher(on_event) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!("Edits of the settings files apply after a restart: {error}");
            return None;
        }
    };
    for folder in folders {
        if let Err(error) = watch_folder(&mut watcher, folder) {
            tracing::warn!("Edits in {} apply after a restart: {error}", folder.display());
        }
    }
    Some(watcher)
}

/// Watches the folder rather than the file, since editors replace files.
fn watch_folder(watcher: &mut RecommendedWatcher, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    Ok(watcher.watch(folder, RecursiveMode::NonRecursive)?)
}
