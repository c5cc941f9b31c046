//! Clocks and scales: CPU time and memory of other processes, read from outside.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use serde::Serialize;

/// CPU time that `pid` has used so far, user and system, all threads, exact to the nanosecond.
pub(crate) fn cpu(pid: Pid) -> Result<Duration> {
    let clock = ClockId::pid_cpu_clock_id(pid).with_context(|| format!("find the CPU clock of {pid}"))?;
    Ok(Duration::from(clock_gettime(clock).with_context(|| format!("read the CPU clock of {pid}"))?))
}

/// Nanoseconds on the clock that all processes of this machine share.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Memory of a process in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    /// Resident pages, those shared with other processes included.
    pub(crate) rss_kib: u64,
    /// Resident pages, shared ones divided by those who share them.
    pub(crate) pss_kib: u64,
}

/// What `pid` holds now.
pub(crate) fn memory(pid: Pid) -> Result<Memory> {
    let file = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    Memory::parse(&text).with_context(|| format!("read Rss and Pss in {file}"))
}

impl Memory {
    fn parse(rollup: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().trim_end_matches(" kB").parse().ok()
        };
        Some(Self { rss_kib: field("Rss:")?, pss_kib: field("Pss:")? })
    }
}

impl std::iter::Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            rss_kib: sum.rss_kib + one.rss_kib,
            pss_kib: sum.pss_kib + one.pss_kib,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_clock_runs_and_we_weigh_something() {
        let before = cpu(Pid::this()).unwrap();
        while cpu(Pid::this()).unwrap() == before {}
        let memory = memory(Pid::this()).unwrap();
        assert!(memory.rss_kib > 0 && memory.pss_kib <= memory.rss_kib);
    }

    #[test]
    fn the_rollup_is_read_by_name() {
        let text = "5-7 ---p 0 00:00 0 [rollup]\nRss:    1234 kB\nPss:     900 kB\nPss_Dirty:  1 kB\n";
        assert_eq!(Memory::parse(text), Some(Memory { rss_kib: 1234, pss_kib: 900 }));
        assert_eq!(Memory::parse("Rss: many kB"), None);
    }
}
