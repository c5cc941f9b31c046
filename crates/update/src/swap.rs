//! Replaces a program: at no time is there none, and the previous one is kept until the new one is confirmed. `self_update` could
//! replace it too, but keeps no previous version; its [`Move`](self_update::Move) is used where a running program can only be renamed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{UpdateError, blocking};

/// A program prints its version immediately, unless a virus scanner scans it first.
const VERSION_TIMEOUT: Duration = Duration::from_secs(20);

/// How often this is checked.
const VERSION_LOOK: Duration = Duration::from_millis(10);

/// A verified release next to the program.
#[derive(Debug)]
pub struct Staged {
    /// Its version.
    pub version: String,
    program: &'static str,
    new: PathBuf,
    exe: PathBuf,
    lock: Lock,
    taken: bool,
}

/// A program that was replaced; the previous one is kept.
#[derive(Debug)]
pub struct Applied {
    pub(super) exe: PathBuf,
    pub(super) old: PathBuf,
    _lock: Lock,
}

/// Keeps other processes from updating the same program.
#[derive(Debug)]
pub(super) struct Lock(File);

pub(super) fn lock(exe: &Path) -> Result<Lock, UpdateError> {
    let path = beside(exe, "update-lock");
    let io = |error| UpdateError::Io { path: path.clone(), error };
    let file = File::options().create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            UpdateError::NotOurs(exe.to_owned())
        }
        _ => io(error),
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(UpdateError::Busy(exe.to_owned())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// The path of a new program: in the same folder, so that one rename installs it.
pub(super) fn new_file(exe: &Path) -> PathBuf {
    beside(exe, &format!("new{}", std::env::consts::EXE_SUFFIX))
}

/// The path of the previous program: hidden, in the same folder.
fn beside(exe: &Path, what: &str) -> PathBuf {
    let name = exe.file_stem().unwrap_or_default().to_string_lossy();
    exe.with_file_name(format!(".{name}.{what}"))
}

pub(super) fn old_file(exe: &Path) -> PathBuf {
    beside(exe, &format!("old{}", std::env::consts::EXE_SUFFIX))
}

/// Records the last installed version until it is known to work: after a rollback, it must not be installed again automatically.
fn tried_file(exe: &Path) -> PathBuf {
    beside(exe, "tried")
}

/// The last installed version, if it is not known to work yet.
pub(super) fn tried(exe: &Path) -> Option<String> {
    fs::read_to_string(tried_file(exe)).ok()
}

/// A file that is no longer needed but may not be removable yet.
fn gone_file(exe: &Path) -> PathBuf {
    beside(exe, &format!("gone{}", std::env::consts::EXE_SUFFIX))
}

impl Staged {
    /// A program that was unpacked to `new`, if it starts and is the expected one.
    pub(super) fn new(
        program: &'static str,
        version: String,
        new: PathBuf,
        exe: PathBuf,
        lock: Lock,
    ) -> Result<Self, UpdateError> {
        // From here on, dropping this removes the file.
        let staged = Self { version, program, new, exe, lock, taken: false };
        is_it(&staged.new, program, &staged.version).map_err(UpdateError::DoesNotWork)?;
        Ok(staged)
    }

    /// Replaces the program with it. The running process continues as the old version; the next start uses the new one. If the new program does not
    /// work in its place, the previous one is restored.
    ///
    /// # Errors
    /// Files cannot be renamed, or the new program does not work there.
    pub async fn apply(self) -> Result<Applied, UpdateError> {
        blocking(move || self.apply_now()).await
    }

    fn apply_now(mut self) -> Result<Applied, UpdateError> {
        let (exe, old) = (self.exe.clone(), old_file(&self.exe));
        let io = |error| UpdateError::Io { path: exe.clone(), error };
        fs::write(tried_file(&exe), &self.version).map_err(io)?;
        replace(&self.exe, &old, &self.new).map_err(io)?;
        self.taken = true;
        let lock = Lock(self.lock.0.try_clone().map_err(io)?);
        let applied = Applied { exe: exe.clone(), old, _lock: lock };
        match is_it(&self.exe, self.program, &self.version) {
            Ok(()) => Ok(applied),
            Err(why) => {
                applied.roll_back()?;
                Err(UpdateError::DoesNotWork(why))
            }
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.taken {
            let _ = fs::remove_file(&self.new);
        }
    }
}

impl Applied {
    /// An update of this program that was applied, perhaps by an earlier process, and neither confirmed nor rolled back.
    ///
    /// # Errors
    /// Another process is updating it.
    pub fn pending(exe: &Path) -> Result<Option<Self>, UpdateError> {
        let old = old_file(exe);
        if !old.exists() {
            return Ok(None);
        }
        Ok(Some(Self { exe: exe.to_owned(), old, _lock: lock(exe)? }))
    }

    /// The new program works: removes the previous one.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn confirm(self) -> Result<(), UpdateError> {
        let gone = gone_file(&self.exe);
        // Windows keeps a running program, but lets it be renamed. It is then removed with the next update.
        fs::rename(&self.old, &gone).map_err(|error| UpdateError::Io { path: self.old.clone(), error })?;
        let _ = fs::remove_file(gone);
        let _ = fs::remove_file(tried_file(&self.exe));
        Ok(())
    }

    /// The new program does not work: restores the previous one.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn roll_back(self) -> Result<(), UpdateError> {
        let gone = gone_file(&self.exe);
        put(&self.old, &self.exe, &gone)
            .map_err(|error| UpdateError::Io { path: self.exe.clone(), error })?;
        let _ = fs::remove_file(gone);
        Ok(())
    }
}

