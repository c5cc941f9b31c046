//! The HTTP client for the receiver of traces. The exporter hides why a request failed; who reads the log wants to know.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// How long the receiver may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the last request failed, if the exporter does not say it.
#[derive(Debug, Clone, Default)]
pub(super) struct Cause(Arc<Mutex<Option<String>>>);

/// A client that takes note of causes.
#[derive(Debug)]
pub(super) struct Receiver {
    client: reqwest::Client,
    cause: Cause,
}

impl Cause {
    /// The cause, once.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, error: &(dyn std::error::Error + 'static)) {
        let last = std::iter::successors(Some(error), |error| error.source()).last();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = last.map(ToString::to_string);
    }
}

impl Receiver {
    pub(super) fn new(is_tls: bool, cause: Cause) -> anyhow::Result<Self> {
        let tls =
            if is_tls { (*crate::tls::client_config(None)?).clone() } else { crate::tls::unused_config() };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .context("make a client for the receiver of traces")?;
        Ok(Self { client, cause })
    }
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
