//! The part of a reply's head that clients get: the headers that are passed on, and the one length that its body must have.
//!
//! Headers about the connection, about this site or in the server's name end here. The list names what passes, because a runtime,
//! or a proxy in front of it, can send any header, and a browser acts on it as if it came from the server.

use http::header;
use http::{HeaderMap, HeaderValue, StatusCode};
use llamapool_tunnel::head::{body_length, is_bodiless, keep_response_headers};

use super::Fault;

/// A head that may be passed on.
#[derive(Debug)]
pub(super) struct ReplyHead {
    pub(super) status: StatusCode,
    /// The headers that clients may get.
    pub(super) headers: HeaderMap,
    /// The length of the body, where it is known.
    pub(super) length: Option<u64>,
}

impl ReplyHead {
    /// Filters the head of a reply. An event stream never has a length for the client, so that an error can be added to it.
    ///
    /// # Errors
    /// Its length is not a number, or there are several.
    pub(super) fn new(status: StatusCode, mut headers: HeaderMap) -> Result<Self, Fault> {
        let length = body_length(status, &headers).map_err(|_| {
            Fault::lost("The model's runtime failed before it answered: its Content-Length is invalid.")
        })?;
        keep_response_headers(&mut headers);
        if let Some(length) = length.filter(|_| !is_bodiless(status) && !is_event_stream(&headers)) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(Self { status, headers, length })
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, pairs: &[(&'static str, &str)]) -> Result<ReplyHead, Fault> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        ReplyHead::new(StatusCode::from_u16(status).unwrap(), headers)
    }

    #[test]
    fn one_valid_length_is_taken_and_nonsense_refused() {
        let check = |lengths: &[&str], expect: Result<Option<u64>, ()>| {
            let pairs: Vec<_> = lengths.iter().map(|length| ("content-length", *length)).collect();
            let head = head(200, &pairs);
            assert_eq!(head.as_ref().map(|head| head.length).map_err(|_| ()), expect, "{lengths:?}");
            if let Ok(ReplyHead { headers, length: Some(length), .. }) = head {
                let sent: Vec<_> = headers.get_all("content-length").iter().collect();
                assert_eq!(sent, [&length.to_string()], "{lengths:?}");
            }
        };
        check(&[], Ok(None));
        check(&["0"], Ok(Some(0)));
        check(&["5"], Ok(Some(5)));
        check(&["5", "5"], Ok(Some(5)));
        check(&["5, 5"], Ok(Some(5)));
        for nonsense in ["2, 60", "+2", "-2", "abc", "", "5,", "1 2", "0x5", "99999999999999999999999"] {
            check(&[nonsense], Err(()));
        }
        check(&["2", "60"], Err(()));
    }

    #[test]
    fn a_transfer_encoding_overrides_the_length() {
        let head = head(200, &[("content-length", "2"), ("transfer-encoding", "chunked")]).unwrap();
        assert_eq!((head.length, head.headers.len()), (None, 0));
    }

    #[test]
    fn a_status_without_a_body_has_no_length() {
        for status in [204, 304] {
            let head = head(status, &[("content-length", "20")]).unwrap();
            assert_eq!((head.length, head.headers.len()), (Some(0), 0), "{status}");
        }
    }

    #[test]
    fn the_length_of_an_event_stream_is_held_but_not_passed_on() {
        let stream = [("content-type", "Text/Event-Stream; charset=utf-8"), ("content-length", "9")];
        let head = head(200, &stream).unwrap();
        assert_eq!((head.length, head.headers.contains_key("content-length")), (Some(9), false));
    }
}
