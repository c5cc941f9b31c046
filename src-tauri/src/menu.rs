//! The tray menu as a pure function of the snapshot. `tray.rs` displays it.

use crate::ipc::{Mode, ModelView, Phase, Snapshot, UpdateState};
use crate::worker_state::count;

/// The largest number of models in the menu. The window lists all.
const MAX_MODELS: usize = 25;

/// A whole menu, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu(pub Vec<Row>);

/// A row of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row's id, which stays the same when the label changes.
    pub id: String,
    /// The text.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// The kind of row.
    pub kind: RowKind,
}

/// The kind of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKind {
    /// A plain row.
    Item,
    /// A row with or without a check mark.
    Check(bool),
    /// A separator.
    Separator,
    /// A submenu.
    Submenu(Vec<Row>),
}

/// What the menu shows besides the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extras {
    /// The app starts at login.
    pub starts_at_login: bool,
    /// There are log files.
    pub has_log_folder: bool,
    /// The app quits when current requests have finished.
    pub is_quitting: bool,
}

/// A click on a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Click {
    Server,
    PauseHalfAnHour,
    PauseHour,
    PauseUntilTomorrow,
    PauseUntilResumed,
    Resume,
    Drain,
    Undrain,
    Start,
    Retry,
    ShutdownWhenDone,
    Model(String),
    Setup,
    Open,
    Preferences,
    CopyEndpoint,
    Logs,
    Diagnostics,
    ConfigFolder,
    LogFolder,
    Documentation,
    About,
    StartAtLogin,
    CheckUpdate,
    RestartToUpdate,
    GetUpdate,
    Quit,
    QuitNow,
    Stay,
}

/// The ids of the rows.
const CLICKS: &[(&str, Click)] = &[
    ("server", Click::Server),
    ("pause-30m", Click::PauseHalfAnHour),
    ("pause-1h", Click::PauseHour),
    ("pause-tomorrow", Click::PauseUntilTomorrow),
    ("pause-resumed", Click::PauseUntilResumed),
    ("resume", Click::Resume),
    ("drain", Click::Drain),
    ("undrain", Click::Undrain),
    ("start", Click::Start),
    ("retry", Click::Retry),
    ("shutdown-when-done", Click::ShutdownWhenDone),
    ("setup", Click::Setup),
    ("open", Click::Open),
    ("more-models", Click::Open),
    ("preferences", Click::Preferences),
    ("copy-endpoint", Click::CopyEndpoint),
    ("logs", Click::Logs),
    ("diagnostics", Click::Diagnostics),
    ("config-folder", Click::ConfigFolder),
    ("log-folder", Click::LogFolder),
    ("documentation", Click::Documentation),
    ("about", Click::About),
    ("updates-off", Click::About),
    ("start-at-login", Click::StartAtLogin),
    ("check-update", Click::CheckUpdate),
    ("restart-to-update", Click::RestartToUpdate),
    ("get-update", Click::GetUpdate),
    ("quit", Click::Quit),
    ("quit-now", Click::QuitNow),
    ("stay", Click::Stay),
];

/// The prefix of the ids of models.
const MODEL_PREFIX: &str = "model:";

/// The click for the row with this id.
pub fn click(id: &str) -> Option<Click> {
    if let Some(model) = id.strip_prefix(MODEL_PREFIX) {
        return Some(Click::Model(model.to_owned()));
    }
    CLICKS.iter().find(|(name, _)| *name == id).map(|(_, click)| click.clone())
}

/// The menu for this snapshot.
pub fn menu(shown: &Snapshot, extras: Extras) -> Menu {
    let mut rows = vec![info("status", &shown.headline), server(shown), separator("line-1")];
    rows.extend(controls(shown));
    rows.push(models(shown));
    rows.push(separator("line-2"));
    rows.extend(links(shown, extras));
    rows.push(check("start-at-login", "Start at login", extras.starts_at_login));
    rows.push(update(shown));
    rows.push(separator("line-3"));
    rows.extend(quit(shown, extras.is_quitting));
    Menu(rows)
}

fn server(shown: &Snapshot) -> Row {
    let url = &shown.server.url;
    let host = url::Url::parse(url).ok().and_then(|url| {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        url.host_str().map(|host| format!("{host}{port}"))
    });
    let label = match (host, shown.server.latency_ms) {
        (None, _) => "No server".to_owned(),
        (Some(host), Some(0)) => format!("{host} – < 1 ms"),
        (Some(host), Some(latency)) => format!("{host} – {latency} ms"),
        (Some(host), None) => host,
    };
    Row { enabled: shown.server.dashboard_url.is_some(), ..item("server", label) }
}

/// What can be done about sharing.
fn controls(shown: &Snapshot) -> Vec<Row> {
    match shown.phase {
        Phase::Unconfigured => vec![item("setup", "Set up…")],
        Phase::Stopped => vec![item("start", "Start sharing")],
        Phase::Failed => vec![item("start", "Try again")],
        Phase::Terminating => Vec::new(),
        Phase::Paused => vec![item("resume", resume(shown)), shutdown_when_done(shown)],
        Phase::Draining => vec![item("undrain", "Start taking requests"), shutdown_when_done(shown)],
        phase => {
            let waits = matches!(phase, Phase::Waiting | Phase::Refused) && shown.mode == Mode::Embedded;
            let mut rows = if waits { vec![item("retry", "Try again now")] } else { Vec::new() };
            rows.extend([pause(), item("drain", "Stop taking requests"), shutdown_when_done(shown)]);
            rows
        }
    }
}

