//! The preferences: the worker's settings as a form, and the app's own settings.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ServeForm;

/// The worker's settings as a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Preferences {
    /// The path of the settings file.
    pub path: String,
    /// Whether the file exists.
    pub exists: bool,
    /// The settings, grouped by concern.
    pub groups: Vec<FieldGroup>,
    /// Why the file as a whole cannot be used.
    pub file_problem: Option<String>,
    /// Warnings about the file, such as unknown settings, which are ignored.
    pub warnings: Vec<String>,
}

/// Settings that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct FieldGroup {
    /// The name of the concern.
    pub name: String,
    /// The settings, in the order of their declaration.
    pub fields: Vec<Field>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Field {
    /// Its key in the file.
    pub key: String,
    /// Its label.
    pub label: String,
    /// Its documentation.
    pub help: String,
    /// The control to edit it with.
    pub kind: FieldKind,
    /// The current value, if it is set and not a secret.
    pub value: Option<String>,
    /// The default.
    pub default: String,
    /// The allowed values, if there are only a few.
    pub choices: Option<Vec<String>>,
    /// When a change takes effect.
    pub effect: Effect,
    /// Why the current value is invalid.
    pub problem: Option<String>,
    /// Where the current value comes from.
    pub origin: Origin,
    /// Whether it is set.
    pub is_set: bool,
    /// Whether it is stored in the system keychain instead of the file.
    pub in_keychain: bool,
}

/// The control to edit a setting with.
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

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Effect {
    /// Immediately.
    Now,
    /// After a restart of the worker, which the app does automatically.
    Restart,
    /// After a restart of the worker service, which the app cannot do.
    Service,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Origin {
    /// The settings file.
    File,
    /// The default; the setting is not set.
    Default,
    /// The environment, which overrides the file.
    Environment,
}

/// The result of saving changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Saved {
    /// When they take effect.
    pub effect: Effect,
    /// The keys that were changed.
    pub applied: Vec<String>,
}

/// The app's own settings, stored in `desktop.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct AppPreferences {
    /// Whether the app starts at login. The system is asked each time.
    pub start_at_login: bool,
    /// Which notifications are on.
    pub notify: Notify,
    /// How the app updates itself.
    pub updates: UpdateMode,
    /// The style of the tray icon.
    pub icon: TrayIcon,
    /// Whether the computer is kept awake while requests are running.
    pub hold_sleep: bool,
    /// Whether keys may be stored in the system keychain.
    pub keychain: bool,
    /// Why keys are stored in the file nevertheless.
    pub keychain_problem: Option<String>,
    /// When to share.
    pub serve: ServeForm,
    /// The package manager that updates the app, if any.
    pub updates_managed_by: Option<String>,
    /// Whether the first run is done.
    pub first_run_done: bool,
    /// What is wrong with `desktop.yaml`.
    pub file_problem: Option<String>,
}

/// Which notifications are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Notify {
    /// The server has been unreachable for a while.
    pub server_lost: bool,
    /// The server rejects the worker key.
    pub key_refused: bool,
    /// The runtime no longer responds.
    pub runtime_gone: bool,
    /// An update is ready.
    pub update_ready: bool,
    /// Sharing pauses or resumes automatically.
    pub paused: bool,
}

impl Default for Notify {
    fn default() -> Self {
        Self { server_lost: true, key_refused: true, runtime_gone: true, update_ready: true, paused: true }
    }
}

impl Notify {
    /// All notifications off.
    pub const SILENT: Self = Self {
        server_lost: false,
        key_refused: false,
        runtime_gone: false,
        update_ready: false,
        paused: false,
    };
}

/// The style of the tray icon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum TrayIcon {
    /// Follows the system.
    #[default]
    Auto,
    /// For dark panels.
    Dark,
    /// For light panels.
    Light,
    /// In colour, for any panel.
    Colour,
}

/// How the app updates itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum UpdateMode {
    /// Installs updates automatically when no request is running.
    Auto,
    /// Downloads updates, and asks before it restarts.
    #[default]
    Ask,
    /// Does not check for updates.
    Off,
}
