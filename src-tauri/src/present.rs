//! Brings what is so before people's eyes: one task that makes the snapshot and hands it to the tray, the windows and the notifications.
//!
//! It sleeps until something changes. Only while a wait is counted down, or somebody watches requests run, it looks by itself, once a second.

use std::sync::Arc;
use std::time::Duration;

use tauri::{AppHandle, Emitter as _, Manager as _};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::colours::{self, Panel};
use crate::desk::Desk;
use crate::face::Style;
use crate::ipc::{Snapshot, UpdateView};
use crate::menu::{self, Extras};
use crate::notices::{self, Notices};
use crate::own::Own;
use crate::supervisor::Facts;
use crate::{autostart, face, phase, snapshot, tray, windows};

/// The event by which windows hear of it.
const SNAPSHOT: &str = "snapshot";

/// Four times a second is as fast as anybody reads.
const GAP: Duration = Duration::from_millis(250);

/// How often ages of requests are shown anew, while somebody looks.
const SECOND: Duration = Duration::from_secs(1);

/// What is looked at.
pub struct Sources {
    /// The supervisor's facts.
    pub facts: watch::Receiver<Facts>,
    /// Newer versions.
    pub update: watch::Receiver<UpdateView>,
    /// The app's preferences.
    pub own: watch::Receiver<Own>,
    /// What stands behind the tray icon.
    pub panel: watch::Receiver<Panel>,
    /// Anything else that has changed.
    pub refresh: Arc<Notify>,
}

/// Presents until the app ends.
pub async fn present(app: AppHandle, mut sources: Sources, shown: watch::Sender<Arc<Snapshot>>) {
    let mut presenter = Presenter { app, notices: Notices::default(), said: None, tray: None };
    loop {
        let next_look = presenter.look(&mut sources, &shown);
        tokio::time::sleep(GAP).await;
        tokio::select! {
            Ok(()) = sources.facts.changed() => {}
            Ok(()) = sources.update.changed() => {}
            Ok(()) = sources.own.changed() => {}
            Ok(()) = sources.panel.changed() => {}
            () = sources.refresh.notified() => presenter.tray = None,
            () = until(next_look) => {}
        }
    }
}

struct Presenter {
    app: AppHandle,
    notices: Notices,
    /// The notification that is being said.
    said: Option<AbortOnDropHandle<()>>,
    /// What the tray shows; nothing if that is not known.
    tray: Option<tray::Shown>,
}

impl Presenter {
    /// Shows what is so now; gives the time at which to look again although nothing has changed.
    fn look(&mut self, sources: &mut Sources, shown: &watch::Sender<Arc<Snapshot>>) -> Option<Instant> {
        let facts = sources.facts.borrow_and_update().clone();
        let update = sources.update.borrow_and_update().clone();
        let own = sources.own.borrow_and_update().clone();
        let style = colours::style(own.icon, *sources.panel.borrow_and_update());
        let now = Instant::now();
        let snapshot = Arc::new(snapshot::snapshot(&facts, update, now));
        self.show_in_tray(&snapshot, style, facts.quitting);
        let is_watched = windows::is_any_open(&self.app);
        if **shown.borrow() != *snapshot {
            shown.send_replace(snapshot.clone());
            if is_watched {
                let _ = self.app.emit(SNAPSHOT, &*snapshot);
            }
        }
        if let Some(notice) = self.notices.look(&snapshot, own.notify, now) {
            // Said by a thread that may wait for the desktop.
            let said = tokio::task::spawn_blocking(move || notices::say(&notice));
            self.said = Some(AbortOnDropHandle::new(said));
        }
        let tick = phase::next_tick(snapshot.reconnect_in_s);
        let watching = (is_watched && snapshot.running > 0).then_some(SECOND);
        let tick = tick.or(watching).map(|time| now + time);
        tick.into_iter().chain(self.notices.next_look()).min()
    }

    fn show_in_tray(&mut self, snapshot: &Snapshot, style: Style, quits: bool) {
        let desk = self.app.state::<Desk>();
        let extras =
            Extras { starts_at_login: autostart::is_on(), has_log_folder: desk.log_dir.is_some(), quits };
        let wanted = tray::Shown {
            face: face::face(snapshot, style),
            tooltip: face::tooltip(snapshot),
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
