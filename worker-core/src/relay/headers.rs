//! The headers that cross between server and runtime: a list of names for each way. Everything else belongs to the hop it was sent on, to the site
//! that it was sent from, or to nobody that the other side knows. `docs/worker.md` has both lists.

use http::HeaderMap;
use http::header::{self, HeaderName};
use llamapool_tunnel::head::end_to_end;

/// What a runtime reads in a request. Not among them: `Origin`, `Referer`, `Sec-Fetch-*` and `Cookie` (who may ask is the pool's decision; Ollama
/// answers 403 to pages that it does not know), credentials, `Forwarded` and its relatives.
const TO_RUNTIME: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "content-length",
    "content-type",
    "idempotency-key",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-client-request-id",
    "x-request-id",
    "x-session-id",
];

/// What a client may learn from a runtime's response. `Content-Length` is not copied: it is set from what the connection has checked.
const FROM_RUNTIME: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "vary",
    "x-accel-buffering",
    "x-request-id",
    "x-should-retry",
];

/// The APIs' own headers, both ways: `openai-beta`, `anthropic-version`, `openai-processing-ms`.
const OF_AN_API: &[&str] = &["anthropic-", "openai-"];

/// How much of a limit is left, as the APIs tell it.
const RATE_LIMITS: &str = "x-ratelimit-";

/// The headers of a request that the runtime gets.
pub(super) fn to_runtime(headers: &HeaderMap) -> HeaderMap {
    chosen(headers, |name| TO_RUNTIME.contains(&name) || is_of_an_api(name))
}

/// The headers of a response that the server gets, with the length of its body if that is known.
pub(super) fn from_runtime(headers: &HeaderMap, length: Option<u64>) -> HeaderMap {
    let mut passed = chosen(headers, |name| {
        FROM_RUNTIME.contains(&name) || is_of_an_api(name) || name.starts_with(RATE_LIMITS)
    });
    // Beside `transfer-encoding` a length means nothing (RFC 9112, 6.3), and must not be read at the next hop.
    if let Some(length) = length.filter(|_| !headers.contains_key(header::TRANSFER_ENCODING)) {
        passed.insert(header::CONTENT_LENGTH, length.into());
    }
    passed
}

fn is_of_an_api(name: &str) -> bool {
    OF_AN_API.iter().any(|prefix| name.starts_with(prefix))
}

fn chosen(headers: &HeaderMap, passes: impl Fn(&str) -> bool) -> HeaderMap {
    let chosen = end_to_end(headers).filter(|(name, _): &(&HeaderName, _)| passes(name.as_str()));
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in chosen {
        map.append(name.clone(), value.clone());
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&str]) -> HeaderMap {
        let name = |name: &&str| HeaderName::from_bytes(name.as_bytes()).unwrap();
        names.iter().map(|one| (name(one), "1".parse().unwrap())).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_belongs_to_a_page_or_a_hop_does_not_reach_the_runtime() {
        let sent = headers(&[
            "origin",
            "referer",
            "sec-fetch-mode",
            "sec-fetch-site",
            "cookie",
            "authorization",
            "x-api-key",
            "host",
            "x-forwarded-for",
            "forwarded",
            "via",
            "upgrade",
            "x-llamapool-model",
            "x-anything",
            "content-type",
            "accept",
            "openai-organization",
            "anthropic-version",
            "user-agent",
            "traceparent",
        ]);
        let expect = [
            "accept",
            "anthropic-version",
            "content-type",
            "openai-organization",
            "traceparent",
            "user-agent",
        ];
        assert_eq!(names(&to_runtime(&sent)), expect);
    }

    #[test]
    fn what_acts_on_a_site_or_a_connection_does_not_reach_the_client() {
        let sent = headers(&[
            "set-cookie",
            "strict-transport-security",
            "clear-site-data",
            "alt-svc",
            "refresh",
            "server",
            "date",
            "connection",
            "keep-alive",
            "upgrade",
            "x-llamapool-worker",
            "access-control-allow-origin",
            "location",
            "www-authenticate",
            "content-type",
            "retry-after",
            "openai-processing-ms",
            "x-ratelimit-remaining-requests",
            "content-length",
        ]);
        let expect = [
            "content-length",
            "content-type",
            "openai-processing-ms",
            "retry-after",
            "x-ratelimit-remaining-requests",
        ];
        assert_eq!(names(&from_runtime(&sent, Some(1))), expect);
    }

    #[test]
    fn a_length_is_the_one_that_was_checked_and_none_beside_chunked() {
        let sent = headers(&["content-length"]);
        assert_eq!(from_runtime(&sent, Some(7))["content-length"], "7");
        assert_eq!(names(&from_runtime(&sent, None)), [""; 0]);
        assert_eq!(
            names(&from_runtime(&headers(&["content-length", "transfer-encoding"]), Some(7))),
            [""; 0]
        );
    }
}
