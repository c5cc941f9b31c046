//! The head of a request or response in a HEAD frame, and the one place where hop-by-hop headers are dropped and the length of a
//! body is read.
//!
//! A request is `u16 n, method; u16 n, path and query; headers`, a response `u16 status; headers`; headers are `u16 count` and then, each,
//! `u16 name length, u16 value length, name, value`. Names are lower case.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use super::frame::MAX_HEAD;

mod length;
mod passed_on;

pub(super) use length::BodyLength;
pub use length::{body_length, content_length, is_bodiless};
pub use passed_on::{keep_request_headers, keep_response_headers};

/// The header with the name of a request's model, as the worker calls it. It ends at the worker. Optional: older servers do not
/// send it, and older workers pass it on to their runtime, which ignores it.
pub const MODEL: HeaderName = HeaderName::from_static("x-llamapool-model");

/// Room for headers that either end adds, so that the map need not grow for them.
const ADDED_LATER: usize = 6;

/// The head of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestHead {
    /// Its method.
    pub method: Method,
    /// Path and query as the client sent them, canonical prefix included: `/v1/chat/completions?x=1`.
    pub target: String,
    /// End-to-end headers.
    pub headers: HeaderMap,
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseHead {
    /// Its status, 200 to 599: informational responses end at the worker.
    pub status: StatusCode,
    /// End-to-end headers.
    pub headers: HeaderMap,
}

impl ResponseHead {
    /// The length of its body: none for a response to a HEAD request, otherwise see [`body_length`].
    ///
    /// # Errors
    /// See [`content_length`].
    pub fn body_length(&self, is_head: bool) -> Result<Option<u64>, HeadError> {
        if is_head { Ok(Some(0)) } else { body_length(self.status, &self.headers) }
    }
}

/// A head that cannot be sent or parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// More than [`MAX_HEAD`] bytes.
    #[error("the head is larger than {MAX_HEAD} bytes")]
    TooLarge,
    /// It is truncated, or bytes are left over.
    #[error("the head is truncated")]
    Truncated,
    /// A part of it is not valid HTTP.
    #[error("the head has an invalid {0}")]
    Invalid(&'static str),
}

/// Encodes a request head, without its hop-by-hop headers.
///
/// # Errors
/// [`HeadError::TooLarge`].
pub fn encode_request(method: &Method, target: &str, headers: &HeaderMap) -> Result<Bytes, HeadError> {
    content_length(headers)?;
    let mut out = BytesMut::with_capacity(512);
    put_text(&mut out, method.as_str())?;
    put_text(&mut out, target)?;
    put_headers(&mut out, headers)?;
    finish(out)
}

/// Encodes a response head, without its hop-by-hop headers.
///
/// # Errors
/// [`HeadError::TooLarge`].
pub fn encode_response(status: StatusCode, headers: &HeaderMap) -> Result<Bytes, HeadError> {
    content_length(headers)?;
    let mut out = BytesMut::with_capacity(256);
    out.put_u16_le(status.as_u16());
    put_headers(&mut out, headers)?;
    finish(out)
}

/// The inverse of [`encode_request`].
///
/// # Errors
/// It is not a request head.
pub fn decode_request(mut block: Bytes) -> Result<RequestHead, HeadError> {
    let method = Method::from_bytes(&take_text(&mut block)?).map_err(|_| HeadError::Invalid("method"))?;
    let target = String::from_utf8(take_text(&mut block)?.into()).map_err(|_| HeadError::Invalid("path"))?;
    if !target.starts_with('/') {
        return Err(HeadError::Invalid("path"));
    }
    Ok(RequestHead { method, target, headers: take_headers(block)? })
}

/// The inverse of [`encode_response`].
///
/// # Errors
/// It is not a response head.
pub fn decode_response(mut block: Bytes) -> Result<ResponseHead, HeadError> {
    let status = StatusCode::from_u16(take_u16(&mut block)?).map_err(|_| HeadError::Invalid("status"))?;
    if !(200..600).contains(&status.as_u16()) {
        return Err(HeadError::Invalid("status"));
    }
    Ok(ResponseHead { status, headers: take_headers(block)? })
}

/// Whether an encoded head is that of a HEAD request.
pub(super) fn is_head_request(block: &[u8]) -> bool {
    block.starts_with(b"\x04\0HEAD")
}

