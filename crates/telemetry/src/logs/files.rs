//! Log files: one a day (UTC), continued in numbered files if it grows too large; the oldest are removed.
//!
//! Only their owner can read them. If a line cannot be written, standard error reports it once, and again when writing works, and the program's
//! status shows it meanwhile; if the folder is removed, it is created again.
//!
//! The names come from `tracing-appender`: `worker.2026-11-21.log`, then `worker.2026-11-21.1.log`. It does not limit
//! the size and prunes by suffix, so sizes and pruning are handled here.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use tracing_appender::rolling::{RollingFileAppender, Rotation};

use super::running::{LogProblem, Problems};

/// Seconds in a day of UTC, the clock that `tracing-appender` uses for file names.
const DAY: u64 = 24 * 60 * 60;

/// How often the folder is checked: a file that was removed can still be written, but nobody sees it.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Where problems with the files are printed. Not to the log, which may be what fails.
type Complain = fn(&str);

/// The log files of one program.
pub(super) struct Files {
    dir: PathBuf,
    name: String,
    max_size: u64,
    keep: usize,
    /// `None`: there could not be one yet.
    current: Option<Current>,
    looked: Instant,
    /// Whether the last line was not written.
    is_failing: bool,
    problems: Problems,
    complain: Complain,
}

/// The current file.
struct Current {
    file: RollingFileAppender,
    path: PathBuf,
    size: u64,
    day: u64,
    part: u32,
}

/// A log file in the folder. Files are ordered by the time they were written.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    date: String,
    part: u32,
    path: PathBuf,
}

impl Files {
    /// Continues the newest file of today, or begins one. If that fails, it is reported, and tried again with every line.
    pub(super) fn open(dir: &Path, name: &str, max_size: u64, keep: usize, problems: Problems) -> Self {
        let mut files = Self {
            dir: dir.to_owned(),
            name: name.to_owned(),
            max_size,
            keep,
            current: None,
            looked: Instant::now(),
            is_failing: false,
            problems,
            complain: |_| {}, // whoever starts the logs logs the first problem
        };
        let begun = files.begin();
        files.note(&begun);
        files.complain = complain;
        files
    }

    /// Goes on with the newest file of today, or begins one.
    fn begin(&mut self) -> anyhow::Result<()> {
        self.current = Some(newest(&self.dir, &self.name)?);
        self.prune();
        Ok(())
    }

    /// Begins a new file if the current one was removed.
    fn look(&mut self) -> anyhow::Result<()> {
        if self.looked.elapsed() < LOOK_INTERVAL && !self.is_failing {
            return Ok(());
        }
        self.looked = Instant::now();
        match &self.current {
            Some(current) if current.path.exists() => Ok(()),
            _ => self.begin(),
        }
    }

    fn write_line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        self.look()?;
        // If a new file cannot be created, the old one is better than none; the next line tries again.
        let _ = self.turn(line.len() as u64);
        let current = self.current.as_mut().context("there is no file")?;
        current.file.write_all(line)?;
        current.size += line.len() as u64;
        Ok(())
    }

    /// Reports the first line that cannot be written, and the first one that can be again.
    fn note(&mut self, written: &anyhow::Result<()>) {
        match written {
            Err(error) if !self.is_failing => {
                let what = format!("Logs cannot be written to {}: {error:#}", self.dir.display());
                (self.complain)(&what);
                self.problems.send_replace(Some(LogProblem::new(what)));
            }
            Ok(()) if self.is_failing => {
                (self.complain)(&format!("Logs are written to {} again", self.dir.display()));
                self.problems.send_replace(None);
            }
            _ => {}
        }
        self.is_failing = written.is_err();
    }

    /// Begins a new file if the day has changed or the size limit is reached.
    fn turn(&mut self, more: u64) -> anyhow::Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        if current.day == today() {
            if current.size == 0 || current.size + more <= self.max_size {
                return Ok(());
            }
            part_of_today(&self.dir, &self.name, current.part + 1)?;
        }
        self.begin()
    }

    /// Removes the oldest files. One that cannot be removed is tried again next time.
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
        let written = self.write_line(line);
        self.note(&written);
        written.map(|()| line.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), |current| current.file.flush())
    }
}

#[expect(clippy::print_stderr, reason = "the log itself cannot tell that it is not written")]
fn complain(problem: &str) {
    eprintln!("{problem}");
}

/// Creates the folder, for its owner only. Existing folders are not changed.
fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Keeps others on this machine from reading a log file.
fn set_private(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = file; // the folder's access list applies
    Ok(())
}