/// Keeps `exe` as `old` and puts `new` in its place. If that fails, nothing changes.
fn replace(exe: &Path, old: &Path, new: &Path) -> io::Result<()> {
    let _ = fs::remove_file(old);
    let _ = fs::remove_file(gone_file(exe));
    // A second hard link to the file, so that the first name always exists; where links are not supported, a copy.
    if cfg!(not(windows)) && fs::hard_link(exe, old).is_err() {
        fs::copy(exe, old)?;
    }
    put(new, exe, old).inspect_err(|_| {
        if cfg!(not(windows)) {
            let _ = fs::remove_file(old);
        }
    })
}

/// Replaces `exe` with `file` in one step.
#[cfg(not(windows))]
fn put(file: &Path, exe: &Path, _aside: &Path) -> io::Result<()> {
    fs::rename(file, exe)
}

/// The same where a running program can be renamed, but not replaced: it is renamed first, and renamed back if the other file cannot take its place.
#[cfg(windows)]
fn put(file: &Path, exe: &Path, aside: &Path) -> io::Result<()> {
    let _ = fs::remove_file(aside);
    self_update::Move::from_source(file).replace_using_temp(aside).to_dest(exe).map_err(|error| match error {
        self_update::Error::Io(error) => error,
        error => io::Error::other(error),
    })
}

/// Whether this file is `program` in this version, by its own output; else what is wrong.
fn is_it(file: &Path, program: &str, version: &str) -> Result<(), String> {
    let said = ask_version(file)?;
    let mut words = said.split_whitespace();
    let is_program = words.next() == Some(program);
    let is_version = words.next() == Some(format!("version={version}").as_str());
    if is_program && is_version { Ok(()) } else { Err("it is another program or version".to_owned()) }
}

/// Starts a program whose file was just written: until another thread that also starts one has done so, it may hold that file open.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let deadline = Instant::now() + VERSION_TIMEOUT;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < deadline => {
                std::thread::sleep(VERSION_LOOK);
            }
            spawned => return spawned,
        }
    }
}

/// Its output for `--version`.
fn ask_version(file: &Path) -> Result<String, String> {
    let deadline = Instant::now() + VERSION_TIMEOUT;
    let mut command = Command::new(file);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = spawn(&mut command).map_err(|error| format!("it cannot be started: {error}"))?;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(VERSION_LOOK),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("it does not print its version".to_owned());
            }
        }
    };
    const LONGEST: u64 = 4_096; // const LONGEST: u64 = 4_096; // bytes of one line; a pipe holds more without being read
    let mut said = String::new();
    let read = child.stdout.take().map(|out| out.take(LONGEST).read_to_string(&mut said));
    match (status.success(), read) {
        (true, Some(Ok(_))) => Ok(said),
        (true, _) => Err("it does not print its version".to_owned()),
        (false, _) => Err(format!("it ended with {status}")),
    }
}
