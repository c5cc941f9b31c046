//! Request ids: the name of a request in logs, in headers, and at the model's runtime.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries the id, in requests and in responses.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id accepted from a client. UUIDs and trace ids have 32 to 55 characters.
const MAX_REQUEST_ID: usize = 128;

/// The client's own id if it is short printable ASCII, else a new one.
pub fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers
        .get(REQUEST_ID)
        .map(HeaderValue::as_bytes)
        .filter(|id| (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic));
    // A copy: the original is a slice of the connection's buffer and would keep all of it alive as long as the stream.
    given.and_then(|id| HeaderValue::from_bytes(id).ok()).unwrap_or_else(|| {
        let mut buffer = uuid::Uuid::encode_buffer();
        let id = uuid::Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        HeaderValue::from_str(id).expect("a UUID is ASCII")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_request_id_is_kept_and_any_other_replaced() {
        let check = |given: &str, kept: bool| {
            let value = HeaderValue::from_bytes(given.as_bytes()).unwrap();
            let id = request_id(&[(REQUEST_ID, value.clone())].into_iter().collect());
            assert_eq!(id == value, kept, "{given}");
            assert!(!id.is_empty());
        };
        check("req_123", true);
        check("", false);
        check("two words", false);
        check("é", false);
        check(&"x".repeat(MAX_REQUEST_ID), true);
        check(&"x".repeat(MAX_REQUEST_ID + 1), false);
    }
}
