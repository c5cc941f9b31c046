//! The demo model in a build without the feature `demo`: it never starts.

use std::io;

use url::Url;

/// A running demo runtime; there is never one.
#[derive(Debug)]
pub(crate) enum Demo {}

impl Demo {
    /// # Errors
    /// Always.
    pub(crate) async fn start() -> io::Result<Self> {
        Err(io::Error::other(
            "this program was built without the demo model, so the setting `demo` cannot be used",
        ))
    }

    pub(crate) fn base_url(&self) -> &Url {
        match *self {}
    }
}
