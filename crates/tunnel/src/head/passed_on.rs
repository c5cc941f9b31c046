//! The headers that are passed on between a client and a runtime: one list per direction, for server and worker alike. All other headers belong to
//! the connection or site they were sent from, or to a party that the other side does not know. `docs/api.md` has both lists.

use http::header::{HeaderMap, HeaderName};

use super::end_to_end;

/// Request headers that runtimes use. Not among them: credentials; `Origin`, `Referer`, `Sec-…` and `Cookie`, because the pool decides who may send
/// requests, and Ollama answers 403 to pages that it does not know; `Forwarded` and similar ones; `Accept-Encoding`, because a compressed response
/// hides its usage.
const OF_REQUESTS: &[&str] = &[
    "accept",
    "accept-language",
    "baggage",
    "content-language",
    "content-type",
    "idempotency-key",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-client-request-id",
    "x-request-id",
    "x-session-id",
];

/// Prefixes of header names that runtimes get: options of APIs and of their client libraries.
const FAMILIES_OF_REQUESTS: &[&str] = &["anthropic-", "openai-", "x-stainless-"];

/// Response headers that clients get: those that describe the body, or tell the client what to do next. A browser acts on any other header as if the
/// server had sent it.
const OF_RESPONSES: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "vary",
    "x-accel-buffering",
    "x-should-retry",
];

/// Prefixes of headers in which runtimes report limits, versions and times, for example `openai-processing-ms`.
const FAMILIES_OF_RESPONSES: &[&str] = &["anthropic-", "openai-", "ratelimit-", "x-compute-", "x-ratelimit-"];

/// The headers of a request that are passed on to the runtime.
pub fn request_headers(headers: &HeaderMap) -> HeaderMap {
    passed_on(headers, OF_REQUESTS, FAMILIES_OF_REQUESTS)
}

/// The headers of a response that are passed on to the client, without its length: see [`content_length`](super::content_length).
pub fn response_headers(headers: &HeaderMap) -> HeaderMap {
    passed_on(headers, OF_RESPONSES, FAMILIES_OF_RESPONSES)
}

fn passed_on(headers: &HeaderMap, names: &[&str], families: &[&str]) -> HeaderMap {
    let is_listed = |name: &HeaderName| {
        let name = name.as_str();
        names.contains(&name) || families.iter().any(|family| name.starts_with(family))
    };
    let mut passed = HeaderMap::with_capacity(headers.len());
    for (name, value) in end_to_end(headers).filter(|(name, _)| is_listed(name)) {
        passed.append(name.clone(), value.clone());
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&str]) -> HeaderMap {
        names.iter().map(|name| (name.parse::<HeaderName>().unwrap(), "1".parse().unwrap())).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_belongs_to_a_page_or_a_connection_does_not_reach_the_runtime() {
        let listed =
            ["accept", "anthropic-version", "baggage", "content-type", "openai-organization", "traceparent"];
        let ends_here = [
            "accept-encoding",
            "api-key",
            "authorization",
            "cookie",
            "forwarded",
            "host",
            "origin",
            "referer",
            "sec-ch-ua",
            "sec-fetch-mode",
            "upgrade",
            "via",
            "x-anything",
            "x-api-key",
            "x-forwarded-for",
            "x-llamapool-model",
        ];
        assert_eq!(names(&request_headers(&headers(&[&listed[..], &ends_here].concat()))), listed);
    }

    #[test]
    fn what_acts_on_a_site_or_a_connection_does_not_reach_the_client() {
        let listed =
            ["content-type", "openai-processing-ms", "retry-after", "x-ratelimit-remaining-requests"];
        let ends_here = [
            "access-control-allow-origin",
            "alt-svc",
            "clear-site-data",
            "connection",
            "content-length",
            "content-security-policy",
            "date",
            "keep-alive",
            "location",
            "refresh",
            "server",
            "set-cookie",
            "strict-transport-security",
            "transfer-encoding",
            "upgrade",
            "www-authenticate",
            "x-accel-redirect",
            "x-llamapool-worker",
            "x-request-id",
        ];
        assert_eq!(names(&response_headers(&headers(&[&listed[..], &ends_here].concat()))), listed);
    }

    #[test]
    fn every_value_passes_on_unless_the_connection_names_its_header() {
        let mut sent = HeaderMap::new();
        for value in ["a", "b"] {
            sent.append("openai-beta", value.parse().unwrap());
        }
        assert_eq!(request_headers(&sent).get_all("openai-beta").iter().collect::<Vec<_>>(), ["a", "b"]);
        sent.insert("connection", "OpenAI-Beta".parse().unwrap());
        assert_eq!(request_headers(&sent).len(), 0);
    }
}
