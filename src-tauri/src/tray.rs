//! The icon and its menu on the screen. Only what has changed is touched: on Linux a menu cannot be replaced, and one that is open stays open.
//!
//! Everything here happens on the main thread.

mod live;

use std::cell::RefCell;

use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Wry};

use self::live::Level;
use crate::desk;
use crate::face::{Face, Style};
use crate::menu::{Click, Menu};

/// The icon's name within the app.
const ID: &str = "main";

thread_local! {
    /// The one tray, on the main thread.
    static TRAY: RefCell<Option<Tray>> = const { RefCell::new(None) };
}

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The picture.
    pub face: Face,
    /// What is said over it.
    pub tooltip: String,
    /// The menu.
    pub menu: Menu,
}

struct Tray {
    icon: TrayIcon,
    menu: tauri::menu::Menu<Wry>,
    rows: Level,
    face: Face,
    tooltip: String,
}

/// Shows this, from any thread. `Err` if the app is ending.
pub fn show(app: &AppHandle, shown: Shown) -> tauri::Result<()> {
    let handle = app.clone();
    app.run_on_main_thread(move || {
        TRAY.with_borrow_mut(|tray| {
            let done = match tray {
                Some(tray) => tray.change(&handle, &shown),
                None => Tray::new(&handle, &shown).map(|made| *tray = Some(made)),
            };
            if let Err(error) = done {
                tracing::warn!("The tray does not show what it should: {error}");
            }
        });
    })
}

/// Takes the icon away, on the main thread.
pub fn remove() {
    TRAY.take();
}

impl Tray {
    fn new(app: &AppHandle, shown: &Shown) -> tauri::Result<Self> {
        let menu = tauri::menu::Menu::new(app)?;
        let mut rows = Level::default();
        rows.change(app, &menu, &shown.menu.0)?;
        let icon = TrayIconBuilder::with_id(ID)
            .icon(shown.face.picture())
            .icon_as_template(shown.face.style == Style::Template)
            .tooltip(&shown.tooltip)
            .menu(&menu)
            // By custom the menu belongs to the left button on macOS, and to the right one elsewhere.
            .show_menu_on_left_click(cfg!(target_os = "macos"))
            .on_tray_icon_event(|icon, event| {
                if let TrayIconEvent::Click {
                    button: MouseButton::Left,
                    button_state: MouseButtonState::Up,
                    ..
                } = event
                    && !cfg!(target_os = "macos")
                {
                    desk::clicked(icon.app_handle(), Click::Open);
                }
            })
            .build(app)?;
        Ok(Self { icon, menu, rows, face: shown.face, tooltip: shown.tooltip.clone() })
    }

    fn change(&mut self, app: &AppHandle, shown: &Shown) -> tauri::Result<()> {
        if self.face != shown.face {
            // In one call: macOS would forget that it is a template.
            let is_template = shown.face.style == Style::Template;
            self.icon.set_icon_with_as_template(Some(shown.face.picture()), is_template)?;
            self.face = shown.face;
        }
        if self.tooltip != shown.tooltip {
            self.icon.set_tooltip(Some(&shown.tooltip))?;
            self.tooltip.clone_from(&shown.tooltip);
        }
        self.rows.change(app, &self.menu, &shown.menu.0)
    }
}
