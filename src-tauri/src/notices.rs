//! Notifications: few, grouped, each class with a switch. What to say is decided by a pure function of time and state; saying it is the last lines.

use std::time::Duration;

use notify_rust::Notification;
use tokio::time::Instant;

use crate::ipc::{Notify, Phase, Snapshot, UpdateState};

/// A server that is back sooner than this was not worth a word.
const SERVER_LOST: Duration = Duration::from_secs(2 * 60);

/// The same of a runtime: restarting one and loading a model takes a while.
const RUNTIME_GONE: Duration = Duration::from_secs(60);

/// Nobody is told the same again sooner than this, however often it comes and goes.
const QUIET: Duration = Duration::from_secs(30 * 60);

/// Kinds of notifications, each with a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The server has been out of reach for a while.
    ServerLost,
    /// The server refuses the worker.
    KeyRefused,
    /// The runtime does not answer any more.
    RuntimeGone,
    /// A newer version waits for a restart.
    UpdateReady,
    /// A rule pauses serving, or a pause has ended.
    Paused,
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// In a line.
    pub title: String,
    /// In some more.
    pub body: String,
}

/// What has been said, and what may have to be.
#[derive(Debug, Default)]
pub struct Notices {
    lost_since: Option<Instant>,
    gone_since: Option<Instant>,
    was_ready: bool,
    paused: Option<bool>,
    /// Classes whose state lasts and has been told.
    told: Vec<Class>,
    /// When each class was last told.
    last: Vec<(Class, Instant)>,
    told_version: Option<String>,
}

impl Notices {
    /// What is to be said now: at most one notification, however much there is to say.
    pub fn look(&mut self, shown: &Snapshot, wanted: Notify, now: Instant) -> Option<Notice> {
        let due = self.due(shown, now);
        let due: Vec<_> = due
            .into_iter()
            .filter(|(class, _)| is_wanted(*class, wanted) && self.may_say(*class, now))
            .collect();
        self.last.retain(|(said, _)| due.iter().all(|(class, _)| class != said));
        self.last.extend(due.iter().map(|(class, _)| (*class, now)));
        let mut notices = due.into_iter().map(|(_, notice)| notice);
        let first = notices.next()?;
        let others: Vec<_> = notices.map(|notice| notice.title).collect();
        if others.is_empty() {
            return Some(first);
        }
        Some(Notice { body: format!("{}\n{}", first.body, others.join("\n")), ..first })
    }

    /// When to look again although nothing has changed.
    pub fn next_look(&self) -> Option<Instant> {
        let lost = self
            .lost_since
            .filter(|_| !self.told.contains(&Class::ServerLost))
            .map(|since| since + SERVER_LOST);
        let gone = self
            .gone_since
            .filter(|_| !self.told.contains(&Class::RuntimeGone))
            .map(|since| since + RUNTIME_GONE);
        lost.into_iter().chain(gone).min()
    }

    /// What there is to say, whether it is wanted or not.
    fn due(&mut self, shown: &Snapshot, now: Instant) -> Vec<(Class, Notice)> {
        let mut due = Vec::new();
        let server = server_name(shown);
        let is_lost = matches!(shown.phase, Phase::Waiting | Phase::Connecting);
        self.lost_since = since(self.lost_since, is_lost, now);
        if self.lasts(
            Class::ServerLost,
            self.lost_since.is_some_and(|since| now >= since + SERVER_LOST),
            is_lost,
        ) {
            let why = shown.trouble.as_ref().map_or("", |trouble| &trouble.what);
            due.push((Class::ServerLost, notice(format!("No connection to {server}"), why)));
        }
        let is_refused = shown.phase == Phase::Refused;
        if self.lasts(Class::KeyRefused, is_refused, is_refused || is_lost) {
            let why = shown.trouble.as_ref().map_or("", |trouble| &trouble.what);
            due.push((Class::KeyRefused, notice(format!("{server} refuses this worker"), why)));
        }
        self.was_ready |= shown.runtime.ready;
        let is_gone = shown.phase == Phase::NotReady && self.was_ready;
        self.gone_since = since(self.gone_since, is_gone, now);
        if self.lasts(
            Class::RuntimeGone,
            self.gone_since.is_some_and(|since| now >= since + RUNTIME_GONE),
            is_gone,
        ) {
            let why = shown.runtime.why.as_deref().unwrap_or_default();
            due.push((Class::RuntimeGone, notice("The LLM runtime does not answer", why)));
        }
        due.extend(self.pause(shown).map(|notice| (Class::Paused, notice)));
        due.extend(self.update(shown).map(|notice| (Class::UpdateReady, notice)));
        due
    }

