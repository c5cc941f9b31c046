//! The tray's menu as a pure function of what is shown. `tray.rs` puts it on the screen.

use crate::ipc::{Mode, ModelView, Phase, Snapshot, UpdateState};
use crate::phase::count;

/// Models that the menu lists; the window has them all. More would not fit a screen.
const MOST_MODELS: usize = 25;

/// A whole menu, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu(pub Vec<Row>);

/// A row of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is clicked. Rows that stay the same row keep it.
    pub id: String,
    /// What is read.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// What it is.
    pub kind: Kind,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// To be clicked.
    Item,
    /// With or without a mark.
    Check(bool),
    /// A line.
    Separator,
    /// A menu of its own.
    Submenu(Vec<Row>),
}

/// What the menu shows beside the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extras {
    /// The system starts the app.
    pub starts_at_login: bool,
    /// There are files with logs.
    pub has_log_folder: bool,
    /// The app ends as soon as nothing runs.
    pub quits: bool,
}

/// What a click on a row asks for.
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

/// Names of rows, as ids.
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

/// What stands before a model's name in its row's id.
const MODEL: &str = "model:";

/// What a click on the row with this id asks for.
pub fn click(id: &str) -> Option<Click> {
    if let Some(model) = id.strip_prefix(MODEL) {
        return Some(Click::Model(model.to_owned()));
    }
    CLICKS.iter().find(|(name, _)| *name == id).map(|(_, click)| click.clone())
}

/// The menu for this state.
pub fn menu(shown: &Snapshot, extras: Extras) -> Menu {
    let mut rows = vec![told("status", &shown.headline), server(shown), line("line-1")];
    rows.extend(steering(shown));
    rows.push(models(shown));
    rows.push(line("line-2"));
    rows.extend(places(shown, extras));
    rows.push(check("start-at-login", "Start at login", extras.starts_at_login));
    rows.push(update(shown));
    rows.push(line("line-3"));
    rows.extend(quit(shown, extras.quits));
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

/// Whether and how it serves.
fn steering(shown: &Snapshot) -> Vec<Row> {
    match shown.phase {
        Phase::Unconfigured => vec![item("setup", "Set up…")],
        Phase::Stopped => vec![item("start", "Start serving")],
        Phase::Failed => vec![item("start", "Start again")],
        Phase::Terminating => Vec::new(),
        Phase::Paused => vec![item("resume", resume(shown)), shutdown_when_done(shown)],
        Phase::Draining => vec![item("undrain", "Take requests again"), shutdown_when_done(shown)],
        phase => {
            let waits = matches!(phase, Phase::Waiting | Phase::Refused) && shown.mode == Mode::Embedded;
            let mut rows = if waits { vec![item("retry", "Try again now")] } else { Vec::new() };
            rows.extend([
                pause(),
                item("drain", "Finish current requests and stop"),
                shutdown_when_done(shown),
            ]);
            rows
        }
    }
}

fn resume(shown: &Snapshot) -> &'static str {
    if shown.paused_by.is_some() { "Serve anyway" } else { "Resume serving" }
}

fn pause() -> Row {
    let spans = vec![
        item("pause-30m", "For 30 minutes"),
        item("pause-1h", "For 1 hour"),
        item("pause-tomorrow", "Until tomorrow"),
        item("pause-resumed", "Until I resume"),
    ];
    Row { kind: Kind::Submenu(spans), ..item("pause", "Pause serving") }
}

fn shutdown_when_done(shown: &Snapshot) -> Row {
    let label = match shown.mode {
        Mode::Embedded => "Shut the worker down when done",
        Mode::Attached => "Shut the worker service down when done",
    };
    item("shutdown-when-done", label)
}

fn models(shown: &Snapshot) -> Row {
    let mut rows: Vec<_> =
        shown.models.iter().take(MOST_MODELS).map(|each| model(each, shown.mode)).collect();
    match shown.models.len() {
        0 => rows.push(told("no-models", "None found yet")),
        n if n > MOST_MODELS => rows.push(item("more-models", format!("{} more…", n - MOST_MODELS))),
        _ => {}
    }
    Row { kind: Kind::Submenu(rows), ..item("models", "Models") }
}

