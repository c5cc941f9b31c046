//! Notifications: few, grouped, each kind with a switch. A pure function of time and state decides which to show.

use std::time::Duration;

use tokio::time::Instant;

use crate::ipc::{Notify, Phase, Snapshot, UpdateState};

/// How long the server must be unreachable before a notification.
const SERVER_LOST_DELAY: Duration = Duration::from_secs(2 * 60);

/// How long a runtime must not respond before a notification: restarting one and loading a model takes a while.
const RUNTIME_GONE_DELAY: Duration = Duration::from_secs(60);

/// The shortest time between two notifications of the same kind.
const REPEAT_INTERVAL: Duration = Duration::from_secs(30 * 60);

/// The kinds of notifications. Each has a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationKind {
    /// The server has been unreachable for a while.
    ServerLost,
    /// The server rejects the worker's key.
    KeyRefused,
    /// The runtime no longer responds.
    RuntimeGone,
    /// An update is ready to install.
    UpdateReady,
    /// A rule has paused sharing, or a pause has ended.
    Paused,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
}

/// Which notifications were shown, and which may become due.
#[derive(Debug, Default)]
pub struct Notifications {
    lost_since: Option<Instant>,
    gone_since: Option<Instant>,
    was_ready: bool,
    paused: Option<bool>,
    /// Kinds that were shown and whose condition still holds.
    shown: Vec<NotificationKind>,
    /// When each kind was last shown.
    last: Vec<(NotificationKind, Instant)>,
    shown_version: Option<String>,
}

impl Notifications {
    /// Returns the notification to show now: at most one, which includes the titles of the others.
    pub fn update(&mut self, snapshot: &Snapshot, wanted: Notify, now: Instant) -> Option<Notification> {
        let due = self.due(snapshot, now);
        let due: Vec<_> = due
            .into_iter()
            .filter(|(kind, _)| is_wanted(*kind, wanted) && self.may_show(*kind, now))
            .collect();
        self.last.retain(|(shown, _)| due.iter().all(|(kind, _)| kind != shown));
        self.last.extend(due.iter().map(|(kind, _)| (*kind, now)));
        let mut notifications = due.into_iter().map(|(_, notification)| notification);
        let first = notifications.next()?;
        let others: Vec<_> = notifications.map(|notification| notification.title).collect();
        if others.is_empty() {
            return Some(first);
        }
        Some(Notification { body: format!("{}\n{}", first.body, others.join("\n")), ..first })
    }

    /// When one becomes due if nothing changes.
    pub fn next_due(&self) -> Option<Instant> {
        let lost = self
            .lost_since
            .filter(|_| !self.shown.contains(&NotificationKind::ServerLost))
            .map(|since| since + SERVER_LOST_DELAY);
        let gone = self
            .gone_since
            .filter(|_| !self.shown.contains(&NotificationKind::RuntimeGone))
            .map(|since| since + RUNTIME_GONE_DELAY);
        lost.into_iter().chain(gone).min()
    }

    /// The notifications that are due, including those switched off.
    fn due(&mut self, snapshot: &Snapshot, now: Instant) -> Vec<(NotificationKind, Notification)> {
        let mut due = Vec::new();
        let server = server_name(snapshot);
        let is_lost = matches!(snapshot.phase, Phase::Waiting | Phase::Connecting);
        self.lost_since = since(self.lost_since, is_lost, now);
        if self.is_newly_due(
            NotificationKind::ServerLost,
            self.lost_since.is_some_and(|since| now >= since + SERVER_LOST_DELAY),
            is_lost,
        ) {
            let why = snapshot.trouble.as_ref().map_or("", |trouble| &trouble.what);
            due.push((NotificationKind::ServerLost, notification(format!("Can’t reach {server}"), why)));
        }
        let is_refused = snapshot.phase == Phase::Refused;
        if self.is_newly_due(NotificationKind::KeyRefused, is_refused, is_refused || is_lost) {
            let why = snapshot.trouble.as_ref().map_or("", |trouble| &trouble.what);
            due.push((
                NotificationKind::KeyRefused,
                notification(format!("{server} rejected this computer’s worker key"), why),
            ));
        }
        self.was_ready |= snapshot.runtime.ready;
        let is_gone = snapshot.phase == Phase::NotReady && self.was_ready;
        self.gone_since = since(self.gone_since, is_gone, now);
        if self.is_newly_due(
            NotificationKind::RuntimeGone,
            self.gone_since.is_some_and(|since| now >= since + RUNTIME_GONE_DELAY),
            is_gone,
        ) {
            let why = snapshot.runtime.why.as_deref().unwrap_or_default();
            due.push((
                NotificationKind::RuntimeGone,
                notification(format!("{} isn’t responding", runtime_name(snapshot)), why),
            ));
        }
        due.extend(self.pause(snapshot).map(|notification| (NotificationKind::Paused, notification)));
        due.extend(
            self.app_update(snapshot).map(|notification| (NotificationKind::UpdateReady, notification)),
        );
        due
    }