    /// Whether this is to be told now: it is due and was not told since it began.
    fn lasts(&mut self, class: Class, is_due: bool, is_on: bool) -> bool {
        if !is_on {
            self.told.retain(|told| *told != class);
        }
        let is_new = is_due && !self.told.contains(&class);
        if is_new {
            self.told.push(class);
        }
        is_new
    }

    /// A pause that nobody asked for just now (a rule, or the app starts paused), or that ends.
    fn pause(&mut self, shown: &Snapshot) -> Option<Notice> {
        let is_paused = shown.phase == Phase::Paused;
        if self.paused.is_none() && shown.phase == Phase::Connecting {
            return None; // it is not known yet
        }
        let before = self.paused.replace(is_paused);
        match (before, is_paused) {
            (None | Some(false), true) if shown.paused_by.is_some() => {
                Some(notice("Serving is paused", &shown.headline))
            }
            (None, true) => Some(notice("Serving is still paused", &shown.headline)),
            (Some(true), false) if !matches!(shown.phase, Phase::Terminating | Phase::Stopped) => {
                Some(notice("Serving goes on", &shown.headline))
            }
            _ => None,
        }
    }

    fn update(&mut self, shown: &Snapshot) -> Option<Notice> {
        let version = shown.update.version.clone()?;
        let told = match shown.update.state {
            UpdateState::Staged => {
                let when = "Restart to update: in the menu, when it suits you.";
                notice(format!("llamapool {version} is ready"), when)
            }
            UpdateState::Available => {
                notice(format!("llamapool {version} is available"), "Get it: in the menu, when it suits you.")
            }
            _ => return None,
        };
        let is_news = self.told_version.as_ref() != Some(&version);
        self.told_version = Some(version);
        is_news.then_some(told)
    }

    fn may_say(&self, class: Class, now: Instant) -> bool {
        let last = self.last.iter().rev().find(|(said, _)| *said == class);
        last.is_none_or(|(_, at)| now.duration_since(*at) >= QUIET)
    }
}

fn since(since: Option<Instant>, is_on: bool, now: Instant) -> Option<Instant> {
    is_on.then(|| since.unwrap_or(now))
}

fn is_wanted(class: Class, wanted: Notify) -> bool {
    match class {
        Class::ServerLost => wanted.server_lost,
        Class::KeyRefused => wanted.key_refused,
        Class::RuntimeGone => wanted.runtime_gone,
        Class::UpdateReady => wanted.update_ready,
        Class::Paused => wanted.paused,
    }
}

fn server_name(shown: &Snapshot) -> String {
    let url = url::Url::parse(&shown.server.url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "the server".to_owned())
}

fn notice(title: impl Into<String>, body: &str) -> Notice {
    Notice { title: title.into(), body: body.to_owned() }
}

/// Says it. Blocks until the desktop has taken it, so not for a thread that has other things to do.
pub fn say(notice: &Notice) {
    let mut notification = Notification::new();
    notification.appname("llamapool").icon("llamapool").summary(&notice.title).body(&notice.body);
    #[cfg(windows)]
    if is_known() {
        notification.app_id(APP_ID);
    }
    let said = notification.show();
    if let Err(error) = said {
        tracing::debug!("Nobody takes notifications here: {error}");
    }
}

/// By which Windows knows the app: what its installer has registered.
#[cfg(windows)]
const APP_ID: &str = "io.llamapool.desktop";

/// Whether Windows knows the app. It shows nothing of one that it does not.
#[cfg(windows)]
fn is_known() -> bool {
    let key = format!(r"Software\Classes\AppUserModelId\{APP_ID}");
    windows_registry::CURRENT_USER.open(key).is_ok()
}

#[cfg(test)]
mod tests;
