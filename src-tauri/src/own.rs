//! What the app keeps in mind of itself, in `desktop.yaml` beside the worker's configuration: notifications, updates, the icon, when to serve, sleep, and
//! whether it has been set up.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::ipc::{Notify, TrayIcon, UpdateMode};
use crate::serve::Rules;

/// Its name, in the folder of the worker's configuration.
pub const FILE: &str = "desktop.yaml";

const HEAD: &str =
    "# Written by the llamapool app. Its preferences are in its window; the worker's are in worker.yaml.\n";

/// The app's own preferences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Own {
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
    /// The keys that are there instead of in `worker.yaml`.
    pub in_keychain: Vec<String>,
    /// When to serve.
    pub serve: Rules,
    /// Whether the first run is over.
    pub first_run_done: bool,
}

impl Default for Own {
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

/// Where they are kept, and what they are now.
#[derive(Debug, Clone)]
pub struct Kept {
    file: PathBuf,
    now: watch::Sender<Own>,
}

impl Kept {
    /// Reads the file in this folder. Without one, or with one that makes no sense, all is as by default.
    pub fn read(folder: &Path) -> Self {
        let file = folder.join(FILE);
        let own = match load(&file) {
            Ok(own) => own,
            Err(error) => {
                tracing::warn!("The app's preferences are as by default: {error:#}");
                Own::default()
            }
        };
        Self { file, now: watch::Sender::new(own) }
    }

    /// What they are, now and at every change.
    pub fn watch(&self) -> watch::Receiver<Own> {
        self.now.subscribe()
    }

    /// What they are now.
    pub fn get(&self) -> Own {
        self.now.borrow().clone()
    }

    /// Changes them, and writes them down.
    ///
    /// # Errors
    /// The file cannot be written. The change counts until the app ends all the same.
    pub fn change(&self, change: impl FnOnce(&mut Own)) -> anyhow::Result<()> {
        self.now.send_modify(change);
        let own = self.get();
        let text = serde_saphyr::to_string(&own).context("write the app's preferences")?;
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        std::fs::write(&self.file, format!("{HEAD}{text}"))
            .with_context(|| format!("write {}", self.file.display()))
    }

    /// Somebody may have edited the file.
    pub fn reread(&self) {
        match load(&self.file) {
            Ok(own) => {
                self.now.send_if_modified(|now| std::mem::replace(now, own.clone()) != own);
            }
            Err(error) => tracing::warn!("The app's preferences stay as they are: {error:#}"),
        }
    }
}

fn load(file: &Path) -> anyhow::Result<Own> {
    match std::fs::read_to_string(file) {
        Ok(text) if text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) => {
            Ok(Own::default())
        }
        Ok(text) => serde_saphyr::from_str(&text).with_context(|| format!("read {}", file.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Own::default()),
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::read(folder.path());
        assert_eq!(kept.get(), Own::default());
        let change = |own: &mut Own| {
            own.notify.paused = false;
            own.updates = UpdateMode::Off;
            own.first_run_done = true;
        };
        kept.change(change).unwrap();
        assert_eq!(Kept::read(folder.path()).get(), kept.get());
        assert!(!kept.get().notify.paused && kept.get().notify.server_lost);
    }

    #[test]
    fn a_part_of_it_is_enough_and_rubbish_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join(FILE), text).unwrap();
        write("updates: off\nunknown: 1\n");
        assert_eq!(Kept::read(folder.path()).get(), Own { updates: UpdateMode::Off, ..Own::default() });
        for text in ["# nothing\n", "", "][", "updates: sometimes\n"] {
            write(text);
            assert_eq!(Kept::read(folder.path()).get(), Own::default(), "{text}");
        }
    }

    #[test]
    fn a_hand_edit_is_followed_if_it_makes_sense() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::read(folder.path());
        let mut seen = kept.watch();
        std::fs::write(folder.path().join(FILE), "first_run_done: true\n").unwrap();
        kept.reread();
        assert!(seen.has_changed().unwrap() && seen.borrow_and_update().first_run_done);
        std::fs::write(folder.path().join(FILE), "][").unwrap();
        kept.reread();
        assert!(!seen.has_changed().unwrap() && kept.get().first_run_done);
    }
}
