//! The preferences: the worker's settings as a form, and the app's own.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ServeForm;

/// The worker's settings as a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Preferences {
    /// The file they are kept in.
    pub path: String,
    /// Whether it is there.
    pub exists: bool,
    /// The settings by concern.
    pub groups: Vec<FieldGroup>,
    /// Why the file as a whole cannot be used.
    pub file_problem: Option<String>,
    /// What in it is odd, and counts for nothing: names of settings that there are not, for one.
    pub warnings: Vec<String>,
}

/// Settings that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct FieldGroup {
    /// The concern.
    pub name: String,
    /// In the order of their declaration.
    pub fields: Vec<Field>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Field {
    /// Its name in the file.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// What it is for.
    pub help: String,
    /// What it is edited with.
    pub kind: FieldKind,
    /// What is given. Never that of a secret.
    pub value: Option<String>,
    /// What it is if nothing is given.
    pub default: String,
    /// What may be given, where only a few words do.
    pub choices: Option<Vec<String>>,
    /// When a change counts.
    pub effect: Effect,
    /// Why what is given cannot be used.
    pub problem: Option<String>,
    /// Where what is given comes from.
    pub origin: Origin,
    /// Whether anything is given.
    pub is_set: bool,
    /// Whether it is in the system's keychain instead of in the file.
    pub in_keychain: bool,
}

/// What a setting is edited with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum FieldKind {
    Text,
    Secret,
    Number,
    Switch,
    Choice,
    Path,
    Url,
    Duration,
    Size,
    List,
}

/// When a change counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Effect {
    /// At once.
    Now,
    /// When the worker is started again, which the app does by itself.
    Restart,
    /// When the worker service is started again, which the app does not do.
    Service,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Origin {
    /// The file.
    File,
    /// Nobody gave one.
    Default,
    /// The environment, which the file cannot overrule.
    Environment,
}

/// What became of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Saved {
    /// When they count.
    pub effect: Effect,
    /// The keys that were changed.
    pub applied: Vec<String>,
}

/// What the app itself keeps in mind, in `desktop.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct AppPreferences {
    /// Whether the system starts the app. Asked of the system each time.
    pub start_at_login: bool,
    /// What it may notify of.
    pub notify: Notify,
    /// How it updates itself.
    pub updates: UpdateMode,
    /// How the tray icon is drawn.
    pub icon: TrayIcon,
    /// Whether the machine is kept from sleeping by itself while requests run.
    pub hold_sleep: bool,
    /// Whether keys may be kept in the system's keychain.
    pub keychain: bool,
    /// Why they are kept in the file all the same.
    pub keychain_problem: Option<String>,
    /// When to serve.
    pub serve: ServeForm,
    /// Who updates it instead.
    pub updates_managed_by: Option<String>,
    /// Whether the first run is over.
    pub first_run_done: bool,
    /// What is wrong with the file they are kept in.
    pub file_problem: Option<String>,
}

/// What the app may notify of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Notify {
    /// The server has been out of reach for a while.
    pub server_lost: bool,
    /// The server does not accept the key.
    pub key_refused: bool,
    /// The runtime does not answer any more.
    pub runtime_gone: bool,
    /// A newer version is ready.
    pub update_ready: bool,
    /// Serving is paused, or goes on.
    pub paused: bool,
}

impl Default for Notify {
    fn default() -> Self {
        Self { server_lost: true, key_refused: true, runtime_gone: true, update_ready: true, paused: true }
    }
}

impl Notify {
    /// Nothing at all.
    pub const SILENT: Self = Self {
        server_lost: false,
        key_refused: false,
        runtime_gone: false,
        update_ready: false,
        paused: false,
    };
}

/// How the tray icon is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum TrayIcon {
    /// As the system says.
    #[default]
    Auto,
    /// For panels that are dark.
    Dark,
    /// For panels that are light.
    Light,
    /// For both, in colour.
    Colour,
}

/// How the app updates itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum UpdateMode {
    /// By itself, when nothing runs.
    Auto,
    /// Fetches, and asks before it restarts.
    #[default]
    Ask,
    /// Not at all.
    Off,
}
