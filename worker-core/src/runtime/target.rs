//! Where requests go: one base URL, however the user wrote it, and the paths that are asked of it.

use http::Uri;
use url::Url;

/// Every path the relay forwards begins with this; the base URL may or may not end with it.
const API: &str = "/v1/";

/// A runtime's address, ready to be joined with paths. Cheap to use for each request.
///
/// `http://h:1`, `http://h:1/`, `http://h:1/v1` and `http://h:1/v1/` are the same target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Scheme, host, port and the path before `/v1`, without a slash at the end.
    root: String,
}

/// A path that is not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotForwarded {
    /// Only the OpenAI paths are relayed: the rest of a runtime's API (deleting models, say) is its owner's.
    #[error("only paths under /v1/ are forwarded to the runtime")]
    NotOurs,
    /// A `.` or `..` segment would lead out of `/v1/` once the runtime resolves it.
    #[error("paths with `.` or `..` segments are not forwarded")]
    Dots,
    /// Not something that can stand in a request line.
    #[error("not a valid path")]
    Invalid,
}

impl Target {
    /// Takes the base URL apart; credentials, query and fragment in it are left out.
    #[must_use]
    pub fn new(base: &Url) -> Self {
        let mut segments: Vec<&str> = base.path().split('/').filter(|part| !part.is_empty()).collect();
        while segments.last() == Some(&"v1") {
            segments.pop();
        }
        let mut root = format!("{}://{}", base.scheme(), base.host_str().unwrap_or("localhost"));
        if let Some(port) = base.port() {
            root.push_str(&format!(":{port}"));
        }
        for segment in segments {
            root.push('/');
            root.push_str(segment);
        }
        Self { root }
    }

    /// The address of a relayed request: the path and query as the server sends them, beginning with `/v1/`.
    ///
    /// # Errors
    /// When the path is not one we forward.
    pub fn endpoint(&self, path_and_query: &str) -> Result<Uri, NotForwarded> {
        if !path_and_query.starts_with(API) {
            return Err(NotForwarded::NotOurs);
        }
        let path = path_and_query.split('?').next().unwrap_or_default();
        if path.split('/').any(is_dots) {
            return Err(NotForwarded::Dots);
        }
        self.join(path_and_query)
    }

    /// The address of one of the runtime's own paths, which stand beside `/v1`, e.g. `/api/tags`.
    pub(crate) fn native(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    fn join(&self, path_and_query: &str) -> Result<Uri, NotForwarded> {
        let mut whole = String::with_capacity(self.root.len() + path_and_query.len());
        whole.push_str(&self.root);
        whole.push_str(path_and_query);
        Uri::try_from(whole).map_err(|_| NotForwarded::Invalid)
    }
}

/// [`Target::endpoint`] for a single use.
///
/// # Errors
/// When the path is not one we forward.
pub fn endpoint(base: &Url, path_and_query: &str) -> Result<Uri, NotForwarded> {
    Target::new(base).endpoint(path_and_query)
}

/// `.` and `..`, also percent-encoded.
fn is_dots(segment: &str) -> bool {
    if !segment.starts_with(['.', '%']) || segment.len() > "%2e%2e".len() {
        return false;
    }
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}
