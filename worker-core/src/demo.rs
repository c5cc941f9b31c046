//! The built-in demo runtime: an OpenAI-compatible echo, so that a pool can be tried without any LLM.

use std::io;

use url::Url;

/// The only model of the demo runtime.
pub const MODEL: &str = "llamapool-demo-echo";

/// A running demo runtime; dropping it stops it.
#[derive(Debug)]
pub struct Demo {
    base_url: Url,
}

impl Demo {
    /// Starts it on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start() -> io::Result<Self> {
        Err(io::Error::other("not yet written"))
    }

    /// Where it answers, e.g. `http://127.0.0.1:40123/`.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }
}
