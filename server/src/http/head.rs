//! The checks that RFC 9112 requires of a request's head, and a limit on its lines. hyper accepts more.

use axum::response::Response;
use http::header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Version};

use super::error::ApiError;

/// Most header lines of a request. Clients send about 30, and proxies add a few.
pub(crate) const MAX_LINES: usize = 100;

/// Most header lines that are read, so that a request with more than [`MAX_LINES`] gets an error that explains it. Each line costs 64 bytes of
/// memory per request, which is why the number is no higher.
pub(crate) const MAX_READ_LINES: usize = 512;

/// Checks the head of a request.
///
/// # Errors
/// 431 for too many header lines, 400 for a missing or a second `Host`, 400 and 501 for a `Transfer-Encoding` other than `chunked`.
pub(crate) fn check(request: &Request<impl Sized>) -> Result<(), ApiError> {
    let headers = request.headers();
    if headers.len() > MAX_LINES {
        return Err(ApiError::TooManyHeaders(MAX_LINES));
    }
    check_host(request.version(), headers)?;
    check_transfer_encoding(request.version(), headers)
}

/// The response to a request whose head failed the check. It ends the connection, because the start of the next request is uncertain.
pub(crate) fn refusal(error: &ApiError, headers: &HeaderMap) -> Response {
    let mut response = error.response_to(headers);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// RFC 9112, 3.2: one `Host`, and in HTTP/1.0 at most one.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get_all(HOST).iter().count() {
        1 => Ok(()),
        0 if version != Version::HTTP_11 => Ok(()),
        0 => Err(ApiError::invalid("The request has no `Host` header.")),
        _ => Err(ApiError::invalid("The request has more than one `Host` header.")),
    }
}

/// RFC 9112, 6.1 and 7: `chunked` once, as the last coding, and no other coding that this server would have to undo.
fn check_transfer_encoding(version: Version, headers: &HeaderMap) -> Result<(), ApiError> {
    if !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(());
    }
    if version != Version::HTTP_11 {
        return Err(ApiError::invalid("HTTP/1.0 has no `Transfer-Encoding`."));
    }
    let values = headers.get_all(TRANSFER_ENCODING).iter().map(HeaderValue::to_str);
    let values = values.collect::<Result<Vec<_>, _>>().map_err(|_| bad_coding())?;
    let codings = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    let codings: Vec<_> = codings.filter(|coding| !coding.is_empty()).collect();
    let is_chunked = |coding: &&str| coding.eq_ignore_ascii_case("chunked");
    match codings.split_last() {
        Some((last, before)) if is_chunked(last) => match before.iter().find(|coding| !is_chunked(coding)) {
            Some(coding) => Err(ApiError::UnknownTransferCoding((*coding).to_owned())),
            None if before.is_empty() => Ok(()),
            None => Err(bad_coding()),
        },
        _ => Err(bad_coding()),
    }
}

fn bad_coding() -> ApiError {
    ApiError::invalid("`Transfer-Encoding` must be `chunked`, once.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_what_the_standard_says() {
        let check = |version, lines: &[(&str, &str)], expect: u16| {
            let mut request = Request::builder().version(version);
            for (name, value) in lines {
                request = request.header(*name, *value);
            }
            let status = check(&request.body(()).unwrap()).err().map_or(200, |error| error.status().as_u16());
            assert_eq!(status, expect, "{version:?} {lines:?}");
        };
        let host = ("host", "a");
        let coding = |value| ("transfer-encoding", value);
        check(Version::HTTP_11, &[host], 200);
        check(Version::HTTP_11, &[], 400);
        check(Version::HTTP_11, &[host, host], 400);
        check(Version::HTTP_10, &[], 200);
        check(Version::HTTP_10, &[host, host], 400);
        check(Version::HTTP_11, &[host, coding("chunked")], 200);
        check(Version::HTTP_11, &[host, coding(" Chunked ,")], 200);
        check(Version::HTTP_11, &[host, coding("gzip, chunked")], 501);
        check(Version::HTTP_11, &[host, coding("gzip"), coding("chunked")], 501);
        check(Version::HTTP_11, &[host, coding("chunked, chunked")], 400);
        check(Version::HTTP_11, &[host, coding("chunked"), coding("chunked")], 400);
        check(Version::HTTP_11, &[host, coding("chunked, gzip")], 400);
        check(Version::HTTP_11, &[host, coding("identity")], 400);
        check(Version::HTTP_10, &[host, coding("chunked")], 400);
        let mut many: Vec<_> = (0..MAX_LINES - 1).map(|_| ("x", "y")).collect();
        many.push(host);
        check(Version::HTTP_11, &many, 200);
        many.push(("x", "y"));
        check(Version::HTTP_11, &many, 431);
    }
}
