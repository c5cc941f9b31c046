//! Linux: `/proc`, see proc(5).

use std::fs;
use std::sync::LazyLock;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::Process;

/// Positions of fields in `/proc/self/stat`, counted from the state, which follows the program's name.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const START_TICKS: usize = 19;
const VIRTUAL_BYTES: usize = 20;
const RESIDENT_PAGES: usize = 21;

/// When the process started, Unix seconds. Computed only once: the system reports it in ticks since boot, so it would move when the clock is set.
static STARTED: LazyLock<Option<f64>> = LazyLock::new(|| {
    let ticks = Stat::read()?.number(START_TICKS)?;
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let booted: u64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(booted as f64 + seconds(ticks))
});

pub(super) fn look() -> Process {
    let Some(stat) = Stat::read() else { return Process::default() };
    Process {
        cpu: stat
            .number(USER_TICKS)
            .zip(stat.number(SYSTEM_TICKS))
            .map(|(user, system)| seconds(user + system)),
        started: *STARTED,
        resident: stat.number(RESIDENT_PAGES).map(|pages| pages * page_size() as u64),
        virtual_memory: stat.number(VIRTUAL_BYTES),
        open_files: fs::read_dir("/proc/self/fd").ok().map(|files| (files.count() as u64).saturating_sub(1)), // open_files: fs::read_dir("/proc/self/fd").ok().map(|files| (files.count() as u64).saturating_sub(1)), // this one
        max_files: getrlimit(Resource::Nofile).current,
    }
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / clock_ticks_per_second() as f64
}

/// A line of numbers.
struct Stat(String);

impl Stat {
    fn read() -> Option<Self> {
        fs::read_to_string("/proc/self/stat").ok().map(Self)
    }

    /// The name is in parentheses and may contain anything, including parentheses.
    fn number(&self, at: usize) -> Option<u64> {
        let (_, rest) = self.0.rsplit_once(") ")?;
        rest.split_ascii_whitespace().nth(at)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_name_may_look_like_the_rest() {
        let stat = Stat(
            "7 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0 999 4096 2 18446744073709551615".into(),
        );
        assert_eq!((stat.number(USER_TICKS), stat.number(SYSTEM_TICKS)), (Some(150), Some(50)));
        assert_eq!((stat.number(START_TICKS), stat.number(VIRTUAL_BYTES)), (Some(999), Some(4096)));
        assert_eq!((stat.number(RESIDENT_PAGES), stat.number(99)), (Some(2), None));
        assert_eq!(Stat("rubbish".into()).number(0), None);
    }

    #[test]
    fn this_process() {
        let process = look();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let started = process.started.unwrap();
        assert!(started < now + 1.0 && started > now - 24.0 * 3600.0, "{started} of {now}");
        assert!(process.resident.unwrap() > 1 << 20 && process.virtual_memory > process.resident);
        let before = process.open_files.unwrap();
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        assert!(look().open_files.unwrap() >= before + 30, "other tests close some meanwhile");
        drop(files);
        assert!(process.max_files.unwrap() > before && process.cpu.unwrap() >= 0.0);
    }
}
