//! Detects whether a package manager has installed a program: then only the package manager updates it.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program that is updated by a package manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    by: Manager,
    /// The name of its package.
    package: String,
}

/// The package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    /// Debian, Ubuntu.
    Apt,
    /// Fedora, openSUSE.
    Rpm,
    /// Arch.
    Pacman,
    /// Homebrew.
    Brew,
    /// Windows' own.
    Winget,
    /// Scoop.
    Scoop,
    /// Chocolatey.
    Chocolatey,
    /// `cargo install`.
    Cargo,
    /// Nix.
    Nix,
    /// A snap.
    Snap,
    /// A flatpak.
    Flatpak,
    /// A macOS app, whose signature covers all of its files.
    App,
}

/// Parts of paths that identify a package manager.
const PLACES: [(&str, Manager); 9] = [
    ("/Cellar/", Manager::Brew),
    ("/nix/store/", Manager::Nix),
    ("/snap/", Manager::Snap),
    ("/.cargo/bin/", Manager::Cargo),
    ("/WinGet/Packages/", Manager::Winget),
    ("/WindowsApps/", Manager::Winget),
    ("/scoop/apps/", Manager::Scoop),
    ("/chocolatey/", Manager::Chocolatey),
    (".app/Contents/", Manager::App),
];

/// Package managers that can be asked whether a file is theirs, and where their databases are: one without a database is not asked. Debian's `rpm`
/// would create a database in the home folder.
const QUESTIONS: [(&str, &[&str], &[&str], Manager); 3] = [
    ("dpkg", &["-S"], &["/var/lib/dpkg/status"], Manager::Apt),
    (
        "rpm",
        &["-qf"],
        &["/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages"],
        Manager::Rpm,
    ),
    ("pacman", &["-Qo"], &["/var/lib/pacman/local"], Manager::Pacman),
];

impl Managed {
    /// Whether the user installs updates by hand, because nothing on this machine looks for them.
    pub fn is_by_hand(&self) -> bool {
        self.by == Manager::App
    }
}

/// The package manager that installed this program, if any; `None` if the program may update itself. Asks the system's package managers, which
/// takes some milliseconds.
pub fn managed_by(exe: &Path) -> Option<Managed> {
    let by = manager_of(exe)?;
    let package = package(&exe.to_string_lossy(), by);
    Some(Managed {
        by,
        package: package
            .unwrap_or_else(|| exe.file_stem().unwrap_or_default().to_string_lossy().into_owned()),
    })
}

/// The name of the package, if it is part of the path.
fn package(path: &str, by: Manager) -> Option<String> {
    let path = path.replace('\\', "/");
    let (part, _) = PLACES.iter().find(|(part, manager)| *manager == by && path.contains(part))?;
    let in_folder = matches!(by, Manager::Brew | Manager::Scoop).then(|| path.split(part).nth(1))??;
    in_folder.split('/').next().map(str::to_owned)
}

fn manager_of(exe: &Path) -> Option<Manager> {
    by_place(&exe.to_string_lossy()).or_else(by_surroundings).or_else(|| {
        let mut questions = QUESTIONS.iter().filter(|_| cfg!(target_os = "linux"));
        let owns = |(program, args, records, _): &&(&str, &[&str], &[&str], Manager)| {
            records.iter().any(|file| Path::new(file).exists()) && says_yes(program, args, exe)
        };
        questions.find(owns).map(|(.., manager)| *manager)
    })
}

fn by_place(path: &str) -> Option<Manager> {
    let path = path.replace('\\', "/");
    PLACES.iter().find(|(part, _)| path.contains(part)).map(|(_, manager)| *manager)
}

/// A flatpak cannot see the system's package managers, and is updated by its own.
fn by_surroundings() -> Option<Manager> {
    Path::new("/.flatpak-info").exists().then_some(Manager::Flatpak)
}

fn says_yes(program: &str, args: &[&str], exe: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(args).arg(exe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The reason, and what to do instead.
impl fmt::Display for Managed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.package;
        match self.by {
            Manager::Apt => write!(
                f,
                "it was installed by apt: sudo apt update && sudo apt install --only-upgrade {it}; or, if the package was a file, install the newer one"
            ),
            Manager::Rpm => {
                write!(f, "it was installed as an rpm: sudo dnf upgrade {it}, or install the newer file")
            }
            Manager::Pacman => write!(f, "it was installed by pacman: sudo pacman -Syu {it}"),
            Manager::Brew => write!(f, "it was installed by Homebrew: brew upgrade {it}"),
            Manager::Winget => f.write_str("it was installed by winget: winget upgrade llamapool"),
            Manager::Scoop => write!(f, "it was installed by Scoop: scoop update {it}"),
            Manager::Chocolatey => write!(f, "it was installed by Chocolatey: choco upgrade {it}"),
            Manager::Cargo => f.write_str("it was installed by cargo: install the new version the same way"),
            Manager::Nix => f.write_str("it was installed by Nix: update the channel or flake it comes from"),
            Manager::Snap => write!(f, "it is a snap: sudo snap refresh {it}"),
            Manager::Flatpak => f.write_str("it is a flatpak: flatpak update"),
            Manager::App => f.write_str("it is part of an app: update the app"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_tell() {
        let check = |path: &str, expect| assert_eq!(by_place(path), expect, "{path}");
        check("/opt/homebrew/Cellar/llamapool/1.0/bin/llamapool-worker", Some(Manager::Brew));
        check(r"D:\scoop\apps\llamapool\current\llamapool-worker.exe", Some(Manager::Scoop));
        check("/Applications/llamapool.app/Contents/MacOS/llamapool", Some(Manager::App));
        check("/opt/llamapool/llamapool-worker", None);
        check("/usr/local/bin/llamapool-worker", None);
    }

    #[test]
    fn what_to_do_instead() {
        let check = |path: &str, expect: &str| {
            let managed = managed_by(Path::new(path)).unwrap();
            assert!(managed.to_string().contains(expect), "{managed}");
            assert_eq!(managed.is_by_hand(), path.contains(".app/"), "{managed}");
        };
        check("/Applications/llamapool.app/Contents/MacOS/llamapool", "update the app");
        check("/opt/homebrew/Cellar/pool/1.0/bin/llamapool-worker", ": brew upgrade pool");
        check("/opt/linuxbrew/Cellar/pool/1.0/bin/llamapool-worker", ": brew upgrade pool");
        check("/snap/pool/1/llamapool-worker", "snap refresh llamapool-worker");
    }

    #[test]
    fn a_package_manager_is_asked() {
        let sh = Path::new("/bin/sh").canonicalize();
        if let (Ok(sh), Ok(true)) = (sh, Path::new("/var/lib/dpkg/status").try_exists()) {
            assert!(says_yes("dpkg", &["-S"], Path::new("/usr/bin/dpkg")), "{}", sh.display());
        }
        assert!(!says_yes("dpkg", &["-S"], Path::new("/nowhere/llamapool-worker")));
        assert!(!says_yes("no-such-manager", &[], Path::new("/bin/sh")));
    }
}
