//! Light or dark, as far as the system tells: the panel that the tray icon stands on, and the windows.
//!
//! On Linux the desktop's portal is asked, which also tells of changes, so that nobody has to look. On Windows the panel's colour is read when the app
//! starts, and on macOS the system colours the icon itself; windows follow the system there without us.

use tauri::AppHandle;
use tokio::sync::watch;

use crate::face::Style;
use crate::ipc::TrayIcon;

/// What stands behind the icon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    all(target_os = "macos", not(test)),
    expect(dead_code, reason = "nobody says there, as the system colours the icon")
)]
pub enum Panel {
    /// Nobody says.
    #[default]
    Unknown,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// How the icon is drawn there, if its owner wants it like this.
pub fn style(wanted: TrayIcon, panel: Panel) -> Style {
    match (wanted, panel) {
        (TrayIcon::Auto, _) if cfg!(target_os = "macos") => Style::Template,
        (TrayIcon::Auto, Panel::Dark) | (TrayIcon::Dark, _) => Style::Dark,
        (TrayIcon::Auto, Panel::Light) | (TrayIcon::Light, _) => Style::Light,
        // In colour it is seen on any panel.
        (TrayIcon::Auto, Panel::Unknown) | (TrayIcon::Colour, _) => Style::Colour,
    }
}

/// Follows what the system wants, for as long as it tells.
pub async fn follow(app: AppHandle, panel: watch::Sender<Panel>) {
    if let Err(error) = system::follow(&app, &panel).await {
        tracing::debug!("Nobody says what should be light or dark: {error}");
    }
}

#[cfg(target_os = "linux")]
mod system {
    use futures_util::StreamExt as _;
    use tauri::{AppHandle, Theme};
    use tokio::sync::watch;
    use zbus::zvariant::{OwnedValue, Value};
    use zbus::{Connection, Proxy};

    use super::Panel;

    const NAMESPACE: &str = "org.freedesktop.appearance";
    const KEY: &str = "color-scheme";

    /// What the portal says when people want everything dark, and light. It says something else when they want neither.
    const PREFER_DARK: u32 = 1;
    const PREFER_LIGHT: u32 = 2;

    pub(super) async fn follow(app: &AppHandle, panel: &watch::Sender<Panel>) -> zbus::Result<()> {
        // The panels of some desktops are known without a question.
        panel.send_replace(behind(None));
        let bus = Connection::session().await?;
        let portal = Proxy::new(
            &bus,
            "org.freedesktop.portal.Desktop",
            "/org/freedesktop/portal/desktop",
            "org.freedesktop.portal.Settings",
        )
        .await?;
        // Listened for before the question, so that nothing is missed.
        let mut changes = portal.receive_signal("SettingChanged").await?;
        // Older portals know only the second; where there is none yet, one may come.
        for method in ["ReadOne", "Read"] {
            if let Ok(scheme) = portal.call::<_, _, OwnedValue>(method, &(NAMESPACE, KEY)).await {
                tell(app, panel, number(&scheme));
                break;
            }
        }
        while let Some(change) = changes.next().await {
            let body = change.body();
            if let Ok((NAMESPACE, KEY, scheme)) = body.deserialize::<(&str, &str, Value<'_>)>() {
                tell(app, panel, number(&scheme));
            }
        }
        Ok(())
    }

    fn tell(app: &AppHandle, panel: &watch::Sender<Panel>, scheme: Option<u32>) {
        // Who prefers neither has light windows, as with any program of GTK's.
        app.set_theme(Some(if scheme == Some(PREFER_DARK) { Theme::Dark } else { Theme::Light }));
        let new = behind(scheme);
        panel.send_if_modified(|panel| std::mem::replace(panel, new) != new);
    }

    fn behind(scheme: Option<u32>) -> Panel {
        of_scheme(scheme, &std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default())
    }

    /// The portal tells of windows, and panels mostly follow; GNOME's is black all the same.
    fn of_scheme(scheme: Option<u32>, desktop: &str) -> Panel {
        let is_gnome = desktop.split(':').any(|name| name.eq_ignore_ascii_case("gnome"));
        match scheme {
            _ if is_gnome => Panel::Dark,
            Some(PREFER_DARK) => Panel::Dark,
            Some(PREFER_LIGHT) => Panel::Light,
            _ => Panel::Unknown,
        }
    }

    /// The number, however often it is wrapped.
    fn number(value: &Value<'_>) -> Option<u32> {
        match value {
            Value::U32(number) => Some(*number),
            Value::Value(inner) => number(inner),
            _ => None,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn which_panels_are_dark_or_light() {
            for (scheme, desktop, wanted) in [
                (Some(2), "KDE", Panel::Light),
                (Some(2), "", Panel::Light),
                (Some(2), "ubuntu:GNOME", Panel::Dark),
                (Some(1), "KDE", Panel::Dark),
                (Some(0), "XFCE", Panel::Unknown),
                (None, "KDE", Panel::Unknown),
                (None, "GNOME", Panel::Dark),
            ] {
                assert_eq!(of_scheme(scheme, desktop), wanted, "{scheme:?} on {desktop}");
            }
        }

        #[test]
        fn a_number_may_be_wrapped() {
            let wrapped = Value::Value(Box::new(Value::Value(Box::new(Value::U32(2)))));
            assert_eq!((number(&wrapped), number(&Value::from("2"))), (Some(2), None));
        }
    }
}

#[cfg(windows)]
mod system {
    use tauri::AppHandle;
    use tokio::sync::watch;

    use super::Panel;

    /// Where Windows keeps what people chose for the taskbar.
    const CHOICE: &str = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize";

    pub(super) async fn follow(_: &AppHandle, panel: &watch::Sender<Panel>) -> windows_registry::Result<()> {
        // So it was before there was a choice.
        panel.send_replace(Panel::Dark);
        let is_light = windows_registry::CURRENT_USER.open(CHOICE)?.get_u32("SystemUsesLightTheme")?;
        panel.send_replace(if is_light == 0 { Panel::Dark } else { Panel::Light });
        Ok(())
    }
}

#[cfg(target_os = "macos")]
mod system {
    use tauri::AppHandle;
    use tokio::sync::watch;

    use super::Panel;

    pub(super) async fn follow(_: &AppHandle, _: &watch::Sender<Panel>) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_counts_more_than_the_panel() {
        for panel in [Panel::Unknown, Panel::Dark, Panel::Light] {
            assert_eq!(style(TrayIcon::Dark, panel), Style::Dark);
            assert_eq!(style(TrayIcon::Light, panel), Style::Light);
            assert_eq!(style(TrayIcon::Colour, panel), Style::Colour);
        }
        if !cfg!(target_os = "macos") {
            assert_eq!(style(TrayIcon::Auto, Panel::Light), Style::Light);
            assert_eq!(style(TrayIcon::Auto, Panel::Dark), Style::Dark);
            assert_eq!(style(TrayIcon::Auto, Panel::Unknown), Style::Colour);
        }
    }
}
