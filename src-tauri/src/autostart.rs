//! Start at login. The system is asked each time, so its own settings and the app's agree.
//!
//! On Linux it is a desktop entry, written here because paths need quoting and an entry can be disabled (`Hidden=true`) without being removed. On macOS it is a
//! launch agent, on Windows a value of the user's `Run` key.

use std::env;
use std::path::PathBuf;

use anyhow::Context as _;

/// The argument with which the system starts the app, so that no window opens.
pub const HIDDEN: &str = "--hidden";

/// The desktop entry's file name.
pub const FILE: &str = "llamapool.desktop";

/// Whether the app starts at login. `false` if that cannot be found out.
pub fn is_on() -> bool {
    system::is_on().unwrap_or_else(|error| {
        tracing::debug!("Couldn't find out whether the app starts at login: {error:#}");
        false
    })
}

/// Turns starting at login on or off.
///
/// # Errors
/// The system does not allow it.
pub fn set(on: bool) -> anyhow::Result<()> {
    if on { system::enable() } else { system::disable() }
        .context("Couldn’t change whether the app starts at login")
}

/// The program to start. For an AppImage that is the AppImage, not the program in it.
fn program() -> anyhow::Result<PathBuf> {
    match env::var_os("APPIMAGE").filter(|path| !path.is_empty()) {
        Some(path) => Ok(PathBuf::from(path)),
        None => env::current_exe().context("find out where this program is"),
    }
}

#[cfg(target_os = "linux")]
pub use system::folder;

#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::path::{Path, PathBuf};

    use llamapool_settings::text_file;

    use super::{FILE, HIDDEN, program};

    /// The folder of autostart entries.
    pub fn folder() -> Option<PathBuf> {
        directories::BaseDirs::new().map(|dirs| dirs.config_dir().join("autostart"))
    }

    fn file() -> anyhow::Result<PathBuf> {
        folder().map(|folder| folder.join(FILE)).ok_or_else(|| anyhow::anyhow!("there is no home folder"))
    }

    pub(super) fn is_on() -> anyhow::Result<bool> {
        match fs::read_to_string(file()?) {
            Ok(text) => Ok(is_active(&text)),
            Err(error) if text_file::is_absent(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn enable() -> anyhow::Result<()> {
        let file = file()?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, entry(&program()?))?;
        Ok(())
    }

    pub(super) fn disable() -> anyhow::Result<()> {
        match fs::remove_file(file()?) {
            Err(error) if !text_file::is_absent(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Whether the entry is enabled. Desktops disable one by either of these lines.
    fn is_active(entry: &str) -> bool {
        let has = |key: &str, value: &str| {
            entry
                .lines()
                .filter_map(|line| line.split_once('='))
                .any(|(found, given)| found.trim() == key && given.trim().eq_ignore_ascii_case(value))
        };
        entry.contains("Exec=") && !has("Hidden", "true") && !has("X-GNOME-Autostart-enabled", "false")
    }

    fn entry(program: &Path) -> String {
        let program = quoted(&program.display().to_string());
        format!(
            "[Desktop Entry]\nType=Application\nName=llamapool\nComment=Share this computer's LLM models\n\
             Exec={program} {HIDDEN}\nIcon=llamapool\nTerminal=false\nX-GNOME-Autostart-enabled=true\n"
        )
    }

    /// Quotes an argument of `Exec` by the rules of desktop entries: special characters are escaped once for the quotes and once more for the value.
    fn quoted(argument: &str) -> String {
        let mut inner = String::new();
        for c in argument.chars() {
            match c {
                '"' | '`' | '$' => inner.extend(["\\\\", &c.to_string()]),
                '\\' => inner.push_str("\\\\\\\\"),
                '%' => inner.push_str("%%"),
                c => inner.push(c),
            }
        }
        format!("\"{inner}\"")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_disabled_entry_is_off() {
            let ours = entry(Path::new("/usr/bin/llamapool"));
            assert!(is_active(&ours));
            for line in ["Hidden=true", "Hidden = True", "X-GNOME-Autostart-enabled=false"] {
                assert!(!is_active(&format!("{ours}{line}\n")), "{line}");
            }
            assert!(is_active(&format!("{ours}Hidden=false\n")));
            assert!(!is_active(""));
        }

        #[test]
        fn paths_are_quoted() {
            let check = |path: &str, wanted: &str| assert_eq!(quoted(path), wanted);
            check("/usr/bin/llamapool", "\"/usr/bin/llamapool\"");
            check("/my apps/llama pool", "\"/my apps/llama pool\"");
            check("/a$b", r#""/a\\$b""#);
            check(r"/a\b", r#""/a\\\\b""#);
            check("/100%", "\"/100%%\"");
        }

        #[test]
        fn it_starts_hidden() {
            assert!(entry(Path::new("/opt/llamapool")).contains("\nExec=\"/opt/llamapool\" --hidden\n"));
        }
    }
}

#[cfg(any(target_os = "macos", windows))]
mod system {
    use auto_launch::{AutoLaunch, AutoLaunchBuilder};

    use super::{HIDDEN, program};

    fn launch() -> anyhow::Result<AutoLaunch> {
        let path = program()?.display().to_string();
        // Windows uses the path unchanged, so it must be quoted in case of spaces.
        let path = if cfg!(windows) { format!("\"{path}\"") } else { path };
        let mut builder = AutoLaunchBuilder::new();
        builder.set_app_name("llamapool").set_app_path(&path).set_args(&[HIDDEN]);
        #[cfg(windows)]
        builder.set_windows_enable_mode(auto_launch::WindowsEnableMode::CurrentUser);
        #[cfg(target_os = "macos")]
        builder.set_macos_launch_mode(auto_launch::MacOSLaunchMode::LaunchAgent);
        Ok(builder.build()?)
    }

    pub(super) fn is_on() -> anyhow::Result<bool> {
        Ok(launch()?.is_enabled()?)
    }

    pub(super) fn enable() -> anyhow::Result<()> {
        Ok(launch()?.enable()?)
    }

    pub(super) fn disable() -> anyhow::Result<()> {
        // On some systems it is an error to remove a missing entry.
        if is_on()? { Ok(launch()?.disable()?) } else { Ok(()) }
    }
}
