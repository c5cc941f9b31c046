//! What is known of the machine a worker runs on: facts for the dashboard, gathered once.

use serde::{Deserialize, Serialize};

/// Facts about a machine; what is not known is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Its name on the network.
    pub hostname: Option<String>,
    /// `linux`, `macos`, `windows`, ...
    pub os: Option<String>,
    /// As people say it, e.g. `Debian GNU/Linux 12 (bookworm)`.
    pub os_version: Option<String>,
    /// `x86_64`, `aarch64`, ...
    pub arch: Option<String>,
    /// Logical CPUs this process may use.
    pub cpus: Option<u32>,
    /// Physical memory in bytes.
    pub memory_bytes: Option<u64>,
}

impl Host {
    /// Looks at the machine this runs on.
    #[must_use]
    pub fn look() -> Self {
        Self::default()
    }
}
