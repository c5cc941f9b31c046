//! The request headers that go on to a runtime. Everything else ends here: credentials, and what a browser or a proxy says of itself. Ollama, for
//! one, answers 403 to an `Origin` that it does not know.

use http::header::{HeaderMap, HeaderName};
use llamapool_tunnel::head::end_to_end;

/// Names that pass on; docs/api.md lists them.
const NAMES: [&str; 12] = [
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

/// Beginnings of names that pass on: the options of APIs and of their libraries.
const PREFIXES: [&str; 3] = ["anthropic-", "openai-", "x-stainless-"];

/// Those of a client's headers that pass on.
pub(super) fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let passed = end_to_end(headers).filter(|(name, _)| is_passed_on(name));
    passed.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn is_passed_on(name: &HeaderName) -> bool {
    let name = name.as_str();
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_this_connection_or_site_ends_here() {
        let pairs = [
            ("content-type", "application/json"),
            ("openai-beta", "a"),
            ("openai-beta", "b"),
            ("authorization", "Bearer k"),
            ("api-key", "k"),
            ("cookie", "c=1"),
            ("origin", "https://a.example"),
            ("referer", "https://a.example/"),
            ("sec-fetch-mode", "cors"),
            ("sec-ch-ua", "x"),
            ("x-forwarded-for", "10.0.0.1"),
            ("accept-encoding", "gzip"),
            ("traceparent", "00-x"),
        ];
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let passed = passed_on(&headers);
        let mut names: Vec<_> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "openai-beta", "traceparent"]);
    }

    #[test]
    fn every_value_of_a_repeated_header_passes_on() {
        let mut headers = HeaderMap::new();
        headers.append("openai-beta", "a".parse().unwrap());
        headers.append("openai-beta", "b".parse().unwrap());
        assert_eq!(passed_on(&headers).get_all("openai-beta").iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
