//! Light or dark theme of the system: for the tray icon on its panel, and for the windows.
//!
//! On Linux the desktop portal reports it and its changes. On Windows the panel's colour is read when the app starts, and on macOS the system tints the icon;
//! windows follow the system there on their own.

use tauri::AppHandle;
use tokio::sync::watch;

use crate::ipc::TrayIcon;
use crate::tray_icon::IconStyle;

/// The theme of the panel with the tray icon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    all(target_os = "macos", not(test)),
    expect(dead_code, reason = "on macOS the system tints the icon")
)]
pub enum PanelTheme {
    /// Not known.
    #[default]
    Unknown,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// The icon's style on this panel, given the user's choice.
pub fn icon_style(wanted: TrayIcon, panel: PanelTheme) -> IconStyle {
    match (wanted, panel) {
        (TrayIcon::Auto, _) if cfg!(target_os = "macos") => IconStyle::Template,
        (TrayIcon::Auto, PanelTheme::Dark) | (TrayIcon::Dark, _) => IconStyle::Dark,
        (TrayIcon::Auto, PanelTheme::Light) | (TrayIcon::Light, _) => IconStyle::Light,
        // In colour it is visible on any panel.
        (TrayIcon::Auto, PanelTheme::Unknown) | (TrayIcon::Colour, _) => IconStyle::Colour,
    }
}

/// Follows the system's theme.
pub async fn run(app: AppHandle, panel: watch::Sender<PanelTheme>) {
    if let Err(error) = system::run(&app, &panel).await {
        tracing::debug!("The desktop reports no light or dark theme: {error}");
    }
}

#[cfg(target_os = "linux")]
mod system {
    use futures_util::StreamExt as _;
    use tauri::{AppHandle, Theme};
    use tokio::sync::watch;
    use zbus::zvariant::{OwnedValue, Value};
    use zbus::{Connection, Proxy};

    use super::PanelTheme;

    const NAMESPACE: &str = "org.freedesktop.appearance";
    const KEY: &str = "color-scheme";

    /// The portal's values for dark and light. Others mean no preference.
    const PREFER_DARK: u32 = 1;
    const PREFER_LIGHT: u32 = 2;

    pub(super) async fn run(app: &AppHandle, panel: &watch::Sender<PanelTheme>) -> zbus::Result<()> {
        // The panels of some desktops are known without asking.
        panel.send_replace(panel_theme(None));
        let bus = Connection::session().await?;
        let portal = Proxy::new(
            &bus,
            "org.freedesktop.portal.Desktop",
            "/org/freedesktop/portal/desktop",
            "org.freedesktop.portal.Settings",
        )
        .await?;
        // Subscribed before the first read, so that no change is missed.
        let mut changes = portal.receive_signal("SettingChanged").await?;
        // Older portals know only `Read`. A portal may also start later.
        for method in ["ReadOne", "Read"] {
            if let Ok(scheme) = portal.call::<_, _, OwnedValue>(method, &(NAMESPACE, KEY)).await {
                apply(app, panel, number(&scheme));
                break;
            }
        }
        while let Some(change) = changes.next().await {
            let body = change.body();
            if let Ok((NAMESPACE, KEY, scheme)) = body.deserialize::<(&str, &str, Value<'_>)>() {
                apply(app, panel, number(&scheme));
            }
        }
        Ok(())
    }

    fn apply(app: &AppHandle, panel: &watch::Sender<PanelTheme>, scheme: Option<u32>) {
        // Without a preference windows are light, as in any GTK program.
        app.set_theme(Some(if scheme == Some(PREFER_DARK) { Theme::Dark } else { Theme::Light }));
        let new = panel_theme(scheme);
        panel.send_if_modified(|panel| std::mem::replace(panel, new) != new);
    }

    fn panel_theme(scheme: Option<u32>) -> PanelTheme {
        of_scheme(scheme, &std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default())
    }

    /// The portal's value is for windows. Panels mostly follow it, but GNOME's is always black.
    fn of_scheme(scheme: Option<u32>, desktop: &str) -> PanelTheme {
        let is_gnome = desktop.split(':').any(|name| name.eq_ignore_ascii_case("gnome"));
        match scheme {
            _ if is_gnome => PanelTheme::Dark,
            Some(PREFER_DARK) => PanelTheme::Dark,
            Some(PREFER_LIGHT) => PanelTheme::Light,
            _ => PanelTheme::Unknown,
        }
    }

    /// The number in any number of variants.
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
        fn dark_and_light_panels() {
            for (scheme, desktop, wanted) in [
                (Some(2), "KDE", PanelTheme::Light),
                (Some(2), "", PanelTheme::Light),
                (Some(2), "ubuntu:GNOME", PanelTheme::Dark),
                (Some(1), "KDE", PanelTheme::Dark),
                (Some(0), "XFCE", PanelTheme::Unknown),
                (None, "KDE", PanelTheme::Unknown),
                (None, "GNOME", PanelTheme::Dark),
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

    use super::PanelTheme;

    /// The registry key with the taskbar's theme.
    const KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize";

    pub(super) async fn run(
        _: &AppHandle,
        panel: &watch::Sender<PanelTheme>,
    ) -> windows_registry::Result<()> {
        // The default before Windows had this setting.
        panel.send_replace(PanelTheme::Dark);
        let is_light = windows_registry::CURRENT_USER.open(KEY)?.get_u32("SystemUsesLightTheme")?;
        panel.send_replace(if is_light == 0 { PanelTheme::Dark } else { PanelTheme::Light });
        Ok(())
    }
}

#[cfg(target_os = "macos")]
mod system {
    use tauri::AppHandle;
    use tokio::sync::watch;

    use super::PanelTheme;

    pub(super) async fn run(_: &AppHandle, _: &watch::Sender<PanelTheme>) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_choice_takes_precedence() {
        for panel in [PanelTheme::Unknown, PanelTheme::Dark, PanelTheme::Light] {
            assert_eq!(icon_style(TrayIcon::Dark, panel), IconStyle::Dark);
            assert_eq!(icon_style(TrayIcon::Light, panel), IconStyle::Light);
            assert_eq!(icon_style(TrayIcon::Colour, panel), IconStyle::Colour);
        }
        if !cfg!(target_os = "macos") {
            assert_eq!(icon_style(TrayIcon::Auto, PanelTheme::Light), IconStyle::Light);
            assert_eq!(icon_style(TrayIcon::Auto, PanelTheme::Dark), IconStyle::Dark);
            assert_eq!(icon_style(TrayIcon::Auto, PanelTheme::Unknown), IconStyle::Colour);
        }
    }
}
