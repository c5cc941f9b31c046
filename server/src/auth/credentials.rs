//! Keys in request headers: reading and comparing them.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::http::error::ApiError;

/// Headers that hold a key and nothing else: that of Anthropic's and other clients, and that of Azure.
const KEY_HEADERS: [&str; 2] = ["x-api-key", "api-key"];

/// Most keys that one request may try: clients send two at most, one that a user set and one that a library adds.
const MAX_GIVEN: usize = 8;

/// The keys of a request, from all places: after `Authorization: Bearer` (the scheme in any case) or alone in `Authorization`, in
/// `X-API-Key` and in `api-key`. One valid key is enough.
///
/// # Errors
/// 401 if there is none.
fn given_keys(headers: &HeaderMap) -> Result<Vec<&[u8]>, ApiError> {
    let authorization = headers.get_all(AUTHORIZATION).iter().filter_map(|value| key_in(value.as_bytes()));
    let plain = KEY_HEADERS.iter().flat_map(|name| headers.get_all(*name)).map(|value| value.as_bytes());
    let keys: Vec<_> = authorization.chain(plain).filter(|key| !key.is_empty()).take(MAX_GIVEN).collect();
    if keys.is_empty() {
        return Err(ApiError::Unauthorized(
            "You did not provide an API key. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
        ));
    }
    Ok(keys)
}

/// The key in an `Authorization` header: what follows `Bearer`, or the whole value if there is no scheme.
fn key_in(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    match value.iter().position(u8::is_ascii_whitespace) {
        Some(end) if value[..end].eq_ignore_ascii_case(b"bearer") => Some(value[end..].trim_ascii()),
        Some(_) => None,
        None if value.eq_ignore_ascii_case(b"bearer") => None,
        None => Some(value),
    }
}

/// The index of the secret that one of the request's keys equals.
///
/// # Errors
/// 401 if there is no key, or only wrong ones.
pub(super) fn identify<'a>(
    headers: &HeaderMap,
    secrets: impl Iterator<Item = &'a SecretString> + Clone,
) -> Result<usize, ApiError> {
    let found = given_keys(headers)?.into_iter().find_map(|given| find(secrets.clone(), given));
    found.ok_or(ApiError::Unauthorized("Incorrect API key provided."))
}

/// The index of the secret that equals `given`. Compares all of them in constant time, so that the time taken reveals neither their content nor
/// which one matched.
fn find<'a>(secrets: impl Iterator<Item = &'a SecretString>, given: &[u8]) -> Option<usize> {
    const NONE: u64 = u64::MAX;
    let mut found = NONE;
    for (index, secret) in secrets.enumerate() {
        let same: Choice = secret.expose_secret().as_bytes().ct_eq(given);
        found.conditional_assign(&(index as u64), same);
    }
    usize::try_from(found).ok().filter(|_| found != NONE)
}
