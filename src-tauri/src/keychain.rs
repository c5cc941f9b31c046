//! Keys in the system keychain, if there is one. `worker.yaml` does not contain them then, and `desktop.yaml` lists their names. A key in `worker.yaml`
//! takes precedence.
//!
//! A keychain may prompt the user before it answers, so it is only accessed on blocking threads. Keys are cached while the app runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llamapool_settings::{Declaration, ProgramConfig as _, fields};
use llamapool_worker_core::config::Config;
use secrecy::{ExposeSecret as _, SecretString};

use crate::app_settings::SettingsStore;

/// Changes of settings: the new value, or none for the default.
pub type Changes = [(String, Option<String>)];

/// The service name of our entries in the keychain.
const SERVICE: &str = "llamapool";

/// A store for secrets that belongs to the system.
pub trait Keychain: Send + Sync {
    /// Whether it is available, or why not.
    fn status(&self) -> Result<(), String>;
    /// Reads the key of this account, if there is one.
    fn read(&self, account: &str) -> Result<Option<SecretString>, String>;
    /// Stores a key.
    fn store(&self, account: &str, key: &SecretString) -> Result<(), String>;
    /// Deletes a key.
    fn delete(&self, account: &str) -> Result<(), String>;
}

/// A key that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUnavailable {
    /// Which key, and why.
    pub why: String,
    /// The keychain is not available, perhaps not yet.
    pub is_away: bool,
}

/// Changes of settings without the keys that the keychain has stored.
pub struct Split {
    /// The changes to write to the file.
    pub left: Vec<(String, Option<String>)>,
    /// Keys that were removed, or moved to the file. They are no longer used, so that a new server never gets an old key.
    withdrawn: Vec<Withdrawn>,
}

/// A key that is still in the keychain but no longer used.
struct Withdrawn {
    name: String,
    key: Option<SecretString>,
}

/// The worker's keys in the keychain. Clones share their state.
#[derive(Clone)]
pub struct Keys {
    keychain: Arc<dyn Keychain>,
    /// Lists the keys in the keychain, and says whether to use it.
    settings: SettingsStore,
    /// The configuration file: each has its own keys.
    file: String,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    keys: BTreeMap<String, SecretString>,
    /// Increases with every change.
    version: u64,
}

impl Keys {
    /// The keys of the worker with this configuration file.
    pub fn new(keychain: impl Keychain + 'static, settings: SettingsStore, file: &Path) -> Self {
        Self {
            keychain: Arc::new(keychain),
            settings,
            file: file.display().to_string(),
            known: Arc::default(),
        }
    }

    /// The app's own settings.
    pub fn app_settings(&self) -> &SettingsStore {
        &self.settings
    }

    /// Reads the keys that `desktop.yaml` lists from the keychain.
    ///
    /// # Errors
    /// The first key that cannot be read, and why.
    pub async fn read(&self) -> Result<(), KeyUnavailable> {
        let this = self.clone();
        blocking(move || {
            let mut kept = secret_settings().filter(|name| this.is_kept(name));
            let read = kept.try_for_each(|name| this.read_one(&name));
            read.map_err(|why| KeyUnavailable { why, is_away: this.keychain.status().is_err() })
        })
        .await
    }

    fn read_one(&self, name: &str) -> Result<(), String> {
        if self.lock().keys.contains_key(name) {
            return Ok(());
        }
        let found = self.keychain.read(&self.account(name));
        let key = found.and_then(|key| key.ok_or_else(|| "the keychain no longer contains it".to_owned()));
        let key = key.map_err(|why| format!("Couldn’t read {name} from the system keychain: {why}"))?;
        self.remember(name, Some(key));
        Ok(())
    }

    /// The key of this setting, if it was read from the keychain.
    pub fn get(&self, name: &str) -> Option<SecretString> {
        self.lock().keys.get(name).cloned()
    }

    /// All keys that were read from the keychain, by setting.
    pub fn all(&self) -> Vec<(String, SecretString)> {
        self.lock().keys.iter().map(|(name, key)| (name.clone(), key.clone())).collect()
    }

    /// Whether the key of this setting is in the keychain.
    pub fn is_kept(&self, name: &str) -> bool {
        self.settings.get().in_keychain.iter().any(|kept| kept == name)
    }

    /// Increases whenever a key is added, replaced or removed.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// Why the keychain is not available.
    pub async fn problem(&self) -> Option<String> {
        let keychain = self.keychain.clone();
        blocking(move || keychain.status()).await.err()
    }

    /// Stores the keys among the changes in the keychain. The remaining changes are for the file: all of them if there is no keychain, the user does
    /// not want it used, or the keys belong in the file (`in_file`).
    ///
    /// # Errors
    /// `desktop.yaml` cannot be written.
    pub async fn keep(&self, changes: &Changes, in_file: bool) -> Result<Split, String> {
        let (this, changes) = (self.clone(), changes.to_vec());
        blocking(move || this.split(changes, in_file)).await
    }

