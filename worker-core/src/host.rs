//! Facts about this machine, for the worker's reports and the diagnostics.

#[cfg_attr(target_os = "linux", path = "host/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "host/others.rs")]
mod system;

pub use llamapool_tunnel::Host;

/// Gathers the facts about this machine. Takes well under a millisecond on Linux.
#[must_use]
pub fn this_machine() -> Host {
    let cpus = std::thread::available_parallelism().ok();
    let mut host = Host {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_and_memory() {
        let host = this_machine();
        assert_eq!(host.os.as_deref(), Some(std::env::consts::OS));
        assert!(host.hostname.is_some_and(|name| !name.contains(char::is_whitespace)));
        assert!(host.cpus.is_some_and(|count| count > 0));
        assert!(host.memory_bytes.is_some_and(|bytes| bytes > 64 << 20), "{:?}", host.memory_bytes);
    }
}
