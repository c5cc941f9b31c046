//! The demo model in a build without the feature `demo`: it never starts.

use std::io;

use url::Url;

/// A running demo runtime, of which there is none.
#[derive(Debug)]
pub(crate) enum Demo {}

impl Demo {
    /// # Errors
    /// Always.
    pub(crate) async fn start() -> io::Result<Self> {
        Err(io::Error::other("the setting demo needs a program that is built with the demo model"))
    }

    pub(crate) fn base_url(&self) -> &Url {
        match *self {}
    }
}
