//! Follows hand edits: of the worker's settings, of the app's own, and of what starts at login. The system tells when files change, so that nobody
//! has to look.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tauri::{AppHandle, Manager as _};
use tokio::sync::mpsc;

use crate::desk::Desk;
use crate::supervisor::Order;
use crate::{autostart, commands, own};

/// Editors write a file in several steps; this is longer than they take.
const SETTLED: Duration = Duration::from_millis(300);

/// Follows until the app ends. Where the system does not tell of changes, they count from the next start on.
pub async fn follow(app: AppHandle) {
    let (changed, mut changes) = mpsc::channel::<()>(1);
    let folders = folders(&app);
    let Some(_watcher) = watch(&folders, names(&app), changed) else {
        return;
    };
    while changes.recv().await.is_some() {
        tokio::time::sleep(SETTLED).await;
        let _ = changes.try_recv();
        let desk = app.state::<Desk>();
        desk.own.reread();
        desk.supervisor.order(Order::Reload).await;
        desk.refresh.notify_one();
        commands::preferences::tell(&app);
    }
}

fn folders(app: &AppHandle) -> Vec<PathBuf> {
    let config = app.state::<Desk>().place.home().to_owned();
    #[cfg(target_os = "linux")]
    let login = autostart::folder();
    #[cfg(not(target_os = "linux"))]
    let login = None;
    [Some(config), login].into_iter().flatten().collect()
}

/// The files that matter. Others in these folders come and go.
fn names(app: &AppHandle) -> Vec<OsString> {
    let settings = app.state::<Desk>().place.file().file_name().map(OsString::from);
    settings.into_iter().chain([own::FILE.into(), autostart::FILE.into()]).collect()
}

fn watch(folders: &[PathBuf], names: Vec<OsString>, changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let is_ours = move |path: &PathBuf| names.iter().any(|name| path.file_name() == Some(name));
    let told = move |event: notify::Result<notify::Event>| {
        // Reading is no change.
        let matters = |event: &notify::Event| {
            !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(&is_ours)
        };
        if event.is_ok_and(|event| matters(&event)) {
            // A full channel means that somebody is about to look.
            let _ = changed.try_send(());
        }
    };
    let mut watcher = match notify::recommended_watcher(told) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!("Edits of the settings count after a restart: {error}");
            return None;
        }
    };
    for folder in folders {
        if let Err(error) = follow_one(&mut watcher, folder) {
            tracing::warn!("Edits in {} count after a restart: {error}", folder.display());
        }
    }
    Some(watcher)
}

/// The folder rather than the file: editors replace files.
fn follow_one(watcher: &mut RecommendedWatcher, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    Ok(watcher.watch(folder, RecursiveMode::NonRecursive)?)
}
