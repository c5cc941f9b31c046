//! The LLM runtime beside the worker: what it is, where it is, and which models it has.
//!
//! Read [`kind`], [`model`] and [`target`] first.

pub mod kind;
mod lenient;
pub mod model;
pub mod target;

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use kind::Kind;
pub use model::{Model, Survey};
pub use target::{Target, endpoint};

/// Why the runtime cannot be used now: one readable sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unready {
    /// What is wrong, and where possible what to do.
    pub reason: String,
}

/// Looks at the runtime as often as it is asked to, and remembers what it found.
#[derive(Debug)]
pub struct Surveyor {
    base: Option<Url>,
}

impl Surveyor {
    /// `base_url` `None` means: look at the usual ports of this machine.
    #[must_use]
    pub fn new(
        base_url: Option<Url>,
        _api_key: Option<SecretString>,
        _kind: Kind,
        _connect_timeout: Duration,
    ) -> Self {
        Self { base: base_url }
    }

    /// Where the runtime is: as configured, or as found by the last survey.
    #[must_use]
    pub fn base(&self) -> Option<&Url> {
        self.base.as_ref()
    }

    /// Asks the runtime what it is and has.
    ///
    /// # Errors
    /// When there is no usable runtime now.
    pub async fn survey(&mut self) -> Result<Survey, Unready> {
        Err(Unready { reason: "not yet written".to_owned() })
    }
}
