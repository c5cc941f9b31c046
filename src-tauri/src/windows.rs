//! The windows: made when they are wanted, gone when they are closed. What they show is kept in Rust, so nothing is lost with them.

use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Emitter as _, Manager as _, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

use crate::desk::Desk;
use crate::leftovers;

/// The window with everything in it.
pub const MAIN: &str = "main";

/// The first run.
pub const WELCOME: &str = "welcome";

/// Tells an open window which view to show.
const GO: &str = "go";

/// Wide enough for two columns, and fits the smallest screens of laptops.
const SIZE: (f64, f64) = (900.0, 640.0);

/// The views are drawn for this and more.
const SMALLEST: (f64, f64) = (420.0, 480.0);

/// What the main window can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Status,
    Preferences,
    Logs,
    Diagnostics,
    About,
}

impl View {
    fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Preferences => "preferences",
            Self::Logs => "logs",
            Self::Diagnostics => "diagnostics",
            Self::About => "about",
        }
    }
}

/// Shows the main window, at this view.
pub fn open(app: &AppHandle, view: View) {
    if app.get_webview_window(MAIN).is_some() {
        let _ = app.emit_to(MAIN, GO, view.name());
    }
    show(app, MAIN, view.name());
}

/// Shows the first run.
pub fn welcome(app: &AppHandle) {
    show(app, WELCOME, WELCOME);
}

/// Whether anybody looks.
pub fn is_any_open(app: &AppHandle) -> bool {
    !app.webview_windows().is_empty()
}

/// The last one was closed.
pub fn closed(app: &AppHandle) {
    let handle = app.clone();
    app.state::<Desk>().spawn(async move {
        tokio::time::sleep(leftovers::SETTLED).await;
        if !is_any_open(&handle) {
            leftovers::give_back();
        }
    });
}

fn show(app: &AppHandle, label: &'static str, view: &'static str) {
    let handle = app.clone();
    let shown = app.run_on_main_thread(move || {
        let window = match handle.get_webview_window(label) {
            Some(window) => Ok(window),
            None => make(&handle, label, view),
        };
        match window {
            Ok(window) => to_the_front(&window),
            Err(error) => tracing::error!("There is no window: {error}"),
        }
    });
    if let Err(error) = shown {
        tracing::debug!("No window is opened any more: {error}");
    }
}

fn make(app: &AppHandle, label: &str, view: &str) -> tauri::Result<WebviewWindow> {
    let page = WebviewUrl::App(format!("index.html?view={view}").into());
    WebviewWindowBuilder::new(app, label, page)
        .title("llamapool")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .center()
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .disable_drag_drop_handler()
        .build()
}

/// Pages of the app itself, and no others.
fn is_ours(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // What the same is called on Windows.
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

fn to_the_front(window: &WebviewWindow) {
    let _ = window.show();
    let _ = window.unminimize();
    let _ = window.set_focus();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_stay_within_the_app() {
        for ours in ["tauri://localhost", "tauri://localhost/index.html?view=status"] {
            assert!(is_ours(&ours.parse().unwrap()), "{ours}");
        }
        for other in [
            "https://example.com/",
            "http://localhost:8080/",
            "file:///etc/passwd",
            "tauri://elsewhere/",
            "data:text/html,x",
            "about:blank",
        ] {
            assert!(!is_ours(&other.parse().unwrap()), "{other}");
        }
    }
}
