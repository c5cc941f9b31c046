//! The length of a body: what its head announces, and whether the body matches it. To an HTTP/1.1 client, a longer body would be
//! part of the next response on the connection, and after a shorter one it would wait; so both are errors of the stream.

use http::StatusCode;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};

use super::HeadError;
use crate::frame::Code;
use crate::mux::{Chunk, Lost};

const INVALID: HeadError = HeadError::Invalid("content-length");

/// The length that a head announces for its body, if any. A length that is repeated unchanged, as header lines or in a list, counts as
/// one (RFC 9110, 8.6).
///
/// # Errors
/// The length is not a number, or there are two different ones.
pub fn content_length(headers: &HeaderMap) -> Result<Option<u64>, HeadError> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for said in value.as_bytes().split(|byte| *byte == b',') {
            let said = parse(said.trim_ascii()).ok_or(INVALID)?;
            if *length.get_or_insert(said) != said {
                return Err(INVALID);
            }
        }
    }
    Ok(length)
}

/// Whether a response with this status has no body, whatever its headers say (RFC 9112, 6.3). Responses to HEAD requests have none either.
pub fn is_bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The length of a response's body according to its head: none for a status without a body, and unknown if a `Transfer-Encoding` overrides it.
///
/// # Errors
/// See [`content_length`].
pub fn body_length(status: StatusCode, headers: &HeaderMap) -> Result<Option<u64>, HeadError> {
    if is_bodiless(status) {
        Ok(Some(0))
    } else if headers.contains_key(TRANSFER_ENCODING) {
        Ok(None)
    } else {
        content_length(headers)
    }
}

/// Digits only: the standard library's parser also takes a plus sign.
fn parse(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, digit: &u8| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

/// Replaces a repeated length by a single one, so that later hops need not choose.
pub(super) fn settle(headers: &mut HeaderMap) -> Result<(), HeadError> {
    let Some(length) = content_length(headers)? else { return Ok(()) };
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let first = values.next().is_some_and(|value| value.as_bytes().contains(&b','));
    if first || values.next().is_some() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(())
}

/// The remaining length of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyLength {
    left: Option<u64>,
}

impl BodyLength {
    /// `None` if the head does not announce a length.
    pub(crate) fn new(length: Option<u64>) -> Self {
        Self { left: length }
    }

    /// Passes on what has been read of the body, or an error if its length does not match.
    pub(crate) fn check(&mut self, read: Option<Result<Chunk, Lost>>) -> Option<Result<Chunk, Lost>> {
        match read {
            Some(Ok(chunk)) => Some(self.take(chunk.bytes.len()).map(|()| chunk)),
            Some(Err(lost)) => Some(Err(lost)),
            None => self.end().err().map(Err),
        }
    }

    /// Counts bytes that have arrived.
    ///
    /// # Errors
    /// There are more than announced.
    fn take(&mut self, bytes: usize) -> Result<(), Lost> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(bytes as u64).ok_or_else(|| broken("longer than its head says"))?;
        }
        Ok(())
    }

    /// The body has ended.
    ///
    /// # Errors
    /// There are fewer bytes than announced.
    fn end(self) -> Result<(), Lost> {
        if self.is_over() { Ok(()) } else { Err(broken("shorter than its head says")) }
    }

    /// Whether the body may end here.
    pub(crate) fn is_over(self) -> bool {
        self.left.is_none_or(|left| left == 0)
    }

    /// Remaining bytes, if known.
    pub(crate) fn left(self) -> Option<u64> {
        self.left
    }
}

fn broken(how: &str) -> Lost {
    Lost::Reset(Code::Protocol, format!("the body is {how}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (CONTENT_LENGTH, value.parse().unwrap())).collect()
    }

    #[test]
    fn one_valid_length_or_an_error() {
        let check = |values: &[&str], expect| assert_eq!(content_length(&with(values)), expect, "{values:?}");
        check(&[], Ok(None));
        check(&["0"], Ok(Some(0)));
        check(&["60"], Ok(Some(60)));
        check(&["60", "60"], Ok(Some(60)));
        check(&["60, 60"], Ok(Some(60)));
        check(&["18446744073709551615"], Ok(Some(u64::MAX)));
        for nonsense in
            ["", " ", "+2", "-2", "2.0", "0x2", "abc", "2 2", "2,", ",2", "2, 60", "99999999999999999999999"]
        {
            check(&[nonsense], Err(INVALID));
        }
        check(&["2", "60"], Err(INVALID));
        check(&["2", "x"], Err(INVALID));
    }

    #[test]
    fn a_repeated_length_is_settled_as_one() {
        for repeated in [&["7", "7"][..], &["7,7"]] {
            let mut headers = with(repeated);
            settle(&mut headers).unwrap();
            assert_eq!(headers, with(&["7"]));
        }
    }

    #[test]
    fn a_body_keeps_to_its_length() {
        let mut body = BodyLength::new(Some(3));
        assert!(body.end().is_err());
        body.take(2).unwrap();
        assert_eq!(body.left(), Some(1));
        assert!(body.take(2).is_err());
        body.take(1).unwrap();
        assert_eq!(body.end(), Ok(()));
        let mut unknown = BodyLength::new(None);
        unknown.take(1_000).unwrap();
        assert_eq!(unknown.end(), Ok(()));
    }
}
