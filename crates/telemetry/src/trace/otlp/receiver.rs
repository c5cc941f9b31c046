//! The HTTP client for the receiver of traces. It records why a request failed, because the exporter hides the cause.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt as _;

/// Timeout for connecting to the receiver.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The cause of the last failed request.
#[derive(Debug, Clone, Default)]
pub(super) struct Cause(Arc<Mutex<Option<String>>>);

/// A client that records causes.
#[derive(Debug)]
pub(super) struct Receiver {
    client: reqwest::Client,
    cause: Cause,
}

impl Cause {
    /// Takes the cause.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, error: &(dyn std::error::Error + 'static)) {
        let innermost = anyhow::Chain::new(error).next_back().map(ToString::to_string);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = innermost;
    }
}

impl Receiver {
    pub(super) fn new(is_tls: bool, cause: Cause) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(is_tls)?)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .context("set up the client for the OTLP receiver")?;
        Ok(Self { client, cause })
    }
}

/// TLS with the system's certificates, or for plain HTTP a configuration that trusts none and costs nothing.
fn tls(is_tls: bool) -> anyhow::Result<ClientConfig> {
    let _ = rustls::crypto::ring::default_provider().install_default(); // let _ = rustls::crypto::ring::default_provider().install_default(); // an error means that one is installed already
    if is_tls {
        return ClientConfig::with_platform_verifier().context("use the system's certificates");
    }
    Ok(ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

// Written out, as the trait's `async_trait` declares it.
impl HttpClient for Receiver {
    fn send_bytes<'a, 'f>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let sent = self.client.send_bytes(request).await;
            sent.inspect_err(|error| self.cause.note(error.as_ref()))
        })
    }
}
