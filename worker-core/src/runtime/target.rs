//! Where requests go: one base URL, however the user wrote it, and the paths below it.

use http::Uri;
use url::Url;

/// The prefix of every path that the relay forwards; the base URL may or may not end with it.
const API: &str = "/v1/";

/// A runtime's address, ready to be joined with paths. Cheap enough to use for each request.
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
    /// Only OpenAI paths are relayed: the rest of a runtime's API (such as deleting models) is reserved for its owner.
    #[error("only paths under /v1/ are forwarded to the runtime")]
    NotOurs,
    /// A `.` or `..` segment would lead out of `/v1/` when the runtime resolves it.
    #[error("paths with `.` or `..` segments are not forwarded")]
    Dots,
    /// It cannot be part of a request line.
    #[error("not a valid path")]
    Invalid,
}

impl Target {
    /// Parses the base URL; credentials, query and fragment are dropped.
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
    /// The path is not forwarded.
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

    /// The address of one of the runtime's own paths, which are next to `/v1`.
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
/// The path is not forwarded.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(base: &str, path: &str, expect: &str) {
        let base = Url::parse(base).unwrap();
        assert_eq!(endpoint(&base, path).unwrap().to_string(), expect, "{base} + {path}");
    }

    #[test]
    fn however_the_base_is_written() {
        for base in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/v1",
            "http://h:1/v1/",
            "http://h:1//v1//",
            "http://h:1/v1/v1",
        ] {
            check(base, "/v1/chat/completions", "http://h:1/v1/chat/completions");
        }
        check("http://h:1/openai/v1/", "/v1/chat/completions", "http://h:1/openai/v1/chat/completions");
        check("http://h:1/openai", "/v1/models?a=/../b", "http://h:1/openai/v1/models?a=/../b");
        check("https://h", "/v1/models/org/name%2Fx", "https://h/v1/models/org/name%2Fx");
        check("http://[::1]:1234", "/v1/models", "http://[::1]:1234/v1/models");
        check("http://me:secret@h:1/v1?x=1#y", "/v1/models", "http://h:1/v1/models");
        check("http://h:80/", "/v1/models/.hidden", "http://h/v1/models/.hidden");
    }

    #[test]
    fn native_paths_stand_beside_v1() {
        let target = Target::new(&Url::parse("http://h:1/ollama/v1/").unwrap());
        assert_eq!(target.native("/api/tags"), "http://h:1/ollama/api/tags");
    }

    #[test]
    fn what_is_not_forwarded() {
        let base = Url::parse("http://h:1/v1").unwrap();
        for path in ["/api/delete", "/v1", "/v1x/y", "v1/models", "", "/", "//v1/models", "http://x/v1/"] {
            assert_eq!(endpoint(&base, path), Err(NotForwarded::NotOurs), "{path}");
        }
        for path in
            ["/v1/../api/delete", "/v1/%2e%2E/api/delete", "/v1/.%2e/x", "/v1/./x", "/v1/a/..", "/v1/a/..?x"]
        {
            assert_eq!(endpoint(&base, path), Err(NotForwarded::Dots), "{path}");
        }
        for path in ["/v1/a b", "/v1/\r\nx: y", "/v1/\0"] {
            assert_eq!(endpoint(&base, path), Err(NotForwarded::Invalid), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn never_a_doubled_slash_or_v1(
            prefix in proptest::collection::vec("[a-z][a-z0-9]{0,5}|v1", 0..4),
            slashes in 0usize..3,
            tail in "[a-z]{1,8}(/[a-z]{1,8}){0,3}(\\?[a-z=&]{0,8})?",
        ) {
            let base = format!("http://h:1/{}{}", prefix.join("/"), "/".repeat(slashes));
            // Only a `v1` at the end of the base is removed.
            let inner_twice = prefix.windows(2).any(|pair| pair[0] == "v1" && pair[1] == "v1")
                && prefix.last().is_some_and(|last| last != "v1");
            prop_assume!(!inner_twice);
            let uri = endpoint(&Url::parse(&base).unwrap(), &format!("/v1/{tail}")).unwrap();
            let path = uri.path_and_query().unwrap().as_str();
            prop_assert!(!path.contains("//"), "{path}");
            prop_assert!(!path.contains("/v1/v1/"), "{path}");
            let suffix = format!("/v1/{tail}");
            prop_assert!(path.ends_with(&suffix), "{path}");
        }

        #[test]
        fn anything_from_the_server_is_a_path_under_v1_or_an_error(path in "\\PC{0,40}", dressed in any::<bool>()) {
            let base = Url::parse("http://h:1/v1").unwrap();
            let path = if dressed { format!("/v1/{path}") } else { path };
            if let Ok(uri) = endpoint(&base, &path) {
                prop_assert_eq!(uri.host(), Some("h"));
                prop_assert!(uri.path().starts_with("/v1/"));
            }
        }
    }
}
