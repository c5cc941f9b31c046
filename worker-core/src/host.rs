//! What is known of the machine a worker runs on: facts for the dashboard, gathered once.

#[cfg_attr(target_os = "linux", path = "host/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "host/others.rs")]
mod system;

use serde::{Deserialize, Serialize};

use crate::runtime::wanted;

/// Longest text believed of another machine, in bytes: names of hosts have at most 253.
const MAX_TEXT: usize = 255;

/// Facts about a machine; what is not known is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Its name on the network.
    #[serde(deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `linux`, `macos`, `windows`, ...
    #[serde(deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// As people say it, e.g. `Debian GNU/Linux 12 (bookworm)`.
    #[serde(deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// `x86_64`, `aarch64`, ...
    #[serde(deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Logical CPUs that this process may use.
    #[serde(deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// Physical memory in bytes.
    #[serde(deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

impl Host {
    /// Looks at the machine this runs on. Takes well under a millisecond on Linux.
    #[must_use]
    pub fn look() -> Self {
        let cpus = std::thread::available_parallelism().ok();
        let mut host = Self {
            hostname: system::hostname(),
            os: Some(std::env::consts::OS.to_owned()),
            os_version: system::version(),
            arch: Some(std::env::consts::ARCH.to_owned()),
            cpus: cpus.and_then(|count| u32::try_from(count.get()).ok()),
            memory_bytes: system::memory_bytes(),
        };
        host.tidy();
        host
    }

    /// Forgets texts that are out of bounds: for facts that come from outside.
    pub fn tidy(&mut self) {
        for text in [&mut self.hostname, &mut self.os, &mut self.os_version, &mut self.arch] {
            text.take_if(|text| {
                text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine() {
        let host = Host::look();
        assert_eq!(host.os.as_deref(), Some(std::env::consts::OS));
        assert!(host.hostname.is_some_and(|name| !name.contains(char::is_whitespace)));
        assert!(host.cpus.is_some_and(|count| count > 0));
        assert!(host.memory_bytes.is_some_and(|bytes| bytes > 64 << 20), "{:?}", host.memory_bytes);
    }

    #[test]
    fn read_leniently() {
        let json = r#"{"hostname": "a\u001b[2J", "os": 7, "cpus": -1, "arch": "arm64", "gpu": "yes"}"#;
        let mut host: Host = serde_json::from_str(json).unwrap();
        host.tidy();
        assert_eq!(host, Host { arch: Some("arm64".to_owned()), ..Host::default() });
        assert_eq!(serde_json::to_string(&host).unwrap(), r#"{"arch":"arm64"}"#);
    }
}