fn resume(shown: &Snapshot) -> &'static str {
    if shown.paused_by.is_some() { "Share anyway" } else { "Resume sharing" }
}

fn pause() -> Row {
    let spans = vec![
        item("pause-30m", "For 30 minutes"),
        item("pause-1h", "For 1 hour"),
        item("pause-tomorrow", "Until tomorrow"),
        item("pause-resumed", "Until I resume"),
    ];
    Row { kind: RowKind::Submenu(spans), ..item("pause", "Pause sharing") }
}

fn shutdown_when_done(shown: &Snapshot) -> Row {
    let label = match shown.mode {
        Mode::Embedded => "Disconnect when finished",
        Mode::Attached => "Stop background service when finished",
    };
    item("shutdown-when-done", label)
}

fn models(shown: &Snapshot) -> Row {
    let mut rows: Vec<_> = shown.models.iter().take(MAX_MODELS).map(|each| model(each, shown.mode)).collect();
    match shown.models.len() {
        0 => rows.push(info("no-models", "No models found yet")),
        n if n > MAX_MODELS => rows.push(item("more-models", format!("{} more…", n - MAX_MODELS))),
        _ => {}
    }
    Row { kind: RowKind::Submenu(rows), ..item("models", "Models") }
}

/// A model. A service's configuration is not edited here, so its models cannot be switched.
fn model(model: &ModelView, mode: Mode) -> Row {
    let mut label = model.name.clone();
    match model.size_bytes {
        // What is on the disk is only a reference.
        _ if model.remote => label += " – cloud",
        Some(bytes) => label += &format!(" – {}", size(bytes)),
        None => {}
    }
    if model.loaded == Some(true) {
        label += " ●";
    }
    Row {
        enabled: mode == Mode::Embedded,
        ..check(format!("{MODEL_PREFIX}{}", model.name), label, model.offered)
    }
}

/// Formats a size in decimal units, such as `4.9 GB`.
fn size(bytes: u64) -> String {
    let gigabytes = bytes as f64 / 1e9;
    if gigabytes < 1.0 { format!("{:.0} MB", bytes as f64 / 1e6) } else { format!("{gigabytes:.1} GB") }
}

fn links(shown: &Snapshot, extras: Extras) -> Vec<Row> {
    vec![
        item("open", "Open llamapool"),
        item("preferences", "Preferences…"),
        Row { enabled: shown.server.endpoint_url.is_some(), ..item("copy-endpoint", "Copy API endpoint") },
        help(extras),
    ]
}

/// Rows for troubleshooting.
fn help(extras: Extras) -> Row {
    let rows = vec![
        item("logs", "View logs…"),
        item("diagnostics", "Run diagnostics…"),
        separator("line-help"),
        item("config-folder", "Open config folder"),
        Row { enabled: extras.has_log_folder, ..item("log-folder", "Open log folder") },
        item("documentation", "Documentation"),
        item("about", "About llamapool"),
    ];
    Row { kind: RowKind::Submenu(rows), ..item("help", "Logs and help") }
}

fn update(shown: &Snapshot) -> Row {
    let update = &shown.update;
    match (update.state, &update.version) {
        (UpdateState::Staged, Some(version)) => {
            item("restart-to-update", format!("Restart to update to {version}"))
        }
        (UpdateState::Available, Some(version)) => item("get-update", format!("Get version {version}…")),
        (UpdateState::Checking, _) => info("check-update", "Checking for updates…"),
        (UpdateState::Staging, _) => info("check-update", "Downloading the update…"),
        // The About view shows the whole reason.
        (UpdateState::Off, _) => item("updates-off", updates_off(update.why.as_deref())),
        _ => item("check-update", "Check for updates"),
    }
}

/// The first part of the reason, which fits a menu.
fn updates_off(why: Option<&str>) -> String {
    match why.and_then(|why| why.split([':', ',']).next()) {
        Some(why) => format!("Updates are off: {why}"),
        None => "Updates are off".to_owned(),
    }
}

fn quit(shown: &Snapshot, is_quitting: bool) -> Vec<Row> {
    let is_ours = shown.mode == Mode::Embedded;
    match shown.running {
        _ if is_quitting => vec![item("stay", "Don’t quit"), item("quit-now", "Quit now")],
        running @ 1.. if is_ours => {
            let requests = count(running as usize, "request");
            vec![item("quit", format!("Finish {requests}, then quit")), item("quit-now", "Quit now")]
        }
        _ if is_ours => vec![item("quit", "Quit")],
        _ => vec![item("quit", "Quit (background service keeps running)")],
    }
}

fn item(id: impl Into<String>, label: impl Into<String>) -> Row {
    Row { id: id.into(), label: label.into(), enabled: true, kind: RowKind::Item }
}

/// A row that cannot be clicked.
fn info(id: &str, label: &str) -> Row {
    Row { enabled: false, ..item(id, label) }
}

fn check(id: impl Into<String>, label: impl Into<String>, is_on: bool) -> Row {
    Row { kind: RowKind::Check(is_on), ..item(id, label) }
}

fn separator(id: &str) -> Row {
    Row { kind: RowKind::Separator, ..info(id, "") }
}

#[cfg(test)]
mod tests;