/// Whether a header is about one connection only (RFC 9110, 7.6.1) and so is not passed on.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(*name, header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE | header::TE)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// The headers that are passed on: all except the hop-by-hop ones, those that `Connection` lists, and a `Content-Length` next to a
/// `Transfer-Encoding`, which overrides it (RFC 9112, 6.3). `Connection` cannot list headers that the tunnel itself relies on.
pub fn end_to_end(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let named = named_by_connection(headers);
    let is_chunked = headers.contains_key(header::TRANSFER_ENCODING);
    headers.iter().filter(move |(name, _)| {
        let is_overridden = is_chunked && **name == header::CONTENT_LENGTH;
        !is_hop_by_hop(name)
            && !is_overridden
            && !named.iter().any(|named| named.eq_ignore_ascii_case(name.as_str()))
    })
}

/// The names that `Connection` lists, without what the tunnel itself relies on.
fn named_by_connection(headers: &HeaderMap) -> Vec<&str> {
    let relied_on = |name: &str| {
        name.eq_ignore_ascii_case(header::CONTENT_LENGTH.as_str())
            || name.eq_ignore_ascii_case(MODEL.as_str())
    };
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !relied_on(name)).collect()
}

fn put_headers(out: &mut BytesMut, headers: &HeaderMap) -> Result<(), HeadError> {
    let (at, mut count) = (out.len(), 0u16);
    out.put_u16_le(0);
    for (name, value) in end_to_end(headers) {
        out.put_u16_le(length(name.as_str().len())?);
        out.put_u16_le(length(value.len())?);
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(value.as_bytes());
        count = count.checked_add(1).ok_or(HeadError::TooLarge)?;
    }
    out[at..at + 2].copy_from_slice(&count.to_le_bytes());
    Ok(())
}

fn take_headers(mut block: Bytes) -> Result<HeaderMap, HeadError> {
    let count = usize::from(take_u16(&mut block)?);
    // Each header has at least four bytes of lengths: no memory is reserved for a larger count.
    let mut headers = HeaderMap::with_capacity(count.min(block.len() / 4) + ADDED_LATER);
    let mut is_chunked = false;
    for _ in 0..count {
        let (name, value) = (take_u16(&mut block)?, take_u16(&mut block)?);
        let name = take(&mut block, name)?;
        let name = HeaderName::from_lowercase(&name).map_err(|_| HeadError::Invalid("header name"))?;
        let value = HeaderValue::from_maybe_shared(take(&mut block, value)?)
            .map_err(|_| HeadError::Invalid("header value"))?;
        is_chunked |= name == header::TRANSFER_ENCODING;
        // A correct peer sends none of these. A frame has its own end, so they cannot be about this connection.
        if !is_hop_by_hop(&name) {
            headers.try_append(name, value).map_err(|_| HeadError::TooLarge)?;
        }
    }
    if !block.is_empty() {
        return Err(HeadError::Truncated);
    }
    if is_chunked {
        headers.remove(header::CONTENT_LENGTH);
    }
    length::settle(&mut headers)?;
    Ok(headers)
}

fn finish(out: BytesMut) -> Result<Bytes, HeadError> {
    if out.len() <= MAX_HEAD { Ok(out.freeze()) } else { Err(HeadError::TooLarge) }
}

fn put_text(out: &mut BytesMut, text: &str) -> Result<(), HeadError> {
    out.put_u16_le(length(text.len())?);
    out.put_slice(text.as_bytes());
    Ok(())
}

fn length(bytes: usize) -> Result<u16, HeadError> {
    u16::try_from(bytes).map_err(|_| HeadError::TooLarge)
}

fn take_text(block: &mut Bytes) -> Result<Bytes, HeadError> {
    let length = take_u16(block)?;
    take(block, length)
}

fn take_u16(block: &mut Bytes) -> Result<u16, HeadError> {
    block.try_get_u16_le().map_err(|_| HeadError::Truncated)
}

