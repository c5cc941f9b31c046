//! The headers that the worker passes on, see [`request_headers`] and [`response_headers`], and the length of a body next to them.

use http::HeaderMap;
use http::header;
use llamapool_tunnel::head::{request_headers, response_headers};

/// The headers of a request for the runtime.
pub(super) fn to_runtime(headers: &HeaderMap) -> HeaderMap {
    let mut passed = request_headers(headers);
    if let Some(length) = headers.get(header::CONTENT_LENGTH) {
        passed.insert(header::CONTENT_LENGTH, length.clone());
    }
    passed
}

/// The headers of a response for the server, and the length of its body if known: the one that the connection has checked.
pub(super) fn from_runtime(headers: &HeaderMap, length: Option<u64>) -> HeaderMap {
    let mut passed = response_headers(headers);
    // Next to `transfer-encoding`, a length means nothing (RFC 9112, 6.3), and the next hop must not read it.
    if let Some(length) = length.filter(|_| !headers.contains_key(header::TRANSFER_ENCODING)) {
        passed.insert(header::CONTENT_LENGTH, length.into());
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_the_one_that_was_checked_and_none_beside_chunked() {
        let sent = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let passed = from_runtime(&sent(&[("content-length", "1"), ("content-type", "a/b")]), Some(7));
        assert_eq!((&passed["content-length"], passed.len()), (&"7".parse().unwrap(), 2));
        assert!(from_runtime(&sent(&[("content-length", "1")]), None).is_empty());
        let chunked = sent(&[("content-length", "1"), ("transfer-encoding", "chunked")]);
        assert!(from_runtime(&chunked, Some(7)).is_empty());
        assert_eq!(
            to_runtime(&sent(&[("content-length", "3"), ("cookie", "a")])),
            sent(&[("content-length", "3")])
        );
    }
}