/// The newest file of today, created if there is none.
fn newest(dir: &Path, name: &str) -> anyhow::Result<Current> {
    make_private(dir)?;
    let day = today();
    let first = part_of_today(dir, name, 0)?;
    let newest = found(dir, name)?.pop().context("find the log file that was just created")?;
    let file = if newest.part == 0 { first } else { part_of_today(dir, name, newest.part)? };
    set_private(&newest.path)?;
    Ok(Current { file, size: fs::metadata(&newest.path)?.len(), day, part: newest.part, path: newest.path })
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

/// Parses `worker.2026-11-21.log` and `worker.2026-11-21.3.log`.
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
    use super::*;

    const LINE: &[u8] = b"123456789\n";

    fn open(dir: &Path, max_size: u64, keep: usize) -> Files {
        Files::open(dir, "worker", max_size, keep, Problems::default())
    }

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
        let mut files = open(dir.path(), 25, 3);
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
        let mut files = open(dir.path(), 5, 3);
        files.write_all(LINE).unwrap();
        files.write_all(LINE).unwrap();
        assert_eq!(sizes(dir.path()), [10, 10]);
    }

    #[test]
    fn a_restart_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..5 {
            open(dir.path(), 25, 7).write_all(LINE).unwrap();
        }
        assert_eq!(sizes(dir.path()), [20, 20, 10]);
    }

    #[test]
    fn a_new_day_begins_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("worker.2001-02-03.log"), "old").unwrap();
        fs::write(dir.path().join("worker.2001-02-03.10.log"), "old").unwrap();
        fs::write(dir.path().join("worker.2001-02-03.9.log"), "old").unwrap();
        let mut files = open(dir.path(), 25, 2);
        assert_eq!(names(dir.path())[0], "worker.2001-02-03.10.log", "10 is newer than 9");
        let current = files.current.as_mut().unwrap();
        current.day -= 1;
        current.size = 25;
        files.write_all(LINE).unwrap();
        let current = files.current.as_ref().unwrap();
        assert_eq!((current.part, current.day), (0, today()));
        assert_eq!(sizes(dir.path()), [3, 10]);
    }

    #[test]
    fn other_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let others =
            ["server.2001-02-03.log", "worker.log", "worker.2001-02-03.log.gz", "worker-2.2001-02-03.log"];
        others.iter().for_each(|other| fs::write(dir.path().join(other), "").unwrap());
        open(dir.path(), 25, 1);
        assert!(others.iter().all(|other| dir.path().join(other).exists()));
    }

    thread_local! {
        static COMPLAINTS: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
    }

    fn complaints() -> Vec<String> {
        COMPLAINTS.with_borrow(Clone::clone)
    }

    #[test]
    fn a_removed_folder_is_made_again_and_one_that_cannot_be_is_reported_once() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("logs");
        let (problems, mut problem) = tokio::sync::watch::channel(None);
        let mut files = Files::open(&dir, "worker", 1_000, 3, problems);
        files.complain = |problem| COMPLAINTS.with_borrow_mut(|all| all.push(problem.to_owned()));
        let look_now = |files: &mut Files| {
            files.looked = files.looked.checked_sub(LOOK_INTERVAL).unwrap();
        };
        fs::remove_dir_all(&dir).unwrap();
        look_now(&mut files);
        files.write_all(LINE).unwrap();
        assert_eq!((sizes(&dir), complaints()), (vec![10], vec![]));

        fs::remove_dir_all(&dir).unwrap();
        fs::write(&dir, "in the way").unwrap();
        look_now(&mut files);
        assert!(files.write_all(LINE).is_err() && files.write_all(LINE).is_err());
        assert_eq!(complaints().len(), 1, "{:?}", complaints());
        assert!(complaints()[0].contains("cannot be written"), "{:?}", complaints());
        assert_eq!(problem.borrow_and_update().as_ref().unwrap().what, complaints()[0]);

        fs::remove_file(&dir).unwrap();
        files.write_all(LINE).unwrap();
        assert!(complaints()[1].ends_with("again"), "{:?}", complaints());
        assert_eq!(*problem.borrow(), None);
        assert_eq!(sizes(&dir), [10]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_logs() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("new/logs");
        let mut files = open(&dir, 15, 3);
        files.write_all(LINE).unwrap();
        files.write_all(LINE).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(
            found(&dir, "worker").unwrap().iter().map(|file| mode(&file.path)).collect::<Vec<_>>(),
            [0o600; 2]
        );
    }
}
