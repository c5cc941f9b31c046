//! Log files: one a day (UTC), a further numbered one when it grows too large, the oldest removed.
//!
//! The names are made by `tracing-appender`: `worker.2026-11-21.log`, then `worker.2026-11-21.1.log`. It knows no
//! size and prunes by suffix, so counting bytes and pruning are done here.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use tracing_appender::rolling::{RollingFileAppender, Rotation};

/// Seconds in a day of UTC, the clock by which `tracing-appender` names files.
const DAY: u64 = 24 * 60 * 60;

/// The log files of one program.
pub(super) struct Files {
    dir: PathBuf,
    name: String,
    max_size: u64,
    keep: usize,
    current: Current,
}

/// The file that is being written.
struct Current {
    file: RollingFileAppender,
    size: u64,
    day: u64,
    part: u32,
}

/// A log file in the folder. The order is the one in which they were written.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    date: String,
    part: u32,
    path: PathBuf,
}

impl Files {
    /// Goes on with the newest file of today, or begins one.
    pub(super) fn open(dir: &Path, name: &str, max_size: u64, keep: usize) -> anyhow::Result<Self> {
        let current = newest(dir, name).with_context(|| format!("open a log file in {}", dir.display()))?;
        let files = Self { dir: dir.to_owned(), name: name.to_owned(), max_size, keep, current };
        files.prune();
        Ok(files)
    }

    /// Changes the file if the day or the size says so.
    fn turn(&mut self, more: u64) -> anyhow::Result<()> {
        let current = &self.current;
        if current.day != today() {
            self.current = newest(&self.dir, &self.name)?;
        } else if current.size > 0 && current.size + more > self.max_size {
            let part = current.part + 1;
            self.current =
                Current { file: part_of_today(&self.dir, &self.name, part)?, size: 0, part, ..*current };
        } else {
            return Ok(());
        }
        self.prune();
        Ok(())
    }

    /// Removes the oldest files. One that cannot be removed is tried again at the next turn.
    fn prune(&self) {
        let found = found(&self.dir, &self.name).unwrap_or_default();
        let surplus = found.len().saturating_sub(self.keep);
        for old in &found[..surplus] {
            let _ = fs::remove_file(&old.path);
        }
    }
}

/// Called with whole lines, by one thread.
impl io::Write for Files {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // If there cannot be a new file, the old one is better than none, and the next line tries again.
        let _ = self.turn(line.len() as u64);
        let written = self.current.file.write(line)?;
        self.current.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.current.file.flush()
    }
}

/// The newest file of today, which is made if there is none.
fn newest(dir: &Path, name: &str) -> anyhow::Result<Current> {
    let day = today();
    let first = part_of_today(dir, name, 0)?;
    let newest = found(dir, name)?.pop().context("find the log file that was just made")?;
    let file = if newest.part == 0 { first } else { part_of_today(dir, name, newest.part)? };
    Ok(Current { file, size: fs::metadata(&newest.path)?.len(), day, part: newest.part })
}

fn part_of_today(dir: &Path, name: &str, part: u32) -> anyhow::Result<RollingFileAppender> {
    let suffix = if part == 0 { "log".to_owned() } else { format!("{part}.log") };
    let builder = RollingFileAppender::builder().rotation(Rotation::DAILY).filename_prefix(name);
    Ok(builder.filename_suffix(suffix).build(dir)?)
}

/// The log files of this program, oldest first.
fn found(dir: &Path, name: &str) -> io::Result<Vec<Found>> {
    let mut found: Vec<_> =
        fs::read_dir(dir)?.filter_map(|entry| read_name(entry.ok()?.path(), name)).collect();
    found.sort();
    Ok(found)
}

/// Understands `worker.2026-11-21.log` and `worker.2026-11-21.3.log`.
fn read_name(path: PathBuf, name: &str) -> Option<Found> {
    let file = path.file_name()?.to_str()?;
    let middle = file.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".log")?;
    let (date, part) = match middle.split_once('.') {
        Some((date, part)) => (date, part.parse().ok()?),
        None => (middle, 0),
    };
    let is_date = date.len() == 10 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    is_date.then(|| Found { date: date.to_owned(), part, path: path.clone() })
}

/// Days since 1970, UTC.
fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / DAY)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LINE: &[u8] = b"123456789\n";

    fn names(dir: &Path) -> Vec<String> {
        let found = found(dir, "worker").unwrap();
        found.into_iter().map(|file| file.path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    fn sizes(dir: &Path) -> Vec<u64> {
        found(dir, "worker").unwrap().iter().map(|file| fs::metadata(&file.path).unwrap().len()).collect()
    }

    #[test]
    fn a_full_file_is_continued_in_the_next_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::open(dir.path(), "worker", 25, 3).unwrap();
        for _ in 0..9 {
            files.write_all(LINE).unwrap();
        }
        assert_eq!(sizes(dir.path()), [20, 20, 10], "two lines a file, the first two of five files are gone");
        let names = names(dir.path());
        assert!(names[0].ends_with(".2.log") && names[2].ends_with(".4.log"), "{names:?}");
    }

    #[test]
    fn a_line_larger_than_a_file_is_still_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::open(dir.path(), "worker", 5, 3).unwrap();
        files.write_all(LINE).unwrap();
        files.write_all(LINE).unwrap();
        assert_eq!(sizes(dir.path()), [10, 10]);
    }

    #[test]
    fn a_restart_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..5 {
            Files::open(dir.path(), "worker", 25, 7).unwrap().write_all(LINE).unwrap();
        }
        assert_eq!(sizes(dir.path()), [20, 20, 10]);
    }

    #[test]
    fn a_new_day_begins_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("worker.2001-02-03.log"), "old").unwrap();
        fs::write(dir.path().join("worker.2001-02-03.10.log"), "old").unwrap();
        fs::write(dir.path().join("worker.2001-02-03.9.log"), "old").unwrap();
        let mut files = Files::open(dir.path(), "worker", 25, 2).unwrap();
        assert_eq!(names(dir.path())[0], "worker.2001-02-03.10.log", "10 is newer than 9");
        files.current.day -= 1;
        files.current.size = 25;
        files.write_all(LINE).unwrap();
        assert_eq!((files.current.part, files.current.day), (0, today()));
        assert_eq!(sizes(dir.path()), [3, 10]);
    }

    #[test]
    fn other_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let others =
            ["server.2001-02-03.log", "worker.log", "worker.2001-02-03.log.gz", "worker-2.2001-02-03.log"];
        others.iter().for_each(|other| fs::write(dir.path().join(other), "").unwrap());
        Files::open(dir.path(), "worker", 25, 1).unwrap();
        assert!(others.iter().all(|other| dir.path().join(other).exists()));
    }
}
