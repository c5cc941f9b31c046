//! Keys in the system's keychain, where there is one: `worker.yaml` has none of them then, and `desktop.yaml` says which they are. What is written into
//! `worker.yaml` by hand counts more.
//!
//! A keychain may ask its owner before it answers, so it is only spoken to where nobody waits; what it said is remembered as long as the app runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llamapool_worker_core::config::Config;
use secrecy::{ExposeSecret as _, SecretString};

use crate::own::Kept;
use crate::settings::{self, Changes};

/// What the keychain knows us as.
const SERVICE: &str = "llamapool";

/// The settings that are keys.
const KEYS: [&str; 2] = ["client_key", "completion_api_key"];

/// A place for keys that belongs to the system.
pub trait Vault: Send + Sync {
    /// Whether it is there, or why not.
    fn status(&self) -> Result<(), String>;
    /// What is kept for this account; nothing if nothing is.
    fn read(&self, account: &str) -> Result<Option<SecretString>, String>;
    /// Keeps this.
    fn keep(&self, account: &str, key: &SecretString) -> Result<(), String>;
    /// Keeps it no longer.
    fn forget(&self, account: &str) -> Result<(), String>;
}

/// A key that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Which, and why.
    pub why: String,
    /// There is no keychain, or not yet.
    pub is_away: bool,
}

/// Changes of settings without what the keychain has taken.
pub struct Split {
    /// What is to be written.
    pub left: Vec<(String, Option<String>)>,
    /// Keys that were taken back, or that are in the file now. They do not count any more, so that no server that is new in the file sees one.
    gone: Vec<Gone>,
}

/// A key that is still in the keychain, and is not to be used.
struct Gone {
    name: &'static str,
    key: Option<SecretString>,
}

/// The worker's keys in the keychain. Clones are the same.
#[derive(Clone)]
pub struct Keys {
    vault: Arc<dyn Vault>,
    /// Says which keys are in the keychain, and whether any may be.
    own: Kept,
    /// Each configuration file has keys of its own.
    file: String,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    keys: BTreeMap<&'static str, SecretString>,
    /// Grows with every change.
    version: u64,
}

impl Keys {
    /// Those of the worker with this configuration file.
    pub fn new(vault: impl Vault + 'static, own: Kept, file: &Path) -> Self {
        Self { vault: Arc::new(vault), own, file: file.display().to_string(), known: Arc::default() }
    }

    /// The preferences that say so.
    pub fn own(&self) -> &Kept {
        &self.own
    }

    /// Reads from the keychain what `desktop.yaml` says is there.
    ///
    /// # Errors
    /// Which key cannot be had, and why.
    pub async fn read(&self) -> Result<(), Unread> {
        let this = self.clone();
        blocking(move || {
            let mut kept = KEYS.into_iter().filter(|name| this.is_kept(name));
            let read = kept.try_for_each(|name| this.read_one(name));
            read.map_err(|why| Unread { why, is_away: this.vault.status().is_err() })
        })
        .await
    }

    fn read_one(&self, name: &'static str) -> Result<(), String> {
        if self.lock().keys.contains_key(name) {
            return Ok(());
        }
        let found = self.vault.read(&self.account(name));
        let key = found.and_then(|key| key.ok_or_else(|| "it is not there any more".to_owned()));
        let key =
            key.map_err(|why| format!("{name} is kept in the system's keychain, but cannot be read: {why}"))?;
        self.remember(name, Some(key));
        Ok(())
    }

    /// Puts keys where the configuration has none.
    pub fn fill(&self, config: &mut Config) {
        let known = self.lock();
        for (name, key) in &known.keys {
            let slot = slot(config, name);
            if slot.is_none() {
                *slot = Some(key.clone());
            }
        }
    }

    /// The key of this setting, if it is known from the keychain.
    pub fn get(&self, name: &str) -> Option<SecretString> {
        self.lock().keys.get(name).cloned()
    }

    /// Whether the key of this setting is in the keychain.
    pub fn is_kept(&self, name: &str) -> bool {
        self.own.get().in_keychain.iter().any(|kept| kept == name)
    }

    /// Another number after every change of what [`Keys::fill`] does.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// Why keys are not kept in the keychain although they should be.
    pub async fn problem(&self) -> Option<String> {
        let vault = self.vault.clone();
        blocking(move || vault.status()).await.err()
    }

    /// Keeps the keys that are among changes of settings. What is left is to be written into the file: all of it where there is no keychain, its
    /// owner does not want it to be used, or the file is to have the keys (`in_file`).
    ///
    /// # Errors
    /// A key that is not to count any more cannot be noted as such.
    pub async fn keep(&self, changes: &Changes, in_file: bool) -> Result<Split, String> {
        let (this, changes) = (self.clone(), changes.to_vec());
        blocking(move || this.split(changes, in_file)).await
    }

