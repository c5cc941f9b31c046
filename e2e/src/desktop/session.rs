//! A screen and a message bus that nobody else uses, and a home with nothing in it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::screen::Screen;
use super::watcher::Watcher;
use crate::process::Process;

/// A bus on which nothing is started by itself: no notification daemon, no portals.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A session of a desktop. It ends when it is dropped.
pub struct Session {
    home: TempDir,
    /// The desktop, which is the test.
    pub watcher: Watcher,
    display: String,
    bus: String,
    _processes: [Process; 2],
}

impl Session {
    /// A screen, a bus, and a desktop that shows tray icons.
    ///
    /// # Panics
    /// If there is no Xvfb or no dbus-daemon: `scripts/packages test` installs them.
    pub async fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (screen, display) = screen().await;
        let (daemon, bus) = bus(home.path()).await;
        let watcher = Watcher::start(&bus).await;
        std::fs::create_dir(home.path().join("run")).expect("a folder in the home");
        Self { home, watcher, display, bus, _processes: [screen, daemon] }
    }

    /// What programs of this session see of it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let home = self.home.path();
        let inside = |name: &str| home.join(name).display().to_string();
        vec![
            ("HOME", home.display().to_string()),
            ("XDG_CONFIG_HOME", inside(".config")),
            ("XDG_STATE_HOME", inside(".local/state")),
            ("XDG_RUNTIME_DIR", inside("run")),
            ("DISPLAY", self.display.clone()),
            ("GDK_BACKEND", "x11".to_owned()),
            ("DBUS_SESSION_BUS_ADDRESS", self.bus.clone()),
            // There is one bus for both, so that nothing is known of this machine's battery.
            ("DBUS_SYSTEM_BUS_ADDRESS", self.bus.clone()),
            // No accessibility bus.
            ("NO_AT_BRIDGE", "1".to_owned()),
        ]
    }

    /// Where its bus listens.
    pub fn bus(&self) -> &str {
        &self.bus
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the worker's settings are.
    pub fn settings(&self) -> PathBuf {
        self.home.path().join(".config/llamapool/worker.yaml")
    }

    /// Writes the worker's settings, as an editor does: another file that takes the old one's place.
    pub fn write_settings(&self, text: &str) {
        write(&self.settings(), text);
    }

    /// Writes the app's own preferences in the same way.
    pub fn write_own(&self, text: &str) {
        write(&self.settings().with_file_name("desktop.yaml"), text);
    }

    /// How many colours are on the screen.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn colours(&self) -> usize {
        Screen::open(&self.display).colours()
    }

    /// Asks the app's windows to close, as the cross in their corner does.
    ///
    /// # Panics
    /// If the screen does not take that.
    pub fn close_windows(&self) {
        Screen::open(&self.display).close_windows();
    }

    /// The titles of the windows on the screen.
    pub async fn windows(&self) -> Vec<String> {
        let asked =
            Command::new("xwininfo").args(["-root", "-tree", "-display", &self.display]).output().await;
        let text = String::from_utf8(asked.expect("xwininfo is installed").stdout).expect("titles are UTF-8");
        // `     0x400003 "llamapool": ("llamapool" "Llamapool")  900x640+190+80  +190+80`
        let windows = text.lines().filter(|line| {
            line.contains("(\"llamapool\"") && !line.contains(" 1x1+") && !line.contains(" 10x10+")
        });
        windows.filter_map(|line| Some(line.split('"').nth(1)?.to_owned())).collect()
    }
}

fn write(file: &Path, text: &str) {
    let new = file.with_extension("new");
    std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("a folder in the home");
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, file)).expect("the home takes files");
}

async fn screen() -> (Process, String) {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"]);
    let mut process = Process::spawn("Xvfb", command);
    let number = process.until_log("its number", |line| line.trim().parse::<u32>().ok()).await;
    (process, format!(":{number}"))
}

pub(super) async fn bus(home: &Path) -> (Process, String) {
    let config = home.join("bus.conf");
    std::fs::write(&config, BUS).expect("the home takes files");
    let mut command = Command::new("dbus-daemon");
    command.arg("--config-file").arg(&config).args(["--nofork", "--print-address=1"]);
    let mut process = Process::spawn("dbus-daemon", command);
    let address = process
        .until_log("its address", |line| line.starts_with("unix:").then(|| line.trim().to_owned()))
        .await;
    (process, address)
}
