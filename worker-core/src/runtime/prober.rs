//! Probes the runtime: its address, its kind and its models. The result of one probe speeds up the next.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use tracing::warn;
use url::Url;

use super::detect::detect;
use super::probe_client::{ProbeClient, ProbeError};
use super::{Kind, RuntimeInfo, Target, Unready, llama_cpp, lm_studio, ollama, openai, vllm};

/// The default ports of runtimes, in the order in which they are tried.
pub(super) const DEFAULT_PORTS: [(Kind, u16); 4] =
    [(Kind::Ollama, 11434), (Kind::LmStudio, 1234), (Kind::LlamaCpp, 8080), (Kind::Vllm, 8000)];

/// Probes the runtime on demand, and remembers where it found it.
#[derive(Debug)]
pub struct Prober {
    /// As configured; `None` means the default ports.
    base: Option<Url>,
    /// As configured; `Auto` means to detect it.
    kind: Kind,
    /// The ports to try when no base URL is configured.
    ports: Vec<(Kind, u16)>,
    client: ProbeClient,
    found: Option<Found>,
    /// A runtime that lists invalid models does so each time; one log line is enough.
    has_warned: bool,
}

#[derive(Debug, Clone)]
struct Found {
    base: Url,
    kind: Kind,
}

impl Prober {
    /// If `base_url` is `None`, the default ports of this machine are tried.
    #[must_use]
    pub fn new(
        base_url: Option<Url>,
        api_key: Option<SecretString>,
        kind: Kind,
        connect_timeout: Duration,
    ) -> Self {
        let chaining = base_url.is_some() && kind == Kind::OpenAi;
        let usual = DEFAULT_PORTS.iter().filter(|(family, _)| serves(kind, *family)).copied();
        Self {
            base: base_url,
            kind,
            ports: usual.collect(),
            client: ProbeClient::new(api_key, connect_timeout, chaining),
            found: None,
            has_warned: false,
        }
    }

    /// A prober for an address that may be a runtime's.
    pub(super) fn around(connect_timeout: Duration) -> Self {
        Self::new(None, None, Kind::Auto, connect_timeout)
    }

    /// Probes this address. If it fails, returns what is wrong, provided that the response may come from a runtime.
    pub(super) async fn probe_or_hint(&mut self, base: Url) -> Result<RuntimeInfo, Option<Unready>> {
        let looked = Box::pin(self.probe_at(base)).await;
        let mut info = looked.map_err(|last| {
            let is_one = last.error == ProbeError::Loading || last.error.may_be_of_a_runtime();
            is_one.then_some(last.unready)
        })?;
        info.tidy();
        Ok(info)
    }

    /// Also trusts the certificates in this PEM file, for runtimes behind `https://`.
    #[must_use]
    pub fn with_ca(self, extra_ca: Option<PathBuf>) -> Self {
        Self { client: self.client.with_ca(extra_ca), ..self }
    }

    /// Ports to try instead of the default ones.
    #[cfg(test)]
    pub(super) fn with_ports(self, ports: Vec<(Kind, u16)>) -> Self {
        Self { ports, ..self }
    }

    /// The runtime's address: as configured, or as last found.
    #[must_use]
    pub fn base(&self) -> Option<&Url> {
        self.base.as_ref().or_else(|| self.found.as_ref().map(|found| &found.base))
    }

    /// Probes the runtime. Takes a few milliseconds, in the worst case some tens of seconds.
    ///
    /// A runtime without models is not an error: the note in the result says so.
    ///
    /// # Errors
    /// No runtime is usable now.
    pub async fn probe(&mut self) -> Result<RuntimeInfo, Unready> {
        let mut info = Box::pin(self.try_probe()).await?;
        let dropped = info.tidy();
        if dropped > 0 && !self.has_warned {
            self.has_warned = true;
            warn!(
                runtime.kind = %info.kind,
                runtime.dropped = dropped,
                "Ignored {dropped} models listed by {}: too many models, or unusable names",
                info.kind.title()
            );
        }
        Ok(info)
    }

    async fn try_probe(&mut self) -> Result<RuntimeInfo, Unready> {
        let before = match self.probe_found().await {
            Some(Ok(info)) => return Ok(info),
            Some(Err(last)) => Some(last),
            None => None,
        };
        if let Some(FailedProbe { error, unready }) = &before
            && (*error == ProbeError::Loading || error.is_silence() && self.base.is_some())
        {
            // It is temporarily unavailable; its kind does not change.
            return Err(unready.clone());
        }
        match self.base.clone() {
            Some(base) => self.probe_at(base).await.map_err(|last| last.unready),
            None => self.probe_ports().await.map_err(|nowhere| before.map_or(nowhere, |last| last.unready)),
        }
    }

    async fn probe_found(&self) -> Option<Result<RuntimeInfo, FailedProbe>> {
        let Found { base, kind } = self.found.clone()?;
        Some(
            self.list(kind, &Target::new(&base)).await.map_err(|error| self.failed_probe(error, kind, &base)),
        )
    }

    async fn probe_at(&mut self, base: Url) -> Result<RuntimeInfo, FailedProbe> {
        let target = Target::new(&base);
        let kind = match self.kind {
            Kind::Auto => detect(&self.client, &target)
                .await
                .map_err(|error| self.failed_probe(error, Kind::Auto, &base))?,
            known => known,
        };
        let info = self.list(kind, &target).await;
        // A runtime that is still loading its model counts as found.
        if matches!(info, Ok(_) | Err(ProbeError::Loading)) {
            self.found = Some(Found { base: base.clone(), kind });
        }
        info.map_err(|error| self.failed_probe(error, kind, &base))
    }

    /// Probes the default ports, and takes the first runtime that is ready.
    async fn probe_ports(&mut self) -> Result<RuntimeInfo, Unready> {
        let mut hint = None;
        for (_, port) in self.ports.clone() {
            let base = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a port makes a URL");
            match self.probe_at(base).await {
                Ok(info) => return Ok(info),
                Err(FailedProbe { error: ProbeError::Loading, unready }) => return Err(unready),
                Err(last) if last.error.may_be_of_a_runtime() => hint = hint.or(Some(last.unready)),
                Err(_) => {}
            }
        }
        Err(Unready::nothing_found(&self.ports, hint))
    }

    async fn list(&self, kind: Kind, target: &Target) -> Result<RuntimeInfo, ProbeError> {
        match kind {
            Kind::Ollama => ollama::probe(&self.client, target).await,
            Kind::LlamaCpp => llama_cpp::probe(&self.client, target).await,
            Kind::LmStudio => lm_studio::probe(&self.client, target).await,
            Kind::Vllm => vllm::probe(&self.client, target).await,
            Kind::OpenAi | Kind::Auto => openai::probe(&self.client, target).await,
        }
    }

    fn failed_probe(&self, error: ProbeError, kind: Kind, base: &Url) -> FailedProbe {
        let unready = Unready::because(&error, kind, base, self.client.has_key());
        FailedProbe { error, unready }
    }
}

/// A failed probe: the error, and the message for people.
struct FailedProbe {
    error: ProbeError,
    unready: Unready,
}

impl ProbeError {
    /// Whether the response may come from a runtime. On the default ports, most responses come from other programs.
    fn may_be_of_a_runtime(&self) -> bool {
        let busy = matches!(self, Self::Slow | Self::Status(StatusCode::SERVICE_UNAVAILABLE, _));
        busy || self.is_locked()
    }
}

/// Whether a search for `kind` has to try the port of `family`.
fn serves(kind: Kind, family: Kind) -> bool {
    matches!(kind, Kind::Auto | Kind::OpenAi) || kind == family
}
