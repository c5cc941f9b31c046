//! The headers that the worker passes on, see [`keep_request_headers`] and [`keep_response_headers`], and the length of a body next to them.

use http::HeaderMap;
use http::header;
use llamapool_tunnel::head::{keep_request_headers, keep_response_headers};

/// The headers of a request for the runtime.
pub(super) fn to_runtime(mut headers: HeaderMap) -> HeaderMap {
    let length = headers.remove(header::CONTENT_LENGTH);
    keep_request_headers(&mut headers);
    headers.extend(length.map(|length| (header::CONTENT_LENGTH, length)));
    headers
}

/// The headers of a response for the server, and the length of its body if known: the one that the connection has checked.
pub(super) fn from_runtime(mut headers: HeaderMap, length: Option<u64>) -> HeaderMap {
    // Next to `transfer-encoding`, a length means nothing (RFC 9112, 6.3), and the next hop must not read it.
    let length = length.filter(|_| !headers.contains_key(header::TRANSFER_ENCODING));
    keep_response_headers(&mut headers);
    headers.extend(length.map(|length| (header::CONTENT_LENGTH, length.into())));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_the_one_that_was_checked_and_none_beside_chunked() {
        let sent = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let passed = from_runtime(sent(&[("content-length", "1"), ("content-type", "a/b")]), Some(7));
        assert_eq!((&passed["content-length"], passed.len()), (&"7".parse().unwrap(), 2));
        assert!(from_runtime(sent(&[("content-length", "1")]), None).is_empty());
        let chunked = sent(&[("content-length", "1"), ("transfer-encoding", "chunked")]);
        assert!(from_runtime(chunked, Some(7)).is_empty());
        assert_eq!(
            to_runtime(sent(&[("content-length", "3"), ("cookie", "a")])),
            sent(&[("content-length", "3")])
        );
    }
}
