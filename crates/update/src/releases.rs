//! Finds and downloads releases. `self_update` does the work: listing, selecting, downloading, verifying and unpacking;
//! this module configures it. Its calls block.

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

/// GitHub's API.
const GITHUB: &str = "https://api.github.com";

/// The owner and the repository of the releases.
const OWNER: &str = "llamapool";
const REPOSITORY: &str = "llamapool";

/// Longest release notes kept, in characters: a window has no room for more.
const MOST_NOTES: usize = 20_000;

/// Where releases are found.
#[derive(Debug, Clone)]
pub struct Source {
    api: String,
    /// False only for tests on this machine.
    https_only: bool,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version, without the tag's `v`.
    pub version: String,
    /// The release notes, in Markdown.
    pub notes: String,
    /// The URL of its page.
    pub page: String,
}

impl Source {
    /// The project's own releases.
    pub(super) fn github() -> Self {
        Self { api: GITHUB.to_owned(), https_only: true }
    }

    /// Another source with GitHub's API. Everything must be served over https.
    #[must_use]
    pub fn at(api: &Url) -> Self {
        Self { api: api.as_str().trim_end_matches('/').to_owned(), https_only: true }
    }

    /// A source that may be unencrypted. Signatures protect the content, but an attacker on the network can block updates.
    #[must_use]
    pub fn unencrypted(api: &Url) -> Self {
        Self { https_only: false, ..Self::at(api) }
    }

    /// The latest release. Drafts and pre-releases do not count.
    pub(super) fn latest(&self, program: &str) -> Result<Release, UpdateError> {
        let releases = self.ask(program)?.build()?.get_latest_release()?;
        let release = releases.latest().ok_or_else(|| UpdateError::Unusable("there is none".to_owned()))?;
        Ok(Release {
            version: release.version().to_owned(),
            notes: release.body().unwrap_or_default().chars().take(MOST_NOTES).collect(),
            page: release.release_notes_url().unwrap_or_default().to_owned(),
        })
    }

    /// Downloads the program of this version to `to`, ready to run, if it is signed with our key and for this version. Otherwise
    /// nothing is left there.
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
            // The name matters: an archive is signed together with its name, which contains program, version and system.
            .asset_matcher(move |assets| assets.iter().find(|asset| asset.name() == archive).cloned())
            .verifying_keys([key])
            .bin_path_in_archive(format!("{folder}/{program}{EXE_SUFFIX}"))
            .bin_install_path(to);
        let fetched = update.build().and_then(|update| update.update()).map_err(|error| match error {
            Error::NoReleaseFound { target: Some(_), .. } => UpdateError::Unusable(missing),
            Error::Internal { .. } => UpdateError::Unusable(format!("its archive contains no {program}")),
            error => error.into(),
        });
        let io = |error| UpdateError::Io { path: to.to_owned(), error };
        fetched.and_then(|_| make_runnable(to).map_err(io)).inspect_err(|_| remove(to))
    }

    /// The options that both requests have in common.
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

/// The name of the archive with `program` for this system, and of the folder in it, without `.tar.gz`: `llamapool-worker-1.2.3-linux-x86_64`. A
/// program for macOS runs on all processors: `...-macos-universal`.
pub(super) fn folder(program: &str, version: &str) -> String {
    let machine = if cfg!(target_os = "macos") { "universal" } else { ARCH };
    format!("{program}-{version}-{OS}-{machine}")
}

/// The archive should set the executable bit; but an update must not depend on how it was packed.
fn make_runnable(program: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    // The file must be on the disk before it replaces another.
    File::options().write(true).open(program)?.sync_all()
}

/// Left-overs of an attempt: between file systems, a file is first copied under another name.
fn remove(program: &Path) {
    let mut half = program.as_os_str().to_owned();
    half.push(".self_update.tmp");
    let _ = fs::remove_file(program);
    let _ = fs::remove_file(PathBuf::from(half));
}
