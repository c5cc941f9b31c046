//! Linux: reads three small files, without a library.

use std::fs;

pub(super) fn hostname() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned())
}

/// The name that the distribution gives itself.
pub(super) fn version() -> Option<String> {
    let release =
        fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release"));
    pretty_name(&release.ok()?)
}

pub(super) fn memory_bytes() -> Option<u64> {
    mem_total(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn pretty_name(release: &str) -> Option<String> {
    let value = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

fn mem_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_as_they_are() {
        let release = "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n";
        assert_eq!(pretty_name(release).as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(pretty_name("PRETTY_NAME='Void'").as_deref(), Some("Void"));
        assert_eq!(pretty_name("ID=x"), None);
        assert_eq!(mem_total("MemTotal:       16265504 kB\nMemFree: 1 kB\n"), Some(16_265_504 * 1024));
        assert_eq!(mem_total("MemTotal: lots\n"), None);
    }
}
