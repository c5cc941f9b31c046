//! Protects files that contain secrets, on Windows. On other systems, their mode does.

use std::env;
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Prevents a console window from flashing up on a desktop (`CREATE_NO_WINDOW`).
const NO_WINDOW: u32 = 0x0800_0000;

/// Inherited permissions become the file's own; then `Users`, `Everyone` and `Authenticated Users` lose them, by their identifiers, which are the
/// same in every language, and `LocalService` may read.
const OURS: [&str; 7] =
    ["/inheritance:d", "/remove:g", "*S-1-5-32-545", "*S-1-1-0", "*S-1-5-11", "/grant", "*S-1-5-19:(R)"];

/// Restricts a file to its owner, the system, administrators, and the account of the worker's service. Below `%ProgramData%` all users
/// of the machine could read it otherwise.
pub fn keep_from_others(path: &Path) {
    let windows = env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    let mut icacls = Command::new(Path::new(&windows).join(r"System32\icacls.exe"));
    icacls.arg(path).args(OURS).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match icacls.creation_flags(NO_WINDOW).status() {
        Ok(status) if status.success() => {}
        // Without this file nothing works.
        Ok(status) => tracing::warn!("Other users may read {}: icacls: {status}", path.display()),
        Err(error) => tracing::warn!("Other users may read {}: icacls: {error}", path.display()),
    }
}
