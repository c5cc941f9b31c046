//! Keys moving between the file and a keychain, which is in memory here or missing.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::config_paths::ConfigPaths;
use crate::log_buffer::LogBuffer;
use crate::settings;
use crate::supervisor::Supervisor;

/// No keychain.
pub(crate) struct NoKeychain;

impl Keychain for NoKeychain {
    fn status(&self) -> Result<(), String> {
        Err("there is none".to_owned())
    }
    fn read(&self, _account: &str) -> Result<Option<SecretString>, String> {
        self.status().map(|()| None)
    }
    fn store(&self, _account: &str, _key: &SecretString) -> Result<(), String> {
        self.status()
    }
    fn delete(&self, _account: &str) -> Result<(), String> {
        self.status()
    }
}

/// A keychain that outlives the app.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, String>>>);

impl Keychain for Memory {
    fn status(&self) -> Result<(), String> {
        Ok(())
    }
    fn read(&self, account: &str) -> Result<Option<SecretString>, String> {
        Ok(self.0.lock().unwrap().get(account).cloned().map(SecretString::from))
    }
    fn store(&self, account: &str, key: &SecretString) -> Result<(), String> {
        self.0.lock().unwrap().insert(account.to_owned(), key.expose_secret().to_owned());
        Ok(())
    }
    fn delete(&self, account: &str) -> Result<(), String> {
        self.0.lock().unwrap().remove(account);
        Ok(())
    }
}

struct Rig {
    folder: TempDir,
    keychain: Memory,
}

impl Rig {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), keychain: Memory::default() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("worker.yaml")
    }

    /// The paths of a freshly started app.
    fn paths(&self) -> ConfigPaths {
        ConfigPaths::with_keychain(self.keychain.clone(), &self.file(), self.folder.path())
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap_or_default()
    }
}

/// Changes settings as the preferences do.
async fn change(paths: &ConfigPaths, name: &str, value: Option<&str>) {
    let changes = [(name.to_owned(), value.map(str::to_owned))];
    let split = paths.keys().keep(&changes, false).await.unwrap();
    settings::write(paths, &split.left).unwrap();
    paths.keys().forget(split).await;
}

fn key(paths: &ConfigPaths) -> Option<String> {
    let key = paths.load().unwrap().config.server.client_key;
    key.map(|key| key.expose_secret().to_owned())
}

#[tokio::test]
async fn a_key_is_kept_in_the_keychain_and_found_after_a_restart() {
    let rig = Rig::new();
    let paths = rig.paths();
    change(&paths, "client_name", Some("desk")).await;
    change(&paths, "client_key", Some("hush")).await;
    assert!(!rig.text().contains("hush") && rig.text().contains("desk"), "{}", rig.text());
    assert_eq!(key(&paths).as_deref(), Some("hush"));
    let again = rig.paths();
    assert_eq!(key(&again), None, "the keychain has not been read yet");
    again.keys().read().await.unwrap();
    assert_eq!(key(&again).as_deref(), Some("hush"));
    assert!(again.keys().is_kept("client_key"));
    let shown = settings::preferences(&again, crate::ipc::Mode::Embedded);
    let mut fields = shown.groups.iter().flat_map(|group| &group.fields);
    assert!(fields.any(|field| field.key == "client_key" && field.is_set && field.in_keychain));
}

#[tokio::test]
async fn a_key_in_the_file_takes_precedence() {
    let rig = Rig::new();
    let paths = rig.paths();
    change(&paths, "client_key", Some("kept")).await;
    std::fs::write(rig.file(), "client_key: written\n").unwrap();
    assert_eq!(key(&paths).as_deref(), Some("written"));
}

#[tokio::test]
async fn a_removed_key_is_in_neither_place() {
    let rig = Rig::new();
    let paths = rig.paths();
    change(&paths, "client_key", Some("hush")).await;
    let before = paths.keys().version();
    change(&paths, "client_key", None).await;
    assert_eq!(key(&paths), None);
    assert!(rig.keychain.0.lock().unwrap().is_empty() && paths.keys().version() != before);
    rig.paths().keys().read().await.unwrap();
}

#[tokio::test]
async fn with_the_keychain_off_keys_are_in_the_file() {
    let rig = Rig::new();
    let paths = rig.paths();
    change(&paths, "client_key", Some("hush")).await;
    paths.app_settings().change(|settings| settings.keychain = false).unwrap();
    change(&paths, "client_key", Some("hush")).await;
    assert!(rig.text().contains("hush"));
    assert!(rig.keychain.0.lock().unwrap().is_empty(), "not in both places");
    assert_eq!(key(&rig.paths()).as_deref(), Some("hush"));
}

