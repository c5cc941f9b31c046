//! Facts about a peer's machine, as reported by it.

use serde::{Deserialize, Serialize};

use crate::lenient::optional;
use crate::model::is_sane;

/// Longest text accepted from another machine, in bytes: host names have at most 253.
const MAX_TEXT: usize = 255;

/// Facts about a machine; unknown ones are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Its host name.
    #[serde(deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `linux`, `macos`, `windows`, ...
    #[serde(deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The version for display, such as `Debian GNU/Linux 12 (bookworm)`.
    #[serde(deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// `x86_64`, `aarch64`, ...
    #[serde(deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Logical CPUs available to the process.
    #[serde(deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// Physical memory in bytes.
    #[serde(deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

impl Host {
    /// Drops texts that are blank, too long or not printable. Call it on facts from another machine.
    pub fn tidy(&mut self) {
        for text in [&mut self.hostname, &mut self.os, &mut self.os_version, &mut self.arch] {
            text.take_if(|text| !is_sane(text, MAX_TEXT));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_fact_costs_only_itself() {
        let json = r#"{"hostname": "a\u001b[2J", "os": 7, "cpus": -1, "arch": "arm64", "gpu": "yes"}"#;
        let mut host: Host = serde_json::from_str(json).unwrap();
        host.tidy();
        assert_eq!(host, Host { arch: Some("arm64".to_owned()), ..Host::default() });
        assert_eq!(serde_json::to_string(&host).unwrap(), r#"{"arch":"arm64"}"#);
    }
}