    fn split(&self, changes: Vec<(String, Option<String>)>, in_file: bool) -> Result<Split, String> {
        let mut split = Split { left: Vec::new(), gone: Vec::new() };
        for (name, value) in changes {
            let Some(known) = KEYS.into_iter().find(|known| *known == name) else {
                split.left.push((name, value));
                continue;
            };
            // What is wrong with a value is told by whoever writes it.
            let key = value.as_deref().map(str::trim).filter(|key| settings::check(known, key).is_none());
            let may_keep = !in_file && self.own.get().keychain;
            let key = key.filter(|key| may_keep && !key.is_empty()).map(SecretString::from);
            if key.is_some_and(|key| self.put(known, key)) {
                split.left.push((name, None));
                continue;
            }
            split.left.push((name, value));
            match self.withdraw(known) {
                Ok(gone) => split.gone.extend(gone),
                Err(why) => {
                    self.put_back(split);
                    return Err(why);
                }
            }
        }
        Ok(split)
    }

    /// Gives whether the keychain has it now.
    fn put(&self, name: &'static str, key: SecretString) -> bool {
        let kept = self.vault.keep(&self.account(name), &key).and_then(|()| self.note(name, true));
        match &kept {
            Ok(()) => self.remember(name, Some(key)),
            Err(why) => tracing::warn!("{name} is kept in the settings, not in the system's keychain: {why}"),
        }
        kept.is_ok()
    }

    /// A key does not count from here on, although the keychain still has it.
    fn withdraw(&self, name: &'static str) -> Result<Option<Gone>, String> {
        if !self.is_kept(name) {
            return Ok(None);
        }
        self.note(name, false)?;
        let key = self.get(name);
        self.remember(name, None);
        Ok(Some(Gone { name, key }))
    }

    /// Forgets the keys that the keychain is not to have any more, now that the rest is written.
    pub async fn forget(&self, split: Split) {
        let this = self.clone();
        blocking(move || {
            for Gone { name, .. } in split.gone {
                if let Err(why) = this.vault.forget(&this.account(name)) {
                    tracing::warn!("{name} stays in the system's keychain, unused: {why}");
                }
            }
        })
        .await;
    }

    /// The rest could not be written: the keys that were to go count again.
    pub fn put_back(&self, split: Split) {
        for Gone { name, key } in split.gone {
            if let Err(why) = self.note(name, true) {
                tracing::warn!("{name} is not taken from the system's keychain any more: {why}");
            }
            if key.is_some() {
                self.remember(name, key);
            }
        }
    }

    fn note(&self, name: &str, is_kept: bool) -> Result<(), String> {
        let changed = self.own.change(|own| {
            own.in_keychain.retain(|kept| kept != name);
            own.in_keychain.extend(is_kept.then(|| name.to_owned()));
        });
        changed.map_err(|error| format!("{error:#}"))
    }

    fn remember(&self, name: &'static str, key: Option<SecretString>) {
        let mut known = self.lock();
        known.version += 1;
        match key {
            Some(key) => known.keys.insert(name, key),
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

/// Where a key belongs.
fn slot<'a>(config: &'a mut Config, name: &str) -> &'a mut Option<SecretString> {
    match name {
        "client_key" => &mut config.server.client_key,
        _ => &mut config.runtime.api_key,
    }
}

/// Runs what may wait for a person.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it does not panic, and nobody stops it")
}

/// The system's own: Keychain Services, the Credential Manager, or what speaks the Secret Service protocol.
pub struct System;

impl Vault for System {
    fn status(&self) -> Result<(), String> {
        store().map_err(|error| error.to_string())
    }

    fn read(&self, account: &str) -> Result<Option<SecretString>, String> {
        match entry(account)?.get_password() {
            Ok(key) => Ok(Some(key.into())),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn keep(&self, account: &str, key: &SecretString) -> Result<(), String> {
        entry(account)?.set_password(key.expose_secret()).map_err(|error| error.to_string())
    }

    fn forget(&self, account: &str) -> Result<(), String> {
        match entry(account)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn entry(account: &str) -> Result<keyring_core::Entry, String> {
    store().and_then(|()| keyring_core::Entry::new(SERVICE, account)).map_err(|error| error.to_string())
}

/// Finds the keychain. One that is not there yet when somebody logs in is there a moment later.
fn store() -> keyring_core::Result<()> {
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
