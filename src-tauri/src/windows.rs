//! The windows: created when opened, destroyed when closed. What they show is kept in Rust, so closing one loses nothing.

use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Emitter as _, Manager as _, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// The main window's label.
pub const MAIN: &str = "main";

/// The first-run window's label.
pub const WELCOME: &str = "welcome";

/// The event that tells an open window which view to show.
const GO: &str = "go";

/// The initial size: two columns, and small enough for the smallest laptop screens.
const SIZE: (f64, f64) = (900.0, 640.0);

/// The smallest size for which the views are designed.
const MIN_SIZE: (f64, f64) = (420.0, 480.0);

/// A view of the main window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Status,
    Preferences,
    Logs,
    Diagnostics,
    About,
}

impl View {
    fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Preferences => "preferences",
            Self::Logs => "logs",
            Self::Diagnostics => "diagnostics",
            Self::About => "about",
        }
    }
}

/// Shows the main window with this view.
pub fn open(app: &AppHandle, view: View) {
    if app.get_webview_window(MAIN).is_some() {
        let _ = app.emit_to(MAIN, GO, view.as_str());
    }
    show(app, MAIN, view.as_str());
}

/// Shows the first-run window.
pub fn welcome(app: &AppHandle) {
    show(app, WELCOME, WELCOME);
}

/// Whether any window is open.
pub fn is_any_open(app: &AppHandle) -> bool {
    !app.webview_windows().is_empty()
}

fn show(app: &AppHandle, label: &'static str, view: &'static str) {
    let handle = app.clone();
    let shown = app.run_on_main_thread(move || {
        let window = match handle.get_webview_window(label) {
            Some(window) => Ok(window),
            None => create(&handle, label, view),
        };
        match window {
            Ok(window) => bring_to_front(&window),
            Err(error) => tracing::error!("Couldn't open the window: {error}"),
        }
    });
    if let Err(error) = shown {
        tracing::debug!("The app is quitting, no window is opened: {error}");
    }
}

fn create(app: &AppHandle, label: &str, view: &str) -> tauri::Result<WebviewWindow> {
    let page = WebviewUrl::App(format!("index.html?view={view}").into());
    WebviewWindowBuilder::new(app, label, page)
        .title("llamapool")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(MIN_SIZE.0, MIN_SIZE.1)
        .center()
        .on_navigation(is_app_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .disable_drag_drop_handler()
        .build()
}

/// Allows the app's own pages only.
fn is_app_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // The app's origin on Windows.
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

fn bring_to_front(window: &WebviewWindow) {
    let _ = window.show();
    let _ = window.unminimize();
    let _ = window.set_focus();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_stay_within_the_app() {
        for page in ["tauri://localhost", "tauri://localhost/index.html?view=status"] {
            assert!(is_app_page(&page.parse().unwrap()), "{page}");
        }
        for other in [
            "https://example.com/",
            "http://localhost:8080/",
            "file:///etc/passwd",
            "tauri://elsewhere/",
            "data:text/html,x",
            "about:blank",
        ] {
            assert!(!is_app_page(&other.parse().unwrap()), "{other}");
        }
    }
}
