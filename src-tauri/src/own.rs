//! What the app keeps in mind of itself, in `desktop.yaml` beside the worker's configuration: notifications, updates, the icon, when to serve, sleep, and
//! whether it has been set up.

mod lenient;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use lenient::Read;
use llamapool_worker_core::settings::edit;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::ipc::{Notify, TrayIcon, UpdateMode};
use crate::serve::Rules;

/// Its name, in the folder of the worker's configuration.
pub const FILE: &str = "desktop.yaml";

/// How the name of a file ends that could not be read, and was in the way.
const BAD: &str = "yaml.bad";

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
    /// Held by who changes them: what is written is what they are.
    changing: Arc<Mutex<()>>,
}

impl Kept {
    /// Reads the file in this folder. What is not given in it, or makes no sense, is as by default.
    pub fn read(folder: &Path) -> Self {
        let file = folder.join(FILE);
        let own = match load(&file, &Own::default()) {
            Ok(Read { value, wrong }) => {
                warn_of(&wrong);
                value
            }
            Err(why) => {
                tracing::warn!("The app's preferences are as by default: {}: {why}", file.display());
                Own::default()
            }
        };
        Self { file, now: watch::Sender::new(own), changing: Arc::default() }
    }

    /// What they are, now and at every change.
    pub fn watch(&self) -> watch::Receiver<Own> {
        self.now.subscribe()
    }

    /// What they are now.
    pub fn get(&self) -> Own {
        self.now.borrow().clone()
    }

    /// Changes them, once they are written down. A file that cannot be read is kept beside the new one.
    ///
    /// # Errors
    /// The file cannot be written. They stay as they are.
    pub fn change(&self, change: impl FnOnce(&mut Own)) -> anyhow::Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = self.get();
        change(&mut own);
        self.write(&own).context("The preferences cannot be written")?;
        self.now.send_replace(own);
        Ok(())
    }

    fn write(&self, own: &Own) -> anyhow::Result<()> {
        let text = serde_saphyr::to_string(own)?;
        if load(&self.file, own).is_err() {
            let bad = self.file.with_extension(BAD);
            std::fs::rename(&self.file, &bad).with_context(|| bad.display().to_string())?;
            tracing::warn!("What was in {} is in {} now", self.file.display(), bad.display());
        }
        edit::replace(&self.file, format!("{HEAD}{text}").as_bytes(), false)
            .with_context(|| self.file.display().to_string())
    }

    /// Somebody may have edited the file. What makes no sense in it stays as it is.
    pub fn reread(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match load(&self.file, &self.get()) {
            Ok(Read { value: own, wrong }) => {
                warn_of(&wrong);
                self.now.send_if_modified(|now| std::mem::replace(now, own.clone()) != own);
            }
            Err(why) => {
                tracing::warn!("The app's preferences stay as they are: {}: {why}", self.file.display());
            }
        }
    }

    /// What is wrong with the file as it is now.
    pub fn problem(&self) -> Option<String> {
        match load(&self.file, &Own::default()) {
            Ok(Read { wrong, .. }) if wrong.is_empty() => None,
            Ok(Read { wrong, .. }) => Some(format!("What it gives for {} cannot be used.", wrong.join(", "))),
            Err(why) => Some(why),
        }
    }
}

fn warn_of(wrong: &[String]) {
    if !wrong.is_empty() {
        tracing::warn!("What {FILE} gives for {} cannot be used", wrong.join(", "));
    }
}

/// Nothing is there, or all of it is wrong: the reason is told.
fn load(file: &Path, otherwise: &Own) -> Result<Read<Own>, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => lenient::read(&text, otherwise),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Read { value: Own::default(), wrong: Vec::new() })
        }
        Err(error) => Err(error.to_string()),
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
    fn a_part_of_it_is_enough_and_what_is_wrong_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join(FILE), text).unwrap();
        write("updates: off\nunknown: 1\n");
        assert_eq!(Kept::read(folder.path()).get(), Own { updates: UpdateMode::Off, ..Own::default() });
        for (text, problem) in
            [("# nothing\n", false), ("", false), ("][", true), ("updates: sometimes\n", true)]
        {
            write(text);
            let kept = Kept::read(folder.path());
            assert_eq!((kept.get(), kept.problem().is_some()), (Own::default(), problem), "{text}");
        }
        write("updates: sometimes\nin_keychain: [client_key]\n");
        let kept = Kept::read(folder.path());
        assert!(kept.problem().unwrap().contains("updates"));
        kept.change(|own| own.first_run_done = true).unwrap();
        assert_eq!(kept.problem(), None);
        assert_eq!(Kept::read(folder.path()).get().in_keychain, ["client_key"]);
    }

    #[test]
    fn what_cannot_be_read_is_kept_beside_the_new_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), b"\xff\xfe not text").unwrap();
        let kept = Kept::read(folder.path());
        kept.change(|own| own.keychain = false).unwrap();
        assert_eq!(std::fs::read(folder.path().join("desktop.yaml.bad")).unwrap(), b"\xff\xfe not text");
        assert!(!Kept::read(folder.path()).get().keychain && kept.problem().is_none());
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [FILE, "desktop.yaml.bad"], "nothing else is left");
    }

    #[test]
    fn what_cannot_be_written_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        // A folder that cannot be made, whoever runs this.
        std::fs::write(folder.path().join("file"), "").unwrap();
        let kept = Kept::read(&folder.path().join("file/below"));
        let seen = kept.watch();
        let error = kept.change(|own| own.first_run_done = true).unwrap_err();
        assert_eq!(error.to_string(), "The preferences cannot be written");
        assert!(!kept.get().first_run_done && !seen.has_changed().unwrap());
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
