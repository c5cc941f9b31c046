//! The survey: where the runtime is, what it is and has; remembered from one look to the next.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use tracing::warn;
use url::Url;

use super::ask::{Asker, Miss};
use super::detect::detect;
use super::{Kind, Survey, Target, Unready, llama_cpp, lm_studio, ollama, openai, vllm};

/// Where runtimes listen unless told otherwise, in the order in which they are looked for.
pub(super) const USUAL_PORTS: [(Kind, u16); 4] =
    [(Kind::Ollama, 11434), (Kind::LmStudio, 1234), (Kind::LlamaCpp, 8080), (Kind::Vllm, 8000)];

/// Looks at the runtime as often as it is asked to, and remembers what it found.
#[derive(Debug)]
pub struct Surveyor {
    /// As configured; `None` is "look at the usual ports".
    base: Option<Url>,
    /// As configured; `Auto` is "find out".
    kind: Kind,
    /// Where to look when no base is configured.
    ports: Vec<(Kind, u16)>,
    asker: Asker,
    found: Option<Found>,
    /// A runtime that lists nonsense lists it every time; one line in the log is enough.
    has_warned: bool,
}

#[derive(Debug, Clone)]
struct Found {
    base: Url,
    kind: Kind,
}

impl Surveyor {
    /// `base_url` `None` means: look at the usual ports of this machine.
    #[must_use]
    pub fn new(
        base_url: Option<Url>,
        api_key: Option<SecretString>,
        kind: Kind,
        connect_timeout: Duration,
    ) -> Self {
        let chaining = base_url.is_some() && kind == Kind::OpenAi;
        let usual = USUAL_PORTS.iter().filter(|(family, _)| kind.is_served_by(*family)).copied();
        Self {
            base: base_url,
            kind,
            ports: usual.collect(),
            asker: Asker::new(api_key, connect_timeout, chaining),
            found: None,
            has_warned: false,
        }
    }

    /// For a look at a place where a runtime is only expected.
    pub(super) fn around(connect_timeout: Duration) -> Self {
        Self::new(None, None, Kind::Auto, connect_timeout)
    }

    /// What is at this place. If nothing usable is: what is wrong with it, if it may be a runtime at all.
    pub(super) async fn survey_or_hint(&mut self, base: Url) -> Result<Survey, Option<Unready>> {
        let looked = Box::pin(self.look_at(base)).await;
        let mut survey = looked.map_err(|last| {
            let is_one = last.miss == Miss::Loading || last.miss.may_be_of_a_runtime();
            is_one.then_some(last.unready)
        })?;
        survey.tidy();
        Ok(survey)
    }

    /// Trusts the certificates of this PEM file too, for runtimes behind `https://`.
    #[must_use]
    pub fn with_ca(self, extra_ca: Option<PathBuf>) -> Self {
        Self { asker: self.asker.with_ca(extra_ca), ..self }
    }

    /// Other ports to look at than the usual ones.
    #[cfg(test)]
    pub(super) fn with_ports(self, ports: Vec<(Kind, u16)>) -> Self {
        Self { ports, ..self }
    }

    /// Where the runtime is: as configured, or as last found.
    #[must_use]
    pub fn base(&self) -> Option<&Url> {
        self.base.as_ref().or_else(|| self.found.as_ref().map(|found| &found.base))
    }

    /// Asks the runtime what it is and has. Takes a few milliseconds, at worst some tens of seconds.
    ///
    /// A runtime without models is no error: the survey's note says so.
    ///
    /// # Errors
    /// When there is no usable runtime now.
    pub async fn survey(&mut self) -> Result<Survey, Unready> {
        let mut survey = Box::pin(self.look()).await?;
        let dropped = survey.tidy();
        if dropped > 0 && !self.has_warned {
            self.has_warned = true;
            warn!(
                runtime.kind = %survey.kind,
                runtime.dropped = dropped,
                "{dropped} of the models that {} lists are left out: too many, or names that cannot be used",
                survey.kind.title()
            );
        }
        Ok(survey)
    }

    async fn look(&mut self) -> Result<Survey, Unready> {
        let before = match self.look_where_found().await {
            Some(Ok(survey)) => return Ok(survey),
            Some(Err(last)) => Some(last),
            None => None,
        };
        if let Some(LastLook { miss, unready }) = &before
            && (*miss == Miss::Loading || miss.is_silence() && self.base.is_some())
        {
            // It is away for a moment and will be what it was.
            return Err(unready.clone());
        }
        match self.base.clone() {
            Some(base) => self.look_at(base).await.map_err(|last| last.unready),
            None => self.look_around().await.map_err(|nowhere| before.map_or(nowhere, |last| last.unready)),
        }
    }

    async fn look_where_found(&self) -> Option<Result<Survey, LastLook>> {
        let Found { base, kind } = self.found.clone()?;
        Some(self.list(kind, &Target::new(&base)).await.map_err(|miss| self.last_look(miss, kind, &base)))
    }

    async fn look_at(&mut self, base: Url) -> Result<Survey, LastLook> {
        let target = Target::new(&base);
        let kind = match self.kind {
            Kind::Auto => {
                detect(&self.asker, &target).await.map_err(|miss| self.last_look(miss, Kind::Auto, &base))?
            }
            known => known,
        };
        let survey = self.list(kind, &target).await;
        // What is still loading is found as well.
        if matches!(survey, Ok(_) | Err(Miss::Loading)) {
            self.found = Some(Found { base: base.clone(), kind });
        }
        survey.map_err(|miss| self.last_look(miss, kind, &base))
    }

    /// The first runtime on the usual ports that is ready.
    async fn look_around(&mut self) -> Result<Survey, Unready> {
        let mut hint = None;
        for (_, port) in self.ports.clone() {
            let base = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a port makes a URL");
            match self.look_at(base).await {
                Ok(survey) => return Ok(survey),
                Err(LastLook { miss: Miss::Loading, unready }) => return Err(unready),
                Err(last) if last.miss.may_be_of_a_runtime() => hint = hint.or(Some(last.unready)),
                Err(_) => {}
            }
        }
        Err(Unready::nothing_found(&self.ports, hint))
    }

    async fn list(&self, kind: Kind, target: &Target) -> Result<Survey, Miss> {
        match kind {
            Kind::Ollama => ollama::survey(&self.asker, target).await,
            Kind::LlamaCpp => llama_cpp::survey(&self.asker, target).await,
            Kind::LmStudio => lm_studio::survey(&self.asker, target).await,
            Kind::Vllm => vllm::survey(&self.asker, target).await,
            Kind::OpenAi | Kind::Auto => openai::survey(&self.asker, target).await,
        }
    }

    fn last_look(&self, miss: Miss, kind: Kind, base: &Url) -> LastLook {
        let unready = Unready::because(&miss, kind, base, self.asker.has_key());
        LastLook { miss, unready }
    }
}

/// A look that found nothing usable: what happened, and how it is said.
struct LastLook {
    miss: Miss,
    unready: Unready,
}

impl Miss {
    /// On a port where a runtime is only expected, most of what answers is something else; this may be one.
    fn may_be_of_a_runtime(&self) -> bool {
        let busy = matches!(self, Self::Slow | Self::Status(StatusCode::SERVICE_UNAVAILABLE, _));
        busy || self.is_locked()
    }
}

impl Kind {
    /// Whether asking for this kind means to look where that family listens.
    fn is_served_by(self, family: Self) -> bool {
        matches!(self, Self::Auto | Self::OpenAi) || self == family
    }
}
