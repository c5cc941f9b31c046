//! Static endpoints: HTTP servers that take part in the pool like workers.

use url::Url;

/// One static endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointConfig {
    /// The name in logs, records and response headers.
    pub name: String,
    /// The base URL of its OpenAI-compatible API, with or without `/v1`.
    pub url: Url,
}

impl EndpointConfig {
    /// An endpoint for tests.
    ///
    /// # Panics
    /// The URL is invalid.
    pub fn for_testing(name: &str, url: &str) -> Self {
        Self { name: name.to_owned(), url: url.parse().expect("tests give valid URLs") }
    }
}
