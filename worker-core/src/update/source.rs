//! Where releases are: GitHub, or for tests something that answers like it.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use semver::Version;
use serde::Deserialize;
use tempfile::NamedTempFile;
use url::Url;

use super::UpdateError;

/// The releases of this project.
const RELEASES: &str = "https://api.github.com/repos/llamapool/llamapool/releases/latest";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest silence. A whole download may take as long as the line needs.
const SILENCE: Duration = Duration::from_secs(30);
/// GitHub sends downloads on to its storage, once.
const MOST_REDIRECTS: usize = 4;
/// Largest list of a release: names and notes.
const MOST_LISTED: usize = 1024 * 1024;
/// Largest archive: our programs are a tenth of it.
const MOST_ARCHIVE: usize = 256 * 1024 * 1024;
/// Longest notes kept, in characters: a window has no room for more.
const MOST_NOTES: usize = 20_000;

/// Where releases are found.
#[derive(Debug, Clone)]
pub struct Source {
    url: Url,
    /// Only for tests on this machine is it not.
    https_only: bool,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// What is new, in Markdown.
    pub notes: String,
    /// A page about it.
    pub page: String,
    assets: Vec<(String, Url)>,
}

#[derive(Deserialize)]
struct Listed {
    tag_name: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    assets: Vec<ListedAsset>,
}

#[derive(Deserialize)]
struct ListedAsset {
    name: String,
    browser_download_url: String,
}

impl Source {
    /// The project's own.
    pub(super) fn github() -> Self {
        Self { url: RELEASES.parse().expect("a constant that tests read"), https_only: true }
    }

    /// Another place, which answers as GitHub does for the latest release of a repository. Everything has to come over https.
    #[must_use]
    pub fn at(url: Url) -> Self {
        Self { url, https_only: true }
    }

    /// A place that may be unencrypted. Signatures hold all the same; but whoever is on the way can keep updates away.
    #[must_use]
    pub fn unencrypted(url: Url) -> Self {
        Self { url, https_only: false }
    }

    #[cfg(test)]
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The newest release.
    pub(super) async fn latest(&self) -> Result<Release, UpdateError> {
        let answer = self.get(&self.url, "application/vnd.github+json").await?;
        let body = collect(answer).await?;
        let listed: Listed = serde_json::from_slice(&body)
            .map_err(|_| UpdateError::Unusable("its description was not understood".to_owned()))?;
        let version = listed.tag_name.trim_start_matches('v').parse();
        let version = version.map_err(|_| UpdateError::Unusable("its tag is no version".to_owned()))?;
        let notes = listed.body.unwrap_or_default().chars().take(MOST_NOTES).collect();
        let assets = listed.assets.into_iter().filter_map(|asset| {
            let url = asset.browser_download_url.parse().ok()?;
            Some((asset.name, url))
        });
        Ok(Release { version, notes, page: listed.html_url, assets: assets.collect() })
    }

    /// A file, in a temporary one in `folder` that is gone when it is dropped.
    pub(super) async fn fetch(&self, url: &Url, folder: &Path) -> Result<NamedTempFile, UpdateError> {
        let io = |error| UpdateError::Io { path: folder.to_owned(), error };
        let mut answer = self.get(url, "application/octet-stream").await?;
        let expected = answer.content_length();
        let mut file = tempfile::Builder::new().prefix(".llamapool-").tempfile_in(folder).map_err(io)?;
        let mut length = 0;
        while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
            length += chunk.len();
            if length > MOST_ARCHIVE {
                return Err(UpdateError::Unusable("it is too large".to_owned()));
            }
            file.write_all(&chunk).map_err(io)?;
        }
        if expected.is_some_and(|expected| expected != length as u64) {
            return Err(UpdateError::Unreachable("the download broke off".to_owned()));
        }
        file.flush().map_err(io)?;
        Ok(file)
    }

    async fn get(&self, url: &Url, accept: &str) -> Result<Response, UpdateError> {
        if self.https_only && url.scheme() != "https" {
            return Err(UpdateError::Unusable("it is not offered over https".to_owned()));
        }
        let answer = self.client()?.get(url.clone()).header(http::header::ACCEPT, accept).send();
        let answer = answer.await.map_err(|error| unreachable(&error))?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => Err(UpdateError::Unreachable(format!("HTTP {}", status.as_u16()))),
        }
    }

    fn client(&self) -> Result<Client, UpdateError> {
        let tls = crate::tls::client_config(None)
            .map_err(|error| UpdateError::Unreachable(format!("{error:#}")))?;
        Client::builder()
            .user_agent(concat!("llamapool/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(rustls::ClientConfig::clone(&tls))
            .https_only(self.https_only)
            .redirect(Policy::limited(MOST_REDIRECTS))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE)
            .build()
            .map_err(|error| unreachable(&error))
    }
}

impl Release {
    /// The file of this name, and where it is.
    pub(super) fn asset(&self, name: &str) -> Option<(&str, &Url)> {
        self.assets.iter().find(|(asset, _)| asset == name).map(|(name, url)| (name.as_str(), url))
    }
}

async fn collect(mut answer: Response) -> Result<Vec<u8>, UpdateError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > MOST_LISTED {
            return Err(UpdateError::Unusable("its description is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost reason: outer ones say "error sending request" and the like.
fn unreachable(error: &reqwest::Error) -> UpdateError {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    UpdateError::Unreachable(cause.to_string())
}
