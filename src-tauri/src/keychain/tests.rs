//! Keys on their way between a file and a keychain, which is here one of memory, or none.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::supervisor::Place;

/// No keychain.
pub(crate) struct Nowhere;

impl Vault for Nowhere {
    fn status(&self) -> Result<(), String> {
        Err("there is none".to_owned())
    }
    fn read(&self, _account: &str) -> Result<Option<SecretString>, String> {
        self.status().map(|()| None)
    }
    fn keep(&self, _account: &str, _key: &SecretString) -> Result<(), String> {
        self.status()
    }
    fn forget(&self, _account: &str) -> Result<(), String> {
        self.status()
    }
}

/// A keychain that lasts longer than the app.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, String>>>);

impl Vault for Memory {
    fn status(&self) -> Result<(), String> {
        Ok(())
    }
    fn read(&self, account: &str) -> Result<Option<SecretString>, String> {
        Ok(self.0.lock().unwrap().get(account).cloned().map(SecretString::from))
    }
    fn keep(&self, account: &str, key: &SecretString) -> Result<(), String> {
        self.0.lock().unwrap().insert(account.to_owned(), key.expose_secret().to_owned());
        Ok(())
    }
    fn forget(&self, account: &str) -> Result<(), String> {
        self.0.lock().unwrap().remove(account);
        Ok(())
    }
}

struct Rig {
    folder: TempDir,
    vault: Memory,
}

impl Rig {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), vault: Memory::default() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("worker.yaml")
    }

    /// The app, started anew.
    fn place(&self) -> Place {
        Place::with_vault(self.vault.clone(), &self.file(), self.folder.path())
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap_or_default()
    }
}

/// Changes settings as the preferences do.
async fn change(place: &Place, name: &str, value: Option<&str>) {
    let changes = [(name.to_owned(), value.map(str::to_owned))];
    let split = place.keys().keep(&changes, false).await.unwrap();
    settings::write(place, &split.left).unwrap();
    place.keys().forget(split).await;
}

fn key(place: &Place) -> Option<String> {
    let key = place.load().unwrap().config.server.client_key;
    key.map(|key| key.expose_secret().to_owned())
}

#[tokio::test]
async fn a_key_is_kept_in_the_keychain_and_found_after_a_restart() {
    let rig = Rig::new();
    let place = rig.place();
    change(&place, "client_name", Some("desk")).await;
    change(&place, "client_key", Some("hush")).await;
    assert!(!rig.text().contains("hush") && rig.text().contains("desk"), "{}", rig.text());
    assert_eq!(key(&place).as_deref(), Some("hush"));
    let again = rig.place();
    assert_eq!(key(&again), None, "nobody has asked the keychain yet");
    again.keys().read().await.unwrap();
    assert_eq!(key(&again).as_deref(), Some("hush"));
    assert!(again.keys().is_kept("client_key"));
    let shown = settings::preferences(&again, crate::ipc::Mode::Embedded);
    let mut fields = shown.groups.iter().flat_map(|group| &group.fields);
    assert!(fields.any(|field| field.key == "client_key" && field.is_set && field.in_keychain));
}

#[tokio::test]
async fn what_is_written_by_hand_counts_more() {
    let rig = Rig::new();
    let place = rig.place();
    change(&place, "client_key", Some("kept")).await;
    std::fs::write(rig.file(), "client_key: written\n").unwrap();
    assert_eq!(key(&place).as_deref(), Some("written"));
}

#[tokio::test]
async fn a_key_that_is_taken_back_is_in_neither_place() {
    let rig = Rig::new();
    let place = rig.place();
    change(&place, "client_key", Some("hush")).await;
    let before = place.keys().version();
    change(&place, "client_key", None).await;
    assert_eq!(key(&place), None);
    assert!(rig.vault.0.lock().unwrap().is_empty() && place.keys().version() != before);
    rig.place().keys().read().await.unwrap();
}

#[tokio::test]
async fn who_wants_no_keychain_gets_keys_in_the_file() {
    let rig = Rig::new();
    let place = rig.place();
    change(&place, "client_key", Some("hush")).await;
    place.own().change(|own| own.keychain = false).unwrap();
    change(&place, "client_key", Some("hush")).await;
    assert!(rig.text().contains("hush"));
    assert!(rig.vault.0.lock().unwrap().is_empty(), "not in both places");
    assert_eq!(key(&rig.place()).as_deref(), Some("hush"));
}

#[tokio::test]
async fn without_a_keychain_the_file_has_the_key_and_is_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.yaml");
    let place = Place::with_vault(Nowhere, &file, folder.path());
    change(&place, "client_key", Some("hush")).await;
    assert_eq!(key(&place).as_deref(), Some("hush"));
    assert_eq!(place.keys().problem().await.as_deref(), Some("there is none"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_had_is_named() {
    let rig = Rig::new();
    change(&rig.place(), "client_key", Some("hush")).await;
    let locked = Place::with_vault(Nowhere, &rig.file(), rig.folder.path());
    let Unread { why, is_away } = locked.keys().read().await.unwrap_err();
    assert!(is_away && why.contains("client_key") && why.contains("there is none"), "{why}");
    rig.vault.0.lock().unwrap().clear();
    let Unread { why, is_away } = rig.place().keys().read().await.unwrap_err();
    assert!(!is_away && why.contains("not there any more"), "{why}");
    // A new key is the way out: it goes where it can.
    change(&locked, "client_key", Some("other")).await;
    assert_eq!(key(&locked).as_deref(), Some("other"));
    locked.keys().read().await.unwrap();
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_not_kept() {
    let rig = Rig::new();
    let place = rig.place();
    let changes = [("client_key".to_owned(), Some("two\nlines".to_owned()))];
    let split = place.keys().keep(&changes, false).await.unwrap();
    assert_eq!(split.left[0].1.as_deref(), Some("two\nlines"), "whoever writes it says what is wrong");
    assert!(!place.keys().is_kept("client_key"));
}

#[tokio::test]
async fn a_key_that_goes_does_not_count_before_the_rest_is_written() {
    let rig = Rig::new();
    let place = rig.place();
    change(&place, "client_key", Some("hush")).await;
    let split = place.keys().keep(&[("client_key".to_owned(), None)], false).await.unwrap();
    place.keys().read().await.unwrap();
    assert_eq!(key(&place), None, "whoever reads the settings now must not use it");
    assert_eq!(key(&rig.place()), None, "nor after a crash");
    place.keys().put_back(split);
    assert_eq!(key(&place).as_deref(), Some("hush"), "nothing was written");
    rig.place().keys().read().await.unwrap();
}

#[tokio::test]
async fn a_key_for_a_service_goes_into_the_file() {
    let rig = Rig::new();
    let place = rig.place();
    change(&place, "client_key", Some("old")).await;
    let changes = [("client_key".to_owned(), Some("new".to_owned()))];
    let split = place.keys().keep(&changes, true).await.unwrap();
    settings::write(&place, &split.left).unwrap();
    place.keys().forget(split).await;
    assert!(rig.text().contains("new") && rig.vault.0.lock().unwrap().is_empty());
    assert!(!place.keys().is_kept("client_key"));
}
