//! Where releases are, and what is taken of them. The list, the choice, the download, the signature and the unpacking are `self_update`'s;
//! this says what we want of it. Its calls block.

use std::env::consts::{ARCH, EXE_SUFFIX, OS};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self_update::backends::github::{Update, UpdateBuilder};
use self_update::{Error, version};
use url::Url;

use super::transport::Transport;
use super::{UpdateError, VerifyingKey};
use llamapool_settings::build;

/// GitHub's interface.
const GITHUB: &str = "https://api.github.com";

/// Whose releases, and of what.
const OWNER: &str = "llamapool";
const REPOSITORY: &str = "llamapool";

/// Longest notes kept, in characters: a window has no room for more.
const MOST_NOTES: usize = 20_000;

/// Where releases are found.
#[derive(Debug, Clone)]
pub struct Source {
    api: String,
    /// Only for tests on this machine is it not.
    https_only: bool,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version, without the tag's `v`.
    pub version: String,
    /// What is new, in Markdown.
    pub notes: String,
    /// A page about it.
    pub page: String,
}

impl Source {
    /// The project's own.
    pub(super) fn github() -> Self {
        Self { api: GITHUB.to_owned(), https_only: true }
    }

    /// Another place, which answers as GitHub's interface does. Everything has to come over https.
    #[must_use]
    pub fn at(api: &Url) -> Self {
        Self { api: api.as_str().trim_end_matches('/').to_owned(), https_only: true }
    }

    /// A place that may be unencrypted. Signatures hold all the same; but whoever is on the way can keep updates away.
    #[must_use]
    pub fn unencrypted(api: &Url) -> Self {
        Self { https_only: false, ..Self::at(api) }
    }

    /// The newest release. What is marked as a draft or a pre-release is none.
    pub(super) fn latest(&self, program: &str) -> Result<Release, UpdateError> {
        let releases = self.ask(program)?.build()?.get_latest_release()?;
        let release = releases.latest().ok_or_else(|| UpdateError::Unusable("there is none".to_owned()))?;
        Ok(Release {
            version: release.version().to_owned(),
            notes: release.body().unwrap_or_default().chars().take(MOST_NOTES).collect(),
            page: release.release_notes_url().unwrap_or_default().to_owned(),
        })
    }

    /// Fetches the program of the release with this version, which is put at `to`, ready to run, if it was signed with our key, and as that version. If
    /// not, nothing is there.
    pub(super) fn fetch(
        &self,
        program: &str,
        version: &str,
        key: VerifyingKey,
        to: &Path,
    ) -> Result<(), UpdateError> {
        let folder = folder(program, version);
        let archive = format!("{folder}.tar.gz");
        let missing = format!("it has no {archive}");
        let mut update = self.ask(program)?;
        update
            .release_tag(format!("v{version}"))
            // The name counts: an archive is signed together with its own, and that says program, version and system.
            .asset_matcher(move |assets| assets.iter().find(|asset| asset.name() == archive).cloned())
            .verifying_keys([key])
            .bin_path_in_archive(format!("{folder}/{program}{EXE_SUFFIX}"))
            .bin_install_path(to);
        let fetched = update.build().and_then(|update| update.update()).map_err(|error| match error {
            Error::NoReleaseFound { target: Some(_), .. } => UpdateError::Unusable(missing),
            Error::Internal { .. } => UpdateError::Unusable(format!("no {program} is in its archive")),
            error => error.into(),
        });
        let io = |error| UpdateError::Io { path: to.to_owned(), error };
        fetched.and_then(|_| make_runnable(to).map_err(io)).inspect_err(|_| remove(to))
    }

    /// What both ask alike.
    fn ask(&self, program: &str) -> Result<UpdateBuilder, UpdateError> {
        let mut update = Update::configure();
        update
            .api_base_url(&self.api)
            .repo_owner(OWNER)
            .repo_name(REPOSITORY)
            .bin_name(program)
            .current_version(build::VERSION)
            .http_client(Arc::new(Transport::new(self.https_only)?))
            .unattended();
        Ok(update)
    }
}

impl Release {
    /// Whether it is newer than this program.
    pub(super) fn is_newer(&self) -> bool {
        version::bump_is_greater(build::VERSION, &self.version).unwrap_or(false)
    }
}

/// What the archive with `program` for this system is called, and the folder in it, without `.tar.gz`: `llamapool-worker-1.2.3-linux-x86_64`. A program for macOS
/// runs on every processor it has: `...-macos-universal`.
pub(super) fn folder(program: &str, version: &str) -> String {
    let machine = if cfg!(target_os = "macos") { "universal" } else { ARCH };
    format!("{program}-{version}-{OS}-{machine}")
}

/// The archive says whether it is; but what is updated shall not depend on how somebody has packed it.
fn make_runnable(program: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    // Before it takes another's place it has to be on the disk.
    File::options().write(true).open(program)?.sync_all()
}

/// What an attempt may leave: between file systems, it is copied under another name first.
fn remove(program: &Path) {
    let mut half = program.as_os_str().to_owned();
    half.push(".self_update.tmp");
    let _ = fs::remove_file(program);
    let _ = fs::remove_file(PathBuf::from(half));
}
