//! A system bus that nobody else uses, with nobody on it. The app gets its address by `DBUS_SYSTEM_BUS_ADDRESS`.

use tempfile::TempDir;

use super::session;
use crate::process::Process;

/// The bus. It ends when this is dropped.
pub struct SystemBus {
    address: String,
    _process: Process,
    _home: TempDir,
}

impl SystemBus {
    /// Starts one.
    ///
    /// # Panics
    /// If there is no dbus-daemon: `scripts/packages test` installs it.
    pub async fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (process, address) = session::bus(home.path()).await;
        Self { address, _process: process, _home: home }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }
}