/// What a service offers is its own configuration's matter.
fn model(model: &ModelView, mode: Mode) -> Row {
    let mut label = model.name.clone();
    if let Some(bytes) = model.size_bytes {
        label += &format!(" – {}", size(bytes));
    }
    if model.loaded == Some(true) {
        label += " ●";
    }
    Row { enabled: mode == Mode::Embedded, ..check(format!("{MODEL}{}", model.name), label, model.offered) }
}

/// `4.9 GB`, as shops and download pages count.
fn size(bytes: u64) -> String {
    let gigabytes = bytes as f64 / 1e9;
    if gigabytes < 1.0 { format!("{:.0} MB", bytes as f64 / 1e6) } else { format!("{gigabytes:.1} GB") }
}

fn places(shown: &Snapshot, extras: Extras) -> Vec<Row> {
    vec![
        item("open", "Open llamapool"),
        item("preferences", "Preferences…"),
        Row {
            enabled: shown.server.endpoint_url.is_some(),
            ..item("copy-endpoint", "Copy endpoint address")
        },
        help(extras),
    ]
}

/// What is wanted when something is wrong, and rarely otherwise.
fn help(extras: Extras) -> Row {
    let rows = vec![
        item("logs", "View logs…"),
        item("diagnostics", "Run diagnostics…"),
        line("line-help"),
        item("config-folder", "Open config folder"),
        Row { enabled: extras.has_log_folder, ..item("log-folder", "Open log folder") },
        item("documentation", "Documentation"),
        item("about", "About llamapool"),
    ];
    Row { kind: Kind::Submenu(rows), ..item("help", "Logs and help") }
}

fn update(shown: &Snapshot) -> Row {
    let update = &shown.update;
    match (update.state, &update.version) {
        (UpdateState::Staged, Some(version)) => {
            item("restart-to-update", format!("Restart to update to {version}"))
        }
        (UpdateState::Available, Some(version)) => item("get-update", format!("Get version {version}…")),
        (UpdateState::Checking, _) => told("check-update", "Checking for updates…"),
        (UpdateState::Staging, _) => told("check-update", "Fetching an update…"),
        // The window has the whole reason.
        (UpdateState::Off, _) => item("updates-off", updates_off(update.why.as_deref())),
        _ => item("check-update", "Check for updates"),
    }
}

/// The reason as far as it fits a menu: what follows is what to do instead.
fn updates_off(why: Option<&str>) -> String {
    match why.and_then(|why| why.split([':', ',']).next()) {
        Some(why) => format!("Updates are off: {why}"),
        None => "Updates are off".to_owned(),
    }
}

fn quit(shown: &Snapshot, quits: bool) -> Vec<Row> {
    let is_ours = shown.mode == Mode::Embedded;
    match shown.running {
        _ if quits => vec![item("stay", "Do not quit"), item("quit-now", "Quit now")],
        running @ 1.. if is_ours => {
            let requests = count(running as usize, "request");
            vec![item("quit", format!("Finish {requests}, then quit")), item("quit-now", "Quit now")]
        }
        _ if is_ours => vec![item("quit", "Quit")],
        _ => vec![item("quit", "Quit (the worker service goes on)")],
    }
}

fn item(id: impl Into<String>, label: impl Into<String>) -> Row {
    Row { id: id.into(), label: label.into(), enabled: true, kind: Kind::Item }
}

/// A row that only tells.
fn told(id: &str, label: &str) -> Row {
    Row { enabled: false, ..item(id, label) }
}

fn check(id: impl Into<String>, label: impl Into<String>, is_on: bool) -> Row {
    Row { kind: Kind::Check(is_on), ..item(id, label) }
}

fn line(id: &str) -> Row {
    Row { kind: Kind::Separator, ..told(id, "") }
}

#[cfg(test)]
mod tests;