fn take(block: &mut Bytes, length: u16) -> Result<Bytes, HeadError> {
    let length = usize::from(length);
    if length <= block.len() { Ok(block.split_to(length)) } else { Err(HeadError::Truncated) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
            .collect()
    }

    #[test]
    fn a_request_head_survives_the_trip_without_its_hop_by_hop_headers() {
        let sent = headers(&[
            ("connection", "keep-alive, X-Private"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("content-type", "application/json"),
        ]);
        let block = encode_request(&Method::POST, "/v1/chat/completions?a=%20", &sent).unwrap();
        let head = decode_request(block).unwrap();
        assert_eq!((head.method, head.target.as_str()), (Method::POST, "/v1/chat/completions?a=%20"));
        assert_eq!(head.headers, headers(&[("content-type", "application/json")]));
    }

    #[test]
    fn duplicates_of_a_response_header_keep_their_order() {
        let mut sent = headers(&[("date", "now")]);
        sent.append("set-cookie", "a=1".parse().unwrap());
        sent.append("set-cookie", "b=2".parse().unwrap());
        let head = decode_response(encode_response(StatusCode::CREATED, &sent).unwrap()).unwrap();
        assert_eq!(head.status, StatusCode::CREATED);
        assert_eq!(head.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    }

    #[test]
    fn connection_cannot_name_what_the_tunnel_relies_on() {
        let sent =
            headers(&[("connection", "Content-Length, X-Llamapool-Model, x-b"), ("content-length", "3")]);
        let mut sent = sent;
        sent.insert(MODEL, HeaderValue::from_static("m"));
        sent.insert("x-b", HeaderValue::from_static("1"));
        let head = decode_request(encode_request(&Method::POST, "/v1/x", &sent).unwrap()).unwrap();
        let mut expect = headers(&[("content-length", "3")]);
        expect.insert(MODEL, HeaderValue::from_static("m"));
        assert_eq!(head.headers, expect);
    }

    #[test]
    fn a_length_beside_a_transfer_encoding_is_dropped_at_both_ends() {
        let sent = headers(&[("content-length", "2"), ("transfer-encoding", "chunked"), ("etag", "x")]);
        let head = decode_response(encode_response(StatusCode::OK, &sent).unwrap()).unwrap();
        assert_eq!(head.headers, headers(&[("etag", "x")]));
        let mut raw = BytesMut::new();
        raw.put_u16_le(200);
        raw.put_u16_le(3);
        for (name, value) in &sent {
            raw.put_u16_le(name.as_str().len() as u16);
            raw.put_u16_le(value.len() as u16);
            raw.put_slice(name.as_str().as_bytes());
            raw.put_slice(value.as_bytes());
        }
        assert_eq!(decode_response(raw.freeze()).unwrap().headers, headers(&[("etag", "x")]));
    }

    #[test]
    fn a_head_with_a_nonsensical_length_neither_leaves_nor_arrives() {
        let invalid = Err(HeadError::Invalid("content-length"));
        let sent = headers(&[("content-length", "2, 60")]);
        assert_eq!(encode_response(StatusCode::OK, &sent), invalid);
        let raw = [&[200, 0, 1, 0, 14, 0, 2, 0][..], b"content-length+2"].concat();
        assert_eq!(decode_response(raw.into()), Err(HeadError::Invalid("content-length")));
    }

    #[test]
    fn a_head_that_is_too_large_is_not_sent() {
        let value = "x".repeat(MAX_HEAD / 2);
        let sent = headers(&[("a", &value), ("b", &value)]);
        assert_eq!(encode_response(StatusCode::OK, &sent), Err(HeadError::TooLarge));
        assert_eq!(
            encode_request(&Method::GET, &"/".repeat(70_000), &headers(&[])),
            Err(HeadError::TooLarge)
        );
    }

    #[test]
    fn what_is_not_http_is_refused() {
        let block = |status: u16, rest: &[u8]| {
            let mut out = BytesMut::new();
            out.put_u16_le(status);
            out.put_slice(rest);
            out.freeze()
        };
        let check = |block, expect| assert_eq!(decode_response(block), Err(expect));
        check(block(99, &[0, 0]), HeadError::Invalid("status"));
        check(block(101, &[0, 0]), HeadError::Invalid("status"));
        check(block(200, &[1, 0, 1, 0, 1, 0, b'A', b'x']), HeadError::Invalid("header name"));
        check(block(200, &[1, 0, 1, 0, 1, 0, b'a', b'\n']), HeadError::Invalid("header value"));
        check(block(200, &[0, 0, 7]), HeadError::Truncated);
        check(block(200, &[255, 255]), HeadError::Truncated);
    }

    proptest! {
        #[test]
        fn rubbish_never_panics(block in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode_request(block.clone().into());
            let _ = decode_response(block.into());
        }
    }
}