    /// Whether to show this now: it is due and was not shown since its condition began to hold.
    fn is_newly_due(&mut self, kind: NotificationKind, is_due: bool, is_on: bool) -> bool {
        if !is_on {
            self.shown.retain(|shown| *shown != kind);
        }
        let is_new = is_due && !self.shown.contains(&kind);
        if is_new {
            self.shown.push(kind);
        }
        is_new
    }

    /// A pause that the user has not just started (by a rule, or from before the app started), or that ends.
    fn pause(&mut self, snapshot: &Snapshot) -> Option<Notification> {
        let is_paused = snapshot.phase == Phase::Paused;
        if self.paused.is_none() && snapshot.phase == Phase::Connecting {
            return None; // not known yet
        }
        let before = self.paused.replace(is_paused);
        match (before, is_paused) {
            (None | Some(false), true) if snapshot.paused_by.is_some() => {
                Some(notification("Sharing paused", &snapshot.headline))
            }
            (None, true) => Some(notification("Sharing is still paused", &snapshot.headline)),
            (Some(true), false) if !matches!(snapshot.phase, Phase::Terminating | Phase::Stopped) => {
                Some(notification("Sharing resumed", &snapshot.headline))
            }
            _ => None,
        }
    }

    fn app_update(&mut self, snapshot: &Snapshot) -> Option<Notification> {
        let version = snapshot.update.version.clone()?;
        let update = match snapshot.update.state {
            UpdateState::Staged => {
                let when = "To install it, choose “Restart to update” in the menu.";
                notification(format!("llamapool {version} is ready"), when)
            }
            UpdateState::Available => notification(
                format!("llamapool {version} is available"),
                "To download it, choose “Get version” in the menu.",
            ),
            _ => return None,
        };
        let is_news = self.shown_version.as_ref() != Some(&version);
        self.shown_version = Some(version);
        is_news.then_some(update)
    }

    fn may_show(&self, kind: NotificationKind, now: Instant) -> bool {
        let last = self.last.iter().rev().find(|(shown, _)| *shown == kind);
        last.is_none_or(|(_, at)| now.duration_since(*at) >= REPEAT_INTERVAL)
    }
}

fn since(since: Option<Instant>, is_on: bool, now: Instant) -> Option<Instant> {
    is_on.then(|| since.unwrap_or(now))
}

fn is_wanted(kind: NotificationKind, wanted: Notify) -> bool {
    match kind {
        NotificationKind::ServerLost => wanted.server_lost,
        NotificationKind::KeyRefused => wanted.key_refused,
        NotificationKind::RuntimeGone => wanted.runtime_gone,
        NotificationKind::UpdateReady => wanted.update_ready,
        NotificationKind::Paused => wanted.paused,
    }
}

/// The name of the runtime at the start of a sentence.
fn runtime_name(snapshot: &Snapshot) -> &str {
    if snapshot.runtime.kind.is_empty() { "The LLM runtime" } else { &snapshot.runtime.kind }
}

fn server_name(snapshot: &Snapshot) -> String {
    let url = url::Url::parse(&snapshot.server.url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "the server".to_owned())
}

fn notification(title: impl Into<String>, body: &str) -> Notification {
    Notification { title: title.into(), body: body.to_owned() }
}

/// Shows a notification. Blocks until the desktop has accepted it.
pub fn show(notification: &Notification) {
    let mut message = notify_rust::Notification::new();
    message.appname("llamapool").icon("llamapool").summary(&notification.title).body(&notification.body);
    #[cfg(windows)]
    if is_registered() {
        message.app_id(APP_ID);
    }
    if let Err(error) = message.show() {
        tracing::debug!("Couldn't show a notification: {error}");
    }
}

/// The id under which the installer has registered the app with Windows.
#[cfg(windows)]
const APP_ID: &str = "io.llamapool.desktop";

/// Whether the app is registered. Windows shows no notifications of others.
#[cfg(windows)]
fn is_registered() -> bool {
    let key = format!(r"Software\Classes\AppUserModelId\{APP_ID}");
    windows_registry::CURRENT_USER.open(key).is_ok()
}

#[cfg(test)]
mod tests;
