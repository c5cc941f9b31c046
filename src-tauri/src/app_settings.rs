//! The app's own settings, in `desktop.yaml` beside the worker's configuration: notifications, updates, icon, when to share, sleep, and whether the first
//! run is done.

mod lenient;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use lenient::Read;
use llamapool_settings::{edit, text_file};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::ipc::{Notify, TrayIcon, UpdateMode};
use crate::serve::Rules;

/// The file's name.
pub const FILE: &str = "desktop.yaml";

/// The extension for an unreadable file that was moved aside.
const BACKUP_EXTENSION: &str = "yaml.bad";

/// The comment at the top of the file.
const HEADER: &str = "# Written by the llamapool app. Change these settings in its Preferences; the worker's settings are in worker.yaml.\n";

/// The app's own settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppSettings {
    /// Which notifications are shown.
    pub notify: Notify,
    /// How the app updates itself.
    pub updates: UpdateMode,
    /// How the tray icon is drawn.
    pub icon: TrayIcon,
    /// Whether to keep the computer awake while requests are running.
    pub hold_sleep: bool,
    /// Whether keys may be stored in the system keychain.
    pub keychain: bool,
    /// The names of the keys in the keychain instead of in `worker.yaml`.
    pub in_keychain: Vec<String>,
    /// When to share.
    pub serve: Rules,
    /// Whether the first run is done.
    pub first_run_done: bool,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            notify: Notify::default(),
            updates: UpdateMode::default(),
            icon: TrayIcon::default(),
            hold_sleep: false,
            keychain: true,
            in_keychain: Vec::new(),
            serve: Rules::default(),
            first_run_done: false,
        }
    }
}

/// The settings file and its current content. Clones share it.
#[derive(Debug, Clone)]
pub struct SettingsStore {
    file: PathBuf,
    now: watch::Sender<AppSettings>,
    /// Held during a change, so that file and content stay equal.
    changing: Arc<Mutex<()>>,
}

impl SettingsStore {
    /// Reads the file in this folder. Missing and invalid settings get their defaults.
    pub fn read(folder: &Path) -> Self {
        let file = folder.join(FILE);
        let settings = match load(&file, &AppSettings::default()) {
            Ok(Read { value, wrong }) => {
                warn_about(&wrong);
                value
            }
            Err(why) => {
                tracing::warn!("Using default settings: couldn't read {}: {why}", file.display());
                AppSettings::default()
            }
        };
        Self { file, now: watch::Sender::new(settings), changing: Arc::default() }
    }

    /// The settings, now and after each change.
    pub fn watch(&self) -> watch::Receiver<AppSettings> {
        self.now.subscribe()
    }

    /// The current settings.
    pub fn get(&self) -> AppSettings {
        self.now.borrow().clone()
    }

    /// Writes and applies a change. An unreadable file is moved aside first.
    ///
    /// # Errors
    /// The file cannot be written. Nothing is changed then.
    pub fn change(&self, change: impl FnOnce(&mut AppSettings)) -> anyhow::Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut settings = self.get();
        change(&mut settings);
        self.write(&settings).context("Couldn’t save the preferences")?;
        self.now.send_replace(settings);
        Ok(())
    }

    fn write(&self, settings: &AppSettings) -> anyhow::Result<()> {
        let text = serde_saphyr::to_string(settings)?;
        if load(&self.file, settings).is_err() {
            let backup = self.file.with_extension(BACKUP_EXTENSION);
            std::fs::rename(&self.file, &backup).with_context(|| backup.display().to_string())?;
            tracing::warn!("Couldn't read {}, moved it to {}", self.file.display(), backup.display());
        }
        edit::replace(&self.file, format!("{HEADER}{text}").as_bytes(), false)
            .with_context(|| self.file.display().to_string())
    }

    /// Rereads the file after an edit. Invalid settings keep their current values.
    pub fn reread(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match load(&self.file, &self.get()) {
            Ok(Read { value: settings, wrong }) => {
                warn_about(&wrong);
                self.now.send_if_modified(|now| std::mem::replace(now, settings.clone()) != settings);
            }
            Err(why) => {
                tracing::warn!("Couldn't read {}, keeping the current settings: {why}", self.file.display());
            }
        }
    }

    /// What is wrong with the file.
    pub fn problem(&self) -> Option<String> {
        match load(&self.file, &AppSettings::default()) {
            Ok(Read { wrong, .. }) if wrong.is_empty() => None,
            Ok(Read { wrong, .. }) => Some(format!("Ignored invalid settings: {}.", wrong.join(", "))),
            Err(why) => Some(why),
        }
    }
}

