//! Where files are on each system, and the two files that a worker keeps: its control token and its id.

#[cfg(windows)]
mod private;
mod token;
mod worker_id;

use std::{
    env,
    path::{Path, PathBuf},
};

use directories::ProjectDirs;

#[cfg(windows)]
pub use self::private::keep_from_others;
pub use self::{
    token::{FILE as TOKEN_FILE, Token, token},
    worker_id::{FILE as ID_FILE, WorkerId, worker_id},
};

/// The folder name on every system.
const NAME: &str = "llamapool";

/// Where a system-wide installation keeps its configuration on Linux.
const SYSTEM_CONFIG: &str = "/etc/llamapool";

/// Where state is on Linux if neither systemd nor a home folder says so.
const SYSTEM_STATE: &str = "/var/lib/llamapool";

/// The default configuration file of a program; `program` is `worker` or `server`. It need not exist.
/// Linux: `/etc/llamapool/worker.yaml` if there is one, else `~/.config/llamapool/worker.yaml`. macOS:
/// `~/Library/Application Support/llamapool/worker.yaml`. Windows: `%ProgramData%\llamapool\worker.yaml`.
pub fn config_file(program: &str) -> PathBuf {
    let file = format!("{program}.yaml");
    if cfg!(windows) {
        return program_data().join(file);
    }
    let own = project().map(|dirs| dirs.config_dir().join(&file));
    if cfg!(target_os = "macos") {
        return own.unwrap_or_else(|| PathBuf::from(&file));
    }
    system_or_own(&Path::new(SYSTEM_CONFIG).join(file), own)
}

/// The user's own file, even if there is a system-wide one: that of a service may contain keys that the user must not read.
pub fn own_config_file(program: &str) -> PathBuf {
    let own = project().map(|dirs| dirs.config_dir().join(format!("{program}.yaml")));
    own.filter(|_| cfg!(target_os = "linux")).unwrap_or_else(|| config_file(program))
}

/// The folder for a program's state: `$STATE_DIRECTORY` (systemd) if it is set, else the user's own.
pub fn state_dir() -> PathBuf {
    let own = || {
        let dirs = project()?;
        Some(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
    };
    let given = env::var_os("STATE_DIRECTORY").filter(|given| !given.is_empty());
    // systemd separates the folders of a unit with colons; ours is the first.
    let first = given.and_then(|given| env::split_paths(&given).next());
    first.or_else(own).unwrap_or_else(|| PathBuf::from(SYSTEM_STATE))
}

/// The customary folder for log files of a background program, if the system has one: macOS
/// `~/Library/Logs/llamapool`, Windows `%ProgramData%\llamapool\Logs`; on Linux, logs are in the journal.
pub fn log_dir() -> Option<PathBuf> {
    if cfg!(windows) {
        return Some(program_data().join("Logs"));
    }
    let home = directories::BaseDirs::new().filter(|_| cfg!(target_os = "macos"))?;
    Some(home.home_dir().join("Library/Logs").join(NAME))
}

/// The system's file if there is one, else the user's, if the user has a home folder.
fn system_or_own(system: &Path, own: Option<PathBuf>) -> PathBuf {
    match own {
        Some(own) if !system.exists() => own,
        _ => system.to_owned(),
    }
}

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", NAME)
}

fn program_data() -> PathBuf {
    let given = env::var_os("ProgramData").filter(|given| !given.is_empty());
    given.map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from).join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_file_wins_if_it_exists() {
        let dir = tempfile::tempdir().unwrap();
        let (system, own) = (dir.path().join("etc.yaml"), dir.path().join("own.yaml"));
        assert_eq!(system_or_own(&system, Some(own.clone())), own);
        assert_eq!(system_or_own(&system, None), system);
        std::fs::write(&system, "").unwrap();
        assert_eq!(system_or_own(&system, Some(own)), system);
    }

    #[test]
    fn paths_name_the_product() {
        assert!(config_file("worker").ends_with("llamapool/worker.yaml"));
        let own = own_config_file("worker");
        assert!(own.ends_with("llamapool/worker.yaml") && !own.starts_with(SYSTEM_CONFIG));
    }
}
