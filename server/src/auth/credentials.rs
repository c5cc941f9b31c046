//! Keys in request headers: reading, comparing and removing them.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::http::error::ApiError;

/// The header that some clients use instead of `Authorization`.
const X_API_KEY: &str = "x-api-key";

/// Reads the key from `Authorization: Bearer` (the scheme in any case) or `X-API-Key`.
///
/// # Errors
/// 401 if there is none.
pub(super) fn given_key(headers: &HeaderMap) -> Result<&[u8], ApiError> {
    let given = bearer(headers).or_else(|| headers.get(X_API_KEY).map(|value| value.as_bytes()));
    given.filter(|key| !key.is_empty()).ok_or(ApiError::Unauthorized(
        "You did not provide an API key. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
    ))
}

/// The index of the secret that equals `given`. Compares all of them in constant time, so that the time taken reveals neither their content nor
/// which one matched.
///
/// # Errors
/// 401 if none does.
pub(super) fn find<'a>(
    secrets: impl Iterator<Item = &'a SecretString>,
    given: &[u8],
) -> Result<usize, ApiError> {
    const NONE: u64 = u64::MAX;
    let mut found = NONE;
    for (index, secret) in secrets.enumerate() {
        let same: Choice = secret.expose_secret().as_bytes().ct_eq(given);
        found.conditional_assign(&(index as u64), same);
    }
    let found = usize::try_from(found).ok().filter(|_| found != NONE);
    found.ok_or(ApiError::Unauthorized("Incorrect API key provided."))
}

/// Removes everything that proves who the caller is: credentials for this server must not reach a runtime.
pub(crate) fn drop_credentials(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    headers.remove(X_API_KEY);
    headers.remove(PROXY_AUTHORIZATION);
    headers.remove(COOKIE);
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, key) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}
