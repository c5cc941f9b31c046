//! The menu of the tray icon, read and clicked as a panel does it (`com.canonical.dbusmenu`).

use std::collections::HashMap;

use zbus::zvariant::{OwnedValue, Structure, Value};

use super::watcher::{self, Item, Watcher};
use crate::wait::until;

const MENU: &str = "com.canonical.dbusmenu";

/// A row of the menu, with the rows below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// For clicking.
    pub id: i32,
    /// What is read; empty for a line.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Whether it has a mark, if it can have one.
    pub checked: Option<bool>,
    /// The submenu.
    pub rows: Vec<Self>,
}

/// The tray icon of the app.
pub struct Tray<'a> {
    watcher: &'a Watcher,
}

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl<'a> Tray<'a> {
    pub(super) fn new(watcher: &'a Watcher) -> Self {
        Self { watcher }
    }

    /// The menu as it is now. An app that comes or goes has an icon for a moment when it has no menu.
    pub async fn rows(&self) -> Vec<Row> {
        // The app may be changing it this very moment, or be about to take its icon away.
        let (_, layout): (u32, Layout) = until("the menu", async || {
            let item = self.watcher.item().await?;
            self.call(&item, "GetLayout", &(0i32, -1i32, Vec::<String>::new())).await.ok()
        })
        .await;
        row(layout).rows
    }

    /// Every row, those of submenus after the one they are in.
    pub async fn all(&self) -> Vec<Row> {
        fn flat(rows: Vec<Row>, into: &mut Vec<Row>) {
            for row in rows {
                let below = row.rows.clone();
                into.push(row);
                flat(below, into);
            }
        }
        let mut all = Vec::new();
        flat(self.rows().await, &mut all);
        all
    }

    /// The labels from top to bottom, without submenus.
    pub async fn labels(&self) -> Vec<String> {
        self.rows().await.into_iter().map(|row| row.label).collect()
    }

    /// The first row: the state.
    pub async fn status(&self) -> String {
        self.labels().await.into_iter().next().unwrap_or_default()
    }

    /// Waits until the first row begins like this.
    pub async fn until_status(&self, start: &str) {
        self.until_status_within(crate::wait::PATIENCE, start).await;
    }

    /// [`Tray::until_status`] with a limit of its own.
    pub async fn until_status_within(&self, limit: std::time::Duration, start: &str) {
        let mut last = String::new();
        let what = format!("the status {start:?}");
        let looked = tokio::time::timeout(limit, async {
            loop {
                last = self.status().await;
                if last.starts_with(start) {
                    return;
                }
                tokio::time::sleep(crate::wait::millis(50)).await;
            }
        });
        assert!(looked.await.is_ok(), "waited {limit:?} for {what}; it is {last:?}");
    }

    /// Waits for a row that begins like this and is as wanted.
    pub async fn until_row(&self, start: &str, is_so: impl Fn(&Row) -> bool) -> Row {
        until(&format!("the row {start:?}"), async || {
            self.all().await.into_iter().find(|row| row.label.starts_with(start) && is_so(row))
        })
        .await
    }

    /// Clicks the row that begins like this, once it can be clicked.
    pub async fn click(&self, start: &str) {
        until(&format!("a click on {start:?} to arrive"), async || {
            let row = self.until_row(start, |row| row.enabled).await;
            let item = self.watcher.item().await?;
            // A row that is not there any more cannot be clicked: then there is another.
            let nothing = Value::from("");
            self.call::<_, ()>(&item, "Event", &(row.id, "clicked", nothing, 0u32)).await.ok()
        })
        .await;
    }

    /// The picture that the icon shows: its file, as bytes.
    pub async fn picture(&self) -> Vec<u8> {
        let item = self.watcher.until_item().await;
        until("a readable icon", async || {
            let text = |value: OwnedValue| String::try_from(value).expect("a text");
            let bus = &self.watcher.connection;
            let name = text(watcher::property(bus, &item, "IconName").await.ok()?);
            let folder = text(watcher::property(bus, &item, "IconThemePath").await.ok()?);
            let file = if name.starts_with('/') { name } else { format!("{folder}/{name}.png") };
            std::fs::read(file).ok().filter(|bytes| !bytes.is_empty())
        })
        .await
    }

    async fn call<A, R>(&self, item: &Item, method: &str, arguments: &A) -> zbus::Result<R>
    where
        A: serde::Serialize + zbus::zvariant::DynamicType,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let connection = &self.watcher.connection;
        let path = watcher::menu_path(connection, item).await?;
        let asked = connection.call_method(Some(item.owner.as_str()), &path, Some(MENU), method, arguments);
        asked.await?.body().deserialize()
    }
}

fn row((id, properties, below): Layout) -> Row {
    let text = |name: &str| match properties.get(name).map(|value| &**value) {
        Some(Value::Str(text)) => Some(text.to_string()),
        _ => None,
    };
    let number = |name: &str| match properties.get(name).map(|value| &**value) {
        Some(Value::I32(number)) => Some(*number),
        _ => None,
    };
    let enabled = !matches!(properties.get("enabled").map(|value| &**value), Some(Value::Bool(false)));
    let checked =
        text("toggle-type").filter(|kind| !kind.is_empty()).map(|_| number("toggle-state") == Some(1));
    let rows = below.into_iter().map(|value| row(layout(value))).collect();
    Row { id, label: label(&text("label").unwrap_or_default()), enabled, checked, rows }
}

/// Rows are in each other as values of the type of the whole.
fn layout(value: OwnedValue) -> Layout {
    let structure = Structure::try_from(value).expect("a row is a structure");
    Layout::try_from(structure).expect("a row has an id, properties and rows")
}

/// A label without the marks of access keys: `_` is one, `__` is an underscore.
fn label(text: &str) -> String {
    let mut label = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '_' if chars.peek() == Some(&'_') => label.extend(chars.next()),
            '_' => {}
            c => label.push(c),
        }
    }
    label
}
