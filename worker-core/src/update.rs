//! Updates of a program by itself: a release is found, checked and staged beside the program, and takes its place; what was there before
//! is kept until the new one has shown that it works.
//!
//! Nothing is believed that is not signed (ed25519, zipsign) with the key that is part of this build: no checksum, no name, no server. Releases come over
//! https only, older ones are never taken, and what a package manager has installed is left to it ([`managed_by`]).
//! `source` is where releases are, `archive` what they come in, `swap` how a program is replaced, `managed` whose it is, `command` the
//! command `update` of the programs.
//!
//! ```text
//! check -> Release -> stage -> Staged -> apply -> Applied -> confirm
//!                                                     `----> roll_back
//! ```

mod archive;
#[cfg(feature = "cli")]
pub mod command;
mod managed;
mod source;
mod swap;

use std::path::{Path, PathBuf};

use semver::Version;

pub use managed::{Manager, managed_by};
pub use source::{Release, Source};
pub use swap::{Applied, Staged};
pub use zipsign_api::VerifyingKey;

use crate::settings::build;

/// The public half of the key that releases are signed with, as 64 hexadecimal digits. The secret half is the release workflow's. A build that was
/// not told has none, and takes no updates.
const RELEASE_KEY: Option<&str> = option_env!("LLAMAPOOL_RELEASE_KEY");

/// Why there is no update.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// This build knows no key, so that it cannot tell ours from anybody's.
    #[error("this build takes no updates, because it was made without the key that releases are signed with")]
    NoKey,
    /// The list of releases, or one of them, cannot be had.
    #[error("the releases cannot be reached: {0}")]
    Unreachable(String),
    /// It is not what a release looks like.
    #[error("the release cannot be used: {0}")]
    Unusable(String),
    /// It is not signed with our key, or not as what it is offered as.
    #[error("the download is not signed by the makers of llamapool: it is not used")]
    NotSigned,
    /// The new program does not start, or is another one.
    #[error("the new version does not work here: {0}; the one before is in its place")]
    DoesNotWork(String),
    /// Another process updates the same program.
    #[error("another update of {} is under way", .0.display())]
    Busy(PathBuf),
    /// The program lies where this process may not write.
    #[error("{} cannot be replaced: call this with the rights of whoever installed it", .0.display())]
    NotOurs(PathBuf),
    /// Files cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
}

/// Looks for updates of one program.
#[derive(Debug)]
pub struct Updater {
    program: &'static str,
    exe: PathBuf,
    current: Version,
    source: Source,
    key: VerifyingKey,
}

impl Updater {
    /// For this process, called `program` (as `llamapool-worker`), with the project's releases and key.
    ///
    /// # Errors
    /// If this build has no key, or the file of this program cannot be found.
    pub fn of_process(program: &'static str) -> Result<Self, UpdateError> {
        let key = RELEASE_KEY.and_then(read_key).ok_or(UpdateError::NoKey)?;
        Self::with(program, &this_exe()?, Source::github(), key)
    }

    /// For another file, other releases, another key.
    ///
    /// # Errors
    /// If the version of this build is none.
    pub fn with(
        program: &'static str,
        exe: &Path,
        source: Source,
        key: VerifyingKey,
    ) -> Result<Self, UpdateError> {
        let current =
            build::VERSION.parse().map_err(|_| UpdateError::Unusable("of this version".to_owned()))?;
        Ok(Self { program, exe: exe.to_owned(), current, source, key })
    }

    /// The newest release, if it is newer than this program.
    ///
    /// # Errors
    /// If it cannot be had, or is none.
    pub async fn check(&self) -> Result<Option<Release>, UpdateError> {
        let release = self.source.latest().await?;
        Ok(Some(release).filter(|release| release.version > self.current))
    }

    /// Fetches a release, checks its signature and puts the program beside this one, which goes on as it is.
    ///
    /// # Errors
    /// If it is older, not signed, or does not start here. Nothing is left of it then.
    pub async fn stage(&self, release: &Release) -> Result<Staged, UpdateError> {
        if release.version <= self.current {
            return Err(UpdateError::Unusable(format!(
                "{} is not newer than {}",
                release.version, self.current
            )));
        }
        let lock = swap::lock(&self.exe)?;
        let name = archive::name(self.program, &release.version);
        let other = archive::name_for_any(self.program, &release.version);
        let found = release.asset(&name).or_else(|| release.asset(&other));
        let (name, url) = found.ok_or_else(|| UpdateError::Unusable(format!("it has no {name}")))?;
        let download = self.source.fetch(url, &swap::folder(&self.exe)).await?;
        let (key, exe, program) = (self.key, self.exe.clone(), self.program);
        let (name, version) = (name.to_owned(), release.version.clone());
        blocking(move || {
            archive::verify(download.path(), &name, &key)?;
            let new = swap::new_file(&exe);
            archive::unpack(download.path(), program, &new)?;
            swap::Staged::new(program, version, new, exe, lock)
        })
        .await
    }
}

/// The file of this program, links followed.
///
/// # Errors
/// If the system does not tell.
pub fn this_exe() -> Result<PathBuf, UpdateError> {
    let io = |error| UpdateError::Io { path: PathBuf::from("this program"), error };
    std::env::current_exe().and_then(|exe| exe.canonicalize()).map_err(io)
}

/// A key as 64 hexadecimal digits.
pub(crate) fn read_key(digits: &str) -> Option<VerifyingKey> {
    let digits = digits.trim();
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect::<Option<_>>()?;
    VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()
}

/// Work that would hold up everything else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UpdateError> + Send + 'static,
) -> Result<T, UpdateError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(UpdateError::Unusable(error.to_string())))
}

#[cfg(test)]
mod tests;
