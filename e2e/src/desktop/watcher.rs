//! The desktop's side of the bus: tray icons and notifications arrive here, and the colours that people want are told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, connection, interface};

use crate::wait::until;

/// Where the portal is.
const PORTAL: &str = "/org/freedesktop/portal/desktop";

/// What of it tells settings.
const SETTINGS: &str = "org.freedesktop.portal.Settings";

/// Those of colours.
const APPEARANCE: &str = "org.freedesktop.appearance";

/// A tray icon, by where it is on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whose.
    pub owner: String,
    /// Where.
    pub path: String,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// In a line.
    pub title: String,
    /// In some more.
    pub body: String,
}

/// A desktop that shows tray icons and notifications.
pub struct Watcher {
    /// The bus.
    pub connection: Connection,
    seen: Seen,
    scheme: Arc<AtomicU32>,
}

/// The colours that people may want, as the portal has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark ones.
    Dark = 1,
    /// Light ones.
    Light = 2,
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<(Vec<Item>, Vec<Note>)>>);

impl Seen {
    fn with<T>(&self, then: impl FnOnce(&mut (Vec<Item>, Vec<Note>)) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Watcher {
    /// Takes the desktop's names on the bus.
    pub async fn start(bus: &str) -> Self {
        let (seen, scheme) = (Seen::default(), Arc::<AtomicU32>::default());
        let started = async {
            connection::Builder::address(bus)?
                .serve_at("/StatusNotifierWatcher", Icons(seen.clone()))?
                .serve_at("/org/freedesktop/Notifications", Notes(seen.clone()))?
                .serve_at(PORTAL, Colours(scheme.clone()))?
                .name("org.freedesktop.portal.Desktop")?
                .name("org.kde.StatusNotifierWatcher")?
                .name("org.freedesktop.Notifications")?
                .build()
                .await
        };
        Self { connection: started.await.expect("the bus is ours"), seen, scheme }
    }

    /// Somebody wants other colours.
    pub async fn prefer(&self, scheme: Scheme) {
        self.scheme.store(scheme as u32, Ordering::Relaxed);
        let change = (APPEARANCE, "color-scheme", Value::U32(scheme as u32));
        let told = self.connection.emit_signal(None::<&str>, PORTAL, SETTINGS, "SettingChanged", &change);
        told.await.expect("the bus is ours");
    }

    /// Waits for a tray icon of somebody who is still there: the newest.
    pub async fn until_item(&self) -> Item {
        until("a tray icon", async || self.item().await).await
    }

    /// The newest tray icon whose owner is on the bus.
    pub async fn item(&self) -> Option<Item> {
        let item = self.seen.with(|(items, _)| items.last().cloned())?;
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await.ok()?;
        let owner = item.owner.as_str().try_into().ok()?;
        bus.name_has_owner(owner).await.ok()?.then_some(item)
    }

    /// Every notification so far.
    pub fn notes(&self) -> Vec<Note> {
        self.seen.with(|(_, notes)| notes.clone())
    }
}

struct Colours(Arc<AtomicU32>);

#[interface(name = "org.freedesktop.portal.Settings")]
impl Colours {
    async fn read_one(&self, namespace: &str, key: &str) -> zbus::fdo::Result<OwnedValue> {
        if (namespace, key) != (APPEARANCE, "color-scheme") {
            return Err(zbus::fdo::Error::UnknownProperty(key.to_owned()));
        }
        Ok(OwnedValue::from(self.0.load(Ordering::Relaxed)))
    }
}

struct Icons(Seen);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Icons {
    async fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        // Some say where their icon is, others on which name, with the icon at the usual place.
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let item = match service.starts_with('/') {
            true => Item { owner: sender, path: service.to_owned() },
            false => Item { owner: service.to_owned(), path: "/StatusNotifierItem".to_owned() },
        };
        self.0.with(|(items, _)| items.push(item));
    }

    async fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    async fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.with(|(items, _)| items.iter().map(|item| format!("{}{}", item.owner, item.path)).collect())
    }

    #[zbus(property)]
    async fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    async fn protocol_version(&self) -> i32 {
        0
    }
}

struct Notes(Seen);

#[interface(name = "org.freedesktop.Notifications")]
impl Notes {
    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    async fn notify(
        &self,
        _app: &str,
        _replaces: u32,
        _icon: &str,
        title: &str,
        body: &str,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let note = Note { title: title.to_owned(), body: body.to_owned() };
        self.0.with(|(_, notes)| {
            notes.push(note);
            notes.len() as u32
        })
    }

    async fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    async fn get_server_information(&self) -> (String, String, String, String) {
        ("test".to_owned(), "llamapool".to_owned(), "1".to_owned(), "1.2".to_owned())
    }

    async fn close_notification(&self, _id: u32) {}
}

/// A property of a tray icon.
pub(super) async fn property(connection: &Connection, item: &Item, name: &str) -> zbus::Result<OwnedValue> {
    let which = ("org.kde.StatusNotifierItem", name);
    let asked = connection.call_method(
        Some(item.owner.as_str()),
        item.path.as_str(),
        Some("org.freedesktop.DBus.Properties"),
        "Get",
        &which,
    );
    asked.await?.body().deserialize()
}

/// Where the menu of a tray icon is.
pub(super) async fn menu_path(connection: &Connection, item: &Item) -> zbus::Result<OwnedObjectPath> {
    let value = property(connection, item, "Menu").await?;
    match &*value {
        Value::ObjectPath(path) => Ok(path.to_owned().into()),
        other => panic!("a menu at {other:?}"),
    }
}
