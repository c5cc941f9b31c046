//! Probes a runtime with small GET requests, with limits on everything that an unknown program may send.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rustls::CertificateError;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use llamapool_tunnel::lenient::optional;

/// Timeout of one request: a runtime that cannot list its models in this time is not usable now.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest response: the listing of 2,000 models with all details has about 2 MiB, and parsing it can take
/// several times as much memory.
pub(super) const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// Longest part of a runtime's error message that is passed on, in characters.
const MAX_MESSAGE: usize = 200;
/// Idle connections are useless between two probes, and half-open ones do harm.
const IDLE: Duration = Duration::from_secs(5);

/// Sends requests. The HTTP client is built for the first one.
#[derive(Debug)]
pub(super) struct ProbeClient {
    api_key: Option<SecretString>,
    connect_timeout: Duration,
    extra_ca: Option<PathBuf>,
    /// Whether a llamapool server may be the runtime: pools can be chained, if this is configured.
    chaining: bool,
    client: OnceCell<Client>,
}

/// A complete response with status 200.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// No usable response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProbeError {
    /// No program listens at that address.
    Refused,
    /// No connection for another reason.
    Unreachable(String),
    /// Connected, but no complete response in time.
    Slow,
    /// A status other than 200, and the message.
    Status(StatusCode, String),
    /// A response larger than [`MAX_ANSWER`].
    TooLong,
    /// Not the JSON of this kind of runtime.
    Rubbish,
    /// The response comes from a llamapool server.
    OurServer,
    /// The runtime is up, but its model is still loading.
    Loading,
}

impl ProbeError {
    /// There was no response at all, so further requests to that address are pointless now.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::Refused | Self::Unreachable(_) | Self::Slow)
    }

    /// It requires another key than the configured one.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self, Self::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _))
    }
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ProbeError> {
        serde_json::from_slice(&self.body).map_err(|_| ProbeError::Rubbish)
    }
}

impl ProbeClient {
    pub(super) fn new(api_key: Option<SecretString>, connect_timeout: Duration, chaining: bool) -> Self {
        Self { api_key, connect_timeout, extra_ca: None, chaining, client: OnceCell::new() }
    }

    pub(super) fn with_ca(self, extra_ca: Option<PathBuf>) -> Self {
        Self { extra_ca, ..self }
    }

    pub(super) fn has_key(&self) -> bool {
        self.api_key.is_some()
    }

    /// The response to a GET, if it is JSON of the shape `T`.
    pub(super) async fn json<T: DeserializeOwned>(&self, url: &str) -> Result<T, ProbeError> {
        self.get(url).await?.json()
    }

    /// The response to a GET.
    pub(super) async fn get(&self, url: &str) -> Result<Answer, ProbeError> {
        let client = self.client.get_or_try_init(|| async { self.build(url) }).await?;
        let mut question = client.get(url);
        if let Some(key) = &self.api_key {
            question = question.bearer_auth(key.expose_secret());
        }
        let asked = question.send().await.map_err(|error| fault(&error))?;
        if !self.chaining && asked.headers().contains_key(llamapool_tunnel::dial::VERSION_HEADER) {
            return Err(ProbeError::OurServer);
        }
        let status = asked.status();
        let headers = asked.headers().clone();
        let body = read(asked).await;
        if status != StatusCode::OK {
            return Err(ProbeError::Status(status, body.map_or_else(|_| String::new(), |body| said(&body))));
        }
        Ok(Answer { headers, body: body? })
    }

    /// For `https`, the certificates are loaded, which is costly; for `http`, the usual case, they are not.
    fn build(&self, url: &str) -> Result<Client, ProbeError> {
        let tls = if url.starts_with("https:") {
            let trusting = llamapool_tunnel::tls::client_config(self.extra_ca.as_deref())
                .map_err(|error| ProbeError::Unreachable(format!("{error:#}")))?;
            rustls::ClientConfig::clone(&trusting)
        } else {
            llamapool_tunnel::tls::unused_config()
        };
        Client::builder()
            .user_agent(concat!("llamapool-worker/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .http1_only()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(self.connect_timeout)
            .timeout(ANSWER_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| ProbeError::Unreachable(error.to_string()))
    }
}

async fn read(mut answer: Response) -> Result<Vec<u8>, ProbeError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| fault(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ProbeError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn fault(error: &reqwest::Error) -> ProbeError {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let io = cause.downcast_ref::<std::io::Error>();
    let refused = io.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
    match () {
        () if refused => ProbeError::Refused,
        () if io.is_some_and(is_too_early) => {
            ProbeError::Unreachable(format!("{cause}; check the clock of this machine"))
        }
        () if error.is_timeout() && !error.is_connect() => ProbeError::Slow,
        () if error.is_timeout() => ProbeError::Unreachable("it does not respond".to_owned()),
        () => ProbeError::Unreachable(cause.to_string()),
    }
}

/// Whether TLS failed because the certificate is not valid yet.
fn is_too_early(error: &std::io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(
        tls,
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }
        ))
    )
}

/// The message in an error response: `{"error": {"message": ..}}`, `{"error": ".."}` or `{"message": ".."}`.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(default, deserialize_with = "optional")]
        error: Option<Fault>,
        #[serde(default, deserialize_with = "optional")]
        message: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Fault {
        Object { message: String },
        Text(String),
    }
    let Ok(said) = serde_json::from_slice::<Said>(body) else { return String::new() };
    let sentence = match said.error {
        Some(Fault::Object { message } | Fault::Text(message)) => Some(message),
        None => said.message,
    };
    sentence.unwrap_or_default().chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
}
