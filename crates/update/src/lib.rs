//! Signed self-update: finds a release, verifies it, stages it next to the program and replaces the program with it. The previous version is kept
//! until the new one has confirmed that it works.
//!
//! Only a signature (ed25519, zipsign) made with the key of this build counts: no checksum, no name, no server. Releases are downloaded over https
//! only, older ones are refused, and programs installed by a package manager are left to it ([`managed_by`]).
//!
//! The crate `self_update` finds, downloads, verifies and unpacks releases into a file next to the program. The rest is done here, because that crate
//! keeps no previous version.
//!
//! | module | what it does |
//! |---|---|
//! | `releases` | finds and downloads releases |
//! | `transport` | the HTTP client for that |
//! | `swap` | replaces the program, and restores it |
//! | `watchdog` | watches the new version start |
//! | `managed` | detects package managers |
//! | `command` | the command `update` |
//!
//! ```text
//! check -> Release -> stage -> Staged -> apply -> Applied -> confirm
//!                                                     `----> roll_back
//! ```

#[cfg(feature = "cli")]
pub mod command;
mod managed;
mod releases;
mod swap;
mod transport;
mod watchdog;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use managed::{Managed, managed_by};
pub use releases::{Release, Source};
pub use self_update::VerifyingKey;
pub use swap::{Applied, Staged};
use transport::TransportError;
pub use watchdog::{Watchdog, watch_if_asked};

use llamapool_settings::build;

/// The public key of releases, as 64 hexadecimal digits. The release workflow has the secret key. A build that was
/// not given a key cannot be updated.
const RELEASE_KEY: Option<&str> = option_env!("LLAMAPOOL_RELEASE_KEY");

/// A new version that does not confirm itself within this time is rolled back.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(60);

/// Why an update failed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// This build has no key to verify releases with.
    #[error(
        "this build has no release key, so updates cannot be verified: download releases from the project's page"
    )]
    NoKey,
    /// The list of releases, or a release, cannot be downloaded.
    #[error("cannot reach the releases: {0}")]
    Unreachable(String),
    /// The release is malformed.
    #[error("the release is unusable: {0}")]
    Unusable(String),
    /// The release is not signed with the key of this build, or for another name.
    #[error("the download has no valid llamapool signature and was discarded")]
    NotSigned,
    /// The new version does not start, or is another program.
    #[error("the new version does not work here: {0}; the previous version was restored")]
    DoesNotWork(String),
    /// Another process is updating the same program.
    #[error("another update of {} is in progress", .0.display())]
    Busy(PathBuf),
    /// This process may not write to the program's folder.
    #[error("cannot replace {}: run this as the user who installed it", .0.display())]
    NotOurs(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        error: std::io::Error,
    },
}

/// Updates one program.
#[derive(Debug)]
pub struct Updater {
    program: &'static str,
    exe: PathBuf,
    source: Source,
    key: VerifyingKey,
}

impl Updater {
    /// An updater for this process, which runs `program` (such as `llamapool-worker`), with the project's releases and key; in debug builds, tests
    /// can set others.
    ///
    /// # Errors
    /// This build has no key, or the file of this program cannot be found.
    pub fn of_process(program: &'static str) -> Result<Self, UpdateError> {
        let exe = this_exe()?;
        #[cfg(debug_assertions)]
        if let Some((source, key)) = of_test() {
            return Ok(Self::with(program, &exe, source, key));
        }
        let key = RELEASE_KEY.and_then(read_key).ok_or(UpdateError::NoKey)?;
        Ok(Self::with(program, &exe, Source::github(), key))
    }

    /// An updater for another file, other releases, another key.
    #[must_use]
    pub fn with(program: &'static str, exe: &Path, source: Source, key: VerifyingKey) -> Self {
        Self { program, exe: exe.to_owned(), source, key }
    }

    /// The latest release, if it is newer than this program.
    ///
    /// # Errors
    /// It cannot be downloaded, or is malformed.
    pub async fn check(&self) -> Result<Option<Release>, UpdateError> {
        let (source, program) = (self.source.clone(), self.program);
        let release = blocking(move || source.latest(program)).await?;
        Ok(Some(release).filter(Release::is_newer))
    }