    fn split(&self, changes: Vec<(String, Option<String>)>, in_file: bool) -> Result<Split, String> {
        let mut split = Split { left: Vec::new(), withdrawn: Vec::new() };
        for (name, value) in changes {
            if !secret_settings().any(|secret| secret == name) {
                split.left.push((name, value));
                continue;
            }
            // Invalid values are reported when the rest is written.
            let key =
                value.as_deref().map(str::trim).filter(|key| fields::check::<Config>(&name, key).is_ok());
            let may_keep = !in_file && self.settings.get().keychain;
            let key = key.filter(|key| may_keep && !key.is_empty()).map(SecretString::from);
            if key.is_some_and(|key| self.store(&name, key)) {
                split.left.push((name, None));
                continue;
            }
            split.left.push((name.clone(), value));
            match self.withdraw(name) {
                Ok(withdrawn) => split.withdrawn.extend(withdrawn),
                Err(why) => {
                    self.put_back(split);
                    return Err(why);
                }
            }
        }
        Ok(split)
    }

    /// Returns whether the keychain contains the key now.
    fn store(&self, name: &str, key: SecretString) -> bool {
        let kept = self.keychain.store(&self.account(name), &key).and_then(|()| self.note(name, true));
        match &kept {
            Ok(()) => self.remember(name, Some(key)),
            Err(why) => tracing::warn!("{name} is stored in worker.yaml, not in the system keychain: {why}"),
        }
        kept.is_ok()
    }

    /// Stops using a key that the keychain still contains.
    fn withdraw(&self, name: String) -> Result<Option<Withdrawn>, String> {
        if !self.is_kept(&name) {
            return Ok(None);
        }
        self.note(&name, false)?;
        let key = self.get(&name);
        self.remember(&name, None);
        Ok(Some(Withdrawn { name, key }))
    }

    /// The file is written: deletes the withdrawn keys from the keychain.
    pub async fn forget(&self, split: Split) {
        let this = self.clone();
        blocking(move || {
            for Withdrawn { name, .. } in split.withdrawn {
                if let Err(why) = this.keychain.delete(&this.account(&name)) {
                    tracing::warn!(
                        "Couldn't delete {name} from the system keychain, where it is no longer used: {why}"
                    );
                }
            }
        })
        .await;
    }

    /// The file could not be written: the withdrawn keys are used again.
    pub fn put_back(&self, split: Split) {
        for Withdrawn { name, key } in split.withdrawn {
            if let Err(why) = self.note(&name, true) {
                tracing::warn!("{name} in the system keychain is no longer used: {why}");
            }
            if key.is_some() {
                self.remember(&name, key);
            }
        }
    }

    fn note(&self, name: &str, is_kept: bool) -> Result<(), String> {
        let changed = self.settings.change(|settings| {
            settings.in_keychain.retain(|kept| kept != name);
            settings.in_keychain.extend(is_kept.then(|| name.to_owned()));
        });
        changed.map_err(|error| format!("{error:#}"))
    }

    fn remember(&self, name: &str, key: Option<SecretString>) {
        let mut known = self.lock();
        known.version += 1;
        match key {
            Some(key) => known.keys.insert(name.to_owned(), key),
            None => known.keys.remove(name),
        };
    }

    fn account(&self, name: &str) -> String {
        format!("{name} of {}", self.file)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("file", &self.file).finish_non_exhaustive()
    }
}

/// The settings that are kept in the keychain: those that are declared secret.
fn secret_settings() -> impl Iterator<Item = String> {
    Config::settings().into_iter().filter(Declaration::is_secret).map(|setting| setting.path().to_string())
}

/// Runs work that may wait for the user on a blocking thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the work does not panic and is not aborted")
}

/// The system's own: Keychain Services, Credential Manager, or a Secret Service provider.
pub struct SystemKeychain;

impl Keychain for SystemKeychain {
    fn status(&self) -> Result<(), String> {
        connect().map_err(|error| error.to_string())
    }

    fn read(&self, account: &str) -> Result<Option<SecretString>, String> {
        match entry(account)?.get_password() {
            Ok(key) => Ok(Some(key.into())),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn store(&self, account: &str, key: &SecretString) -> Result<(), String> {
        entry(account)?.set_password(key.expose_secret()).map_err(|error| error.to_string())
    }

    fn delete(&self, account: &str) -> Result<(), String> {
        match entry(account)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn entry(account: &str) -> Result<keyring_core::Entry, String> {
    connect().and_then(|()| keyring_core::Entry::new(SERVICE, account)).map_err(|error| error.to_string())
}

/// Connects to the keychain, which may only become available some time after login.
fn connect() -> keyring_core::Result<()> {
    if keyring_core::get_default_store().is_none() {
        #[cfg(target_os = "linux")]
        let store = zbus_secret_service_keyring_store::Store::new()?;
        #[cfg(target_os = "macos")]
        let store = apple_native_keyring_store::keychain::Store::new()?;
        #[cfg(windows)]
        let store = windows_native_keyring_store::Store::new()?;
        keyring_core::set_default_store(store);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
