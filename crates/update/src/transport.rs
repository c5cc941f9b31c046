//! Downloads releases with our own HTTP client, so that certificates, proxies and timeouts behave as everywhere else; with size limits,
//! over https.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::HeaderMap;
use http::header::{ACCEPT, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt as _;
use self_update::Error;
use self_update::http_client::{HttpClient, HttpResponse};
use tokio::runtime::{Builder, Runtime};

use super::UpdateError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest silence. A whole download may take as long as it needs.
const SILENCE: Duration = Duration::from_secs(30);
/// GitHub redirects downloads to its storage, once.
const MOST_REDIRECTS: usize = 4;
/// Largest description of a release, in bytes: names and notes.
const MOST_LISTED: u64 = 1024 * 1024;
/// Largest archive, in bytes: ten times the size of our programs.
const MOST_ARCHIVE: u64 = 256 * 1024 * 1024;
/// The `Accept` header for archives.
const ARCHIVE: &str = "application/octet-stream";

/// What failed in a download. It passes through `self_update`, and [`TransportError::within`] finds it again.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum TransportError {
    #[error("it is not available over https")]
    Unencrypted,
    #[error("it is too large")]
    TooLarge,
    #[error("{0}")]
    Connection(String),
}

/// A blocking client: not for use on a thread that has other work.
pub(super) struct Transport {
    client: Client,
    https_only: bool,
    /// The runtime of the client, driven while a caller waits.
    runtime: Arc<Runtime>,
}

impl Transport {
    pub(super) fn new(https_only: bool) -> Result<Self, UpdateError> {
        let unreachable = |why: String| UpdateError::Unreachable(why);
        let _ = rustls::crypto::ring::default_provider().install_default(); // let _ = rustls::crypto::ring::default_provider().install_default(); // an error means that one is installed already
        let tls = ClientConfig::with_platform_verifier().map_err(|error| unreachable(error.to_string()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(https_only)
            .redirect(Policy::limited(MOST_REDIRECTS))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE)
            .build()
            .map_err(|error| unreachable(innermost(&error)))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { client, https_only, runtime: Arc::new(runtime) })
    }
}

impl HttpClient for Transport {
    fn get(
        &self,
        url: &str,
        headers: &HeaderMap,
        _timeout: Option<Duration>,
    ) -> self_update::Result<Box<dyn HttpResponse>> {
        if self.https_only && !url.starts_with("https://") {
            return Err(Error::transport(TransportError::Unencrypted));
        }
        let mut headers = headers.clone();
        headers.insert(
            USER_AGENT,
            const { http::HeaderValue::from_static(concat!("llamapool/", env!("CARGO_PKG_VERSION"))) },
        );
        let wants_archive = headers.get(ACCEPT).is_some_and(|accept| accept == ARCHIVE);
        let asked = self.client.get(url).headers(headers).send();
        let answer = self.runtime.block_on(asked).map_err(|error| Error::transport(line(&error)))?;
        match answer.status() {
            status if status.is_success() => Ok(Box::new(Answer {
                left: if wants_archive { MOST_ARCHIVE } else { MOST_LISTED },
                chunk: Bytes::new(),
                runtime: Arc::clone(&self.runtime),
                answer,
            })),
            status => Err(Error::http_status_error_with_headers(status.as_u16(), url, answer.headers())),
        }
    }
}

/// A response whose body is read as it arrives.
struct Answer {
    answer: Response,
    chunk: Bytes,
    /// Bytes that may still arrive.
    left: u64,
    runtime: Arc<Runtime>,
}

impl HttpResponse for Answer {
    fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    fn body(self: Box<Self>) -> Box<dyn Read> {
        self
    }
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let next = self.runtime.block_on(self.answer.chunk());
            match next.map_err(|error| io::Error::other(line(&error)))? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
            let left = self.left.checked_sub(self.chunk.len() as u64);
            self.left = left.ok_or_else(|| io::Error::other(TransportError::TooLarge))?;
        }
        let length = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

impl TransportError {
    /// The transport error behind this error, if there is one.
    pub(super) fn within(error: &Error) -> Option<&Self> {
        match error {
            Error::Io(error) => error.get_ref()?.downcast_ref(),
            Error::Transport(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

fn line(error: &reqwest::Error) -> TransportError {
    TransportError::Connection(innermost(error))
}

/// The innermost error: outer ones only say "error sending request" or similar.
fn innermost(error: &reqwest::Error) -> String {
    anyhow::Chain::new(error).next_back().map(ToString::to_string).unwrap_or_default()
}