    /// Whether this release was installed before and rolled back.
    #[must_use]
    pub fn has_failed(&self, release: &Release) -> bool {
        swap::tried(&self.exe).as_ref() == Some(&release.version)
    }

    /// Downloads a release, verifies its signature and puts the new program next to this one, which is unchanged.
    ///
    /// # Errors
    /// It is older, not signed, or does not start here. Then nothing of it is left.
    pub async fn stage(&self, release: &Release) -> Result<Staged, UpdateError> {
        if !release.is_newer() {
            return Err(UpdateError::Unusable(format!("{} is not newer", release.version)));
        }
        let lock = swap::lock(&self.exe)?;
        let (source, program, key) = (self.source.clone(), self.program, self.key);
        let (exe, version) = (self.exe.clone(), release.version.clone());
        blocking(move || {
            let new = swap::new_file(&exe);
            source.fetch(program, &version, key, &new)?;
            Staged::new(program, version, new, exe, lock)
        })
        .await
    }
}

/// Overrides by tests. Only debug builds read them: a person who can set a variable of a service cannot always replace its program, and must not be
/// able to do so by choosing the source of its releases.
#[cfg(debug_assertions)]
fn of_test() -> Option<(Source, VerifyingKey)> {
    let url = std::env::var("LLAMAPOOL_TEST_RELEASES").ok()?.parse().ok()?;
    let key = read_key(&std::env::var("LLAMAPOOL_TEST_KEY").ok()?)?;
    Some((Source::unencrypted(&url), key))
}

impl From<self_update::Error> for UpdateError {
    fn from(error: self_update::Error) -> Self {
        use self_update::Error;
        if let Some(trouble) = TransportError::within(&error) {
            return match trouble {
                TransportError::Connection(why) => Self::Unreachable(why.clone()),
                trouble => Self::Unusable(trouble.to_string()),
            };
        }
        match error {
            Error::Signature(_) | Error::NoSignatures(_) | Error::SignatureNonUTF8 => Self::NotSigned,
            Error::SemVer(_) => Self::Unusable("its tag is not a version".to_owned()),
            Error::Json(_) | Error::InvalidResponse { .. } | Error::MissingAssetField { .. } => {
                Self::Unusable("its description is invalid".to_owned())
            }
            Error::RateLimited { .. } => {
                Self::Unreachable("too many requests from this address; try again in an hour".to_owned())
            }
            Error::InstallPathNotWritable { path, .. } => Self::NotOurs(path),
            Error::Io(error) => Self::Io { path: std::env::temp_dir(), error },
            error => match error.http_status() {
                Some(status) => Self::Unreachable(format!("HTTP {status}")),
                None => Self::Unusable(error.to_string()),
            },
        }
    }
}

/// A new program that is not known to work after this time is rolled back; tests can shorten the time in debug builds.
pub fn health_timeout() -> Duration {
    let hurry = std::env::var("LLAMAPOOL_TEST_PROVEN_SECS").ok().filter(|_| cfg!(debug_assertions));
    hurry.and_then(|secs| secs.parse().ok()).map_or(HEALTH_TIMEOUT, Duration::from_secs)
}

/// The version that was installed and rolled back, if that was the last update.
#[must_use]
pub fn taken_back(exe: &Path) -> Option<String> {
    swap::tried(exe).filter(|version| version != build::VERSION)
}

/// The file of this program, with links resolved.
///
/// # Errors
/// The system does not report it.
pub fn this_exe() -> Result<PathBuf, UpdateError> {
    let io = |error| UpdateError::Io { path: PathBuf::from("this program"), error };
    std::env::current_exe().and_then(|exe| exe.canonicalize()).map_err(io)
}

/// Parses a key of 64 hexadecimal digits.
fn read_key(digits: &str) -> Option<VerifyingKey> {
    let digits = digits.trim();
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect::<Option<_>>()?;
    let key = bytes.try_into().ok()?;
    self_update::zipsign_api::VerifyingKey::from_bytes(&key).is_ok().then_some(key)
}

/// Runs work on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UpdateError> + Send + 'static,
) -> Result<T, UpdateError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(UpdateError::Unusable(error.to_string())))
}

#[cfg(test)]
mod tests;
