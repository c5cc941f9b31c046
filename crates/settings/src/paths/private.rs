//! Files that hold secrets, on Windows. Elsewhere they have a mode.

use std::env;
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// No console for a moment, on a desktop (`CREATE_NO_WINDOW`).
const NO_WINDOW: u32 = 0x0800_0000;

/// What the folder gives becomes the file's own; then `Users`, `Everyone` and `Authenticated Users` lose it, by the numbers that they have in every
/// language, and `LocalService` may read.
const OURS: [&str; 7] =
    ["/inheritance:d", "/remove:g", "*S-1-5-32-545", "*S-1-1-0", "*S-1-5-11", "/grant", "*S-1-5-19:(R)"];

/// Leaves a file to its owner, to the system and its administrators, and to the account that the worker's service has. Below `%ProgramData%` every user
/// of the machine could read it.
pub fn keep_from_others(path: &Path) {
    let windows = env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    let mut icacls = Command::new(Path::new(&windows).join(r"System32\icacls.exe"));
    icacls.arg(path).args(OURS).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match icacls.creation_flags(NO_WINDOW).status() {
        Ok(status) if status.success() => {}
        // Without the file nothing would work.
        Ok(status) => tracing::warn!("Other users may read {}: icacls: {status}", path.display()),
        Err(error) => tracing::warn!("Other users may read {}: icacls: {error}", path.display()),
    }
}
