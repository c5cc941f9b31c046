//! The tray icon and its menu on the screen. Only what has changed is updated: on Linux a menu cannot be replaced, and an open one stays open.
//!
//! Everything here runs on the main thread.

mod shown_rows;

use std::cell::RefCell;

use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Wry};

use self::shown_rows::ShownRows;
use crate::clicks;
use crate::menu::{Click, Menu};
use crate::tray_icon::{Icon, IconStyle};

/// The icon's id.
const ID: &str = "main";

thread_local! {
    /// The one tray, on the main thread.
    static TRAY: RefCell<Option<Tray>> = const { RefCell::new(None) };
}

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The icon.
    pub icon: Icon,
    /// The tooltip.
    pub tooltip: String,
    /// The menu.
    pub menu: Menu,
}

struct Tray {
    tray_icon: TrayIcon,
    menu: tauri::menu::Menu<Wry>,
    rows: ShownRows,
    icon: Icon,
    tooltip: String,
}

/// Shows this. May be called from any thread. Fails if the app is ending.
pub fn show(app: &AppHandle, shown: Shown) -> tauri::Result<()> {
    let handle = app.clone();
    app.run_on_main_thread(move || {
        TRAY.with_borrow_mut(|tray| {
            let done = match tray {
                Some(tray) => tray.change(&handle, &shown),
                None => Tray::new(&handle, &shown).map(|made| *tray = Some(made)),
            };
            if let Err(error) = done {
                tracing::warn!("Couldn't update the tray: {error}");
            }
        });
    })
}

/// Removes the icon. Must be called on the main thread.
pub fn remove() {
    TRAY.take();
}

impl Tray {
    fn new(app: &AppHandle, shown: &Shown) -> tauri::Result<Self> {
        let menu = tauri::menu::Menu::new(app)?;
        let mut rows = ShownRows::default();
        rows.change(app, &menu, &shown.menu.0)?;
        let tray_icon = TrayIconBuilder::with_id(ID)
            .icon(shown.icon.picture())
            .icon_as_template(shown.icon.style == IconStyle::Template)
            .tooltip(&shown.tooltip)
            .menu(&menu)
            // macOS opens menus with the left button, other systems with the right one.
            .show_menu_on_left_click(cfg!(target_os = "macos"))
            .on_tray_icon_event(|icon, event| {
                if let TrayIconEvent::Click {
                    button: MouseButton::Left,
                    button_state: MouseButtonState::Up,
                    ..
                } = event
                    && !cfg!(target_os = "macos")
                {
                    clicks::clicked(icon.app_handle(), Click::Open);
                }
            })
            .build(app)?;
        Ok(Self { tray_icon, menu, rows, icon: shown.icon, tooltip: shown.tooltip.clone() })
    }

    fn change(&mut self, app: &AppHandle, shown: &Shown) -> tauri::Result<()> {
        if self.icon != shown.icon {
            // In one call: otherwise macOS forgets that it is a template.
            let is_template = shown.icon.style == IconStyle::Template;
            self.tray_icon.set_icon_with_as_template(Some(shown.icon.picture()), is_template)?;
            self.icon = shown.icon;
        }
        if self.tooltip != shown.tooltip {
            self.tray_icon.set_tooltip(Some(&shown.tooltip))?;
            self.tooltip.clone_from(&shown.tooltip);
        }
        self.rows.change(app, &self.menu, &shown.menu.0)
    }
}