fn warn_about(wrong: &[String]) {
    if !wrong.is_empty() {
        tracing::warn!("Ignored invalid settings in {FILE}: {}", wrong.join(", "));
    }
}

/// Reads the file; a missing one gives the defaults.
fn load(file: &Path, current: &AppSettings) -> Result<Read<AppSettings>, String> {
    match text_file::read(file) {
        Ok(text) => lenient::read(&text, current),
        Err(error) if text_file::is_absent_or_hidden(file, &error) => {
            Ok(Read { value: AppSettings::default(), wrong: Vec::new() })
        }
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = SettingsStore::read(folder.path());
        assert_eq!(store.get(), AppSettings::default());
        let change = |settings: &mut AppSettings| {
            settings.notify.paused = false;
            settings.updates = UpdateMode::Off;
            settings.first_run_done = true;
        };
        store.change(change).unwrap();
        assert_eq!(SettingsStore::read(folder.path()).get(), store.get());
        assert!(!store.get().notify.paused && store.get().notify.server_lost);
    }

    #[test]
    fn missing_settings_are_defaults_and_invalid_ones_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join(FILE), text).unwrap();
        write("updates: off\nunknown: 1\n");
        assert_eq!(
            SettingsStore::read(folder.path()).get(),
            AppSettings { updates: UpdateMode::Off, ..AppSettings::default() }
        );
        for (text, problem) in
            [("# nothing\n", false), ("", false), ("][", true), ("updates: sometimes\n", true)]
        {
            write(text);
            let store = SettingsStore::read(folder.path());
            assert_eq!((store.get(), store.problem().is_some()), (AppSettings::default(), problem), "{text}");
        }
        write("updates: sometimes\nin_keychain: [client_key]\n");
        let store = SettingsStore::read(folder.path());
        assert!(store.problem().unwrap().contains("updates"));
        store.change(|settings| settings.first_run_done = true).unwrap();
        assert_eq!(store.problem(), None);
        assert_eq!(SettingsStore::read(folder.path()).get().in_keychain, ["client_key"]);
    }

    #[test]
    fn an_unreadable_file_is_moved_aside() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), b"\xff\xfe not text").unwrap();
        let store = SettingsStore::read(folder.path());
        store.change(|settings| settings.keychain = false).unwrap();
        assert_eq!(std::fs::read(folder.path().join("desktop.yaml.bad")).unwrap(), b"\xff\xfe not text");
        assert!(!SettingsStore::read(folder.path()).get().keychain && store.problem().is_none());
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [FILE, "desktop.yaml.bad"], "no temporary file is left");
    }

    #[test]
    fn a_failed_write_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // A folder that even root cannot create.
        std::fs::write(folder.path().join("file"), "").unwrap();
        let store = SettingsStore::read(&folder.path().join("file/below"));
        let receiver = store.watch();
        let error = store.change(|settings| settings.first_run_done = true).unwrap_err();
        assert_eq!(error.to_string(), "Couldn’t save the preferences");
        assert!(!store.get().first_run_done && !receiver.has_changed().unwrap());
    }

    #[test]
    fn a_valid_edit_by_hand_is_applied() {
        let folder = tempfile::tempdir().unwrap();
        let store = SettingsStore::read(folder.path());
        let mut receiver = store.watch();
        std::fs::write(folder.path().join(FILE), "first_run_done: true\n").unwrap();
        store.reread();
        assert!(receiver.has_changed().unwrap() && receiver.borrow_and_update().first_run_done);
        std::fs::write(folder.path().join(FILE), "][").unwrap();
        store.reread();
        assert!(!receiver.has_changed().unwrap() && store.get().first_run_done);
    }
}