#[tokio::test]
async fn without_a_keychain_the_file_has_the_key_and_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.yaml");
    let paths = ConfigPaths::with_keychain(NoKeychain, &file, folder.path());
    change(&paths, "client_key", Some("hush")).await;
    assert_eq!(key(&paths).as_deref(), Some("hush"));
    assert_eq!(paths.keys().problem().await.as_deref(), Some("there is none"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn an_unavailable_key_is_named() {
    let rig = Rig::new();
    change(&rig.paths(), "client_key", Some("hush")).await;
    let locked = ConfigPaths::with_keychain(NoKeychain, &rig.file(), rig.folder.path());
    let KeyUnavailable { why, is_away } = locked.keys().read().await.unwrap_err();
    assert!(is_away && why.contains("client_key") && why.contains("there is none"), "{why}");
    rig.keychain.0.lock().unwrap().clear();
    let KeyUnavailable { why, is_away } = rig.paths().keys().read().await.unwrap_err();
    assert!(!is_away && why.contains("no longer contains"), "{why}");
    // Saving a new key solves it.
    change(&locked, "client_key", Some("other")).await;
    assert_eq!(key(&locked).as_deref(), Some("other"));
    locked.keys().read().await.unwrap();
}

#[tokio::test]
async fn an_invalid_key_is_not_stored() {
    let rig = Rig::new();
    let paths = rig.paths();
    let changes = [("client_key".to_owned(), Some("two\nlines".to_owned()))];
    let split = paths.keys().keep(&changes, false).await.unwrap();
    assert_eq!(split.left[0].1.as_deref(), Some("two\nlines"), "left to be reported when it is written");
    assert!(!paths.keys().is_kept("client_key"));
}

#[tokio::test]
async fn a_withdrawn_key_is_not_used_before_the_file_is_written() {
    let rig = Rig::new();
    let paths = rig.paths();
    change(&paths, "client_key", Some("hush")).await;
    let split = paths.keys().keep(&[("client_key".to_owned(), None)], false).await.unwrap();
    paths.keys().read().await.unwrap();
    assert_eq!(key(&paths), None, "withdrawn");
    assert_eq!(key(&rig.paths()), None, "nor after a crash");
    paths.keys().put_back(split);
    assert_eq!(key(&paths).as_deref(), Some("hush"), "put back");
    rig.paths().keys().read().await.unwrap();
}

#[tokio::test]
async fn a_key_for_a_service_goes_into_the_file() {
    let rig = Rig::new();
    let paths = rig.paths();
    change(&paths, "client_key", Some("old")).await;
    let changes = [("client_key".to_owned(), Some("new".to_owned()))];
    let split = paths.keys().keep(&changes, true).await.unwrap();
    settings::write(&paths, &split.left).unwrap();
    paths.keys().forget(split).await;
    assert!(rig.text().contains("new") && rig.keychain.0.lock().unwrap().is_empty());
    assert!(!paths.keys().is_kept("client_key"));
}

#[tokio::test]
async fn every_secret_setting_is_kept_in_the_keychain() {
    let rig = Rig::new();
    let paths = rig.paths();
    let names: Vec<_> = secret_settings().collect();
    assert!(names.len() >= 3 && names.contains(&"otlp_headers".to_owned()), "{names:?}");
    for name in &names {
        change(&paths, name, Some("authorization=hush")).await;
        assert!(paths.keys().is_kept(name), "{name}");
    }
    assert!(!rig.text().contains("hush"), "{}", rig.text());
    let again = rig.paths();
    again.keys().read().await.unwrap();
    let config = again.load().unwrap().config;
    assert_eq!(config.trace.headers["authorization"], "hush");
    assert!(config.server.client_key.is_some() && config.runtime.api_key.is_some());
}

#[tokio::test]
async fn every_secret_moves_to_the_file_and_back() {
    let rig = Rig::new();
    std::fs::write(rig.file(), "client_key: one\notlp_headers: authorization=two\n").unwrap();
    let paths = rig.paths();
    // The life of the supervisor does not begin: nobody waits for the reload.
    let (supervisor, _life) = Supervisor::new(paths.clone(), None, LogBuffer::default());
    settings::move_keys(&paths, &supervisor).await.unwrap();
    assert!(!rig.text().contains("one") && !rig.text().contains("two"), "{}", rig.text());
    assert_eq!(key(&paths).as_deref(), Some("one"));
    paths.app_settings().change(|settings| settings.keychain = false).unwrap();
    settings::move_keys(&paths, &supervisor).await.unwrap();
    assert!(rig.text().contains("one") && rig.text().contains("authorization=two"), "{}", rig.text());
    assert!(rig.keychain.0.lock().unwrap().is_empty());
}
