//! Publishes the current state to the tray, the windows and notifications: one task that makes the snapshot and passes it on.
//!
//! It sleeps until something changes. During a countdown, or while an open window shows running requests, it also updates once a second.

use std::sync::Arc;
use std::time::Duration;

use tauri::{AppHandle, Emitter as _, Manager as _};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::app_settings::AppSettings;
use crate::app_state::AppState;
use crate::ipc::{Snapshot, UpdateView};
use crate::menu::{self, Extras};
use crate::notifications::{self, Notifications};
use crate::supervisor::Facts;
use crate::theme::{self, PanelTheme};
use crate::tray_icon::IconStyle;
use crate::{autostart, snapshot, tray, tray_icon, windows, worker_state};

/// The event that carries the snapshot to windows.
const SNAPSHOT: &str = "snapshot";

/// The shortest time between two updates: four a second are as many as people can read.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

/// How often the age of running requests is updated while a window is open.
const TICK: Duration = Duration::from_secs(1);

/// The inputs. A change of any of them triggers an update.
pub struct Sources {
    /// The supervisor's facts.
    pub facts: watch::Receiver<Facts>,
    /// The app's updates.
    pub update: watch::Receiver<UpdateView>,
    /// The app's settings.
    pub settings: watch::Receiver<AppSettings>,
    /// The theme of the panel with the tray icon.
    pub panel: watch::Receiver<PanelTheme>,
    /// Anything else has changed.
    pub refresh: Arc<Notify>,
}

/// Publishes until the app ends.
pub async fn run(app: AppHandle, mut sources: Sources, shown: watch::Sender<Arc<Snapshot>>) {
    let mut presenter =
        Presenter { app, notifications: Notifications::default(), notifying: None, tray: None };
    loop {
        let next_update = presenter.update(&mut sources, &shown);
        tokio::time::sleep(MIN_INTERVAL).await;
        tokio::select! {
            Ok(()) = sources.facts.changed() => {}
            Ok(()) = sources.update.changed() => {}
            Ok(()) = sources.settings.changed() => {}
            Ok(()) = sources.panel.changed() => {}
            () = sources.refresh.notified() => presenter.tray = None,
            () = until(next_update) => {}
        }
    }
}

struct Presenter {
    app: AppHandle,
    notifications: Notifications,
    /// The notification that is being shown.
    notifying: Option<AbortOnDropHandle<()>>,
    /// What the tray shows, if known.
    tray: Option<tray::Shown>,
}

impl Presenter {
    /// Publishes the current state. Returns when to do so again even if nothing changes.
    fn update(&mut self, sources: &mut Sources, shown: &watch::Sender<Arc<Snapshot>>) -> Option<Instant> {
        let facts = sources.facts.borrow_and_update().clone();
        let update = sources.update.borrow_and_update().clone();
        let settings = sources.settings.borrow_and_update().clone();
        let style = theme::icon_style(settings.icon, *sources.panel.borrow_and_update());
        let now = Instant::now();
        let snapshot = Arc::new(snapshot::snapshot(&facts, update, now));
        self.show_in_tray(&snapshot, style, facts.quitting);
        let has_window = windows::is_any_open(&self.app);
        if **shown.borrow() != *snapshot {
            shown.send_replace(snapshot.clone());
            if has_window {
                let _ = self.app.emit(SNAPSHOT, &*snapshot);
            }
        }
        if let Some(notification) = self.notifications.update(&snapshot, settings.notify, now) {
            // Showing one blocks until the desktop has accepted it.
            let showing = tokio::task::spawn_blocking(move || notifications::show(&notification));
            self.notifying = Some(AbortOnDropHandle::new(showing));
        }
        let countdown = worker_state::next_tick(snapshot.reconnect_in_s);
        let ages = (has_window && snapshot.running > 0).then_some(TICK);
        let tick = countdown.or(ages).map(|time| now + time);
        tick.into_iter().chain(self.notifications.next_due()).min()
    }

    fn show_in_tray(&mut self, snapshot: &Snapshot, style: IconStyle, is_quitting: bool) {
        let state = self.app.state::<AppState>();
        let has_log_folder = state.log_dir.is_some();
        let extras = Extras { starts_at_login: autostart::is_on(), has_log_folder, is_quitting };
        let wanted = tray::Shown {
            icon: tray_icon::icon(snapshot, style),
            tooltip: tray_icon::tooltip(snapshot),
            menu: menu::menu(snapshot, extras),
        };
        if self.tray.as_ref() != Some(&wanted) && tray::show(&self.app, wanted.clone()).is_ok() {
            self.tray = Some(wanted);
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
