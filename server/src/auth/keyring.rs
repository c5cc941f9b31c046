//! Who is calling. Keys are compared in constant time, all of them each time, so that the time it takes tells nothing of what is in them.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::http::error::ApiError;

/// Where some clients put their key instead of `Authorization`.
const X_API_KEY: &str = "x-api-key";

/// Bytes of a key's hash that name it in logs: enough to tell keys apart, and no help in finding one.
const NAME: usize = 4;

/// Keys of one kind; none at all means that everybody is let in.
#[derive(Debug, Default)]
pub struct Keyring(Vec<Key>);

#[derive(Debug)]
struct Key {
    secret: SecretString,
    name: Arc<str>,
}

/// Somebody who may use the API. Made by [`Keyring::admit`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the key that was used, which is the beginning of its SHA-256 in hexadecimal; `None` where no key is asked for.
    pub key: Option<Arc<str>>,
}

impl Key {
    fn new(secret: SecretString) -> Self {
        let hash = Sha256::digest(secret.expose_secret().as_bytes());
        let name = hash[..NAME].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { secret, name: name.into() }
    }
}

impl Keyring {
    /// The keys of the configuration.
    pub fn new(keys: Vec<SecretString>) -> Self {
        Self(keys.into_iter().map(Key::new).collect())
    }

    /// Whether no key is asked for.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks for a key in `Authorization: Bearer` (the scheme in any case) or `X-API-Key`.
    ///
    /// # Errors
    /// 401 if there is none, or if it is none of ours.
    pub fn admit(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        if self.is_open() {
            return Ok(Caller { key: None });
        }
        let given = bearer(headers).or_else(|| headers.get(X_API_KEY).map(|value| value.as_bytes()));
        let given = given.filter(|key| !key.is_empty()).ok_or(ApiError::Unauthorized(
            "You did not provide an API key. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
        ))?;
        let key = self.find(given).ok_or(ApiError::Unauthorized("Incorrect API key provided."))?;
        Ok(Caller { key: Some(key.name.clone()) })
    }

    fn find(&self, given: &[u8]) -> Option<&Key> {
        let none = u64::MAX;
        let mut found = none;
        for (at, key) in self.0.iter().enumerate() {
            let same: Choice = key.secret.expose_secret().as_bytes().ct_eq(given);
            found.conditional_assign(&(at as u64), same);
        }
        self.0.get(usize::try_from(found).ok()?)
    }
}

/// Drops what proves who the caller is: that is between the caller and us.
pub(crate) fn drop_credentials(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    headers.remove(X_API_KEY);
    headers.remove(http::header::PROXY_AUTHORIZATION);
    headers.remove(http::header::COOKIE);
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, key) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        [(http::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn every_place_and_spelling_of_a_key_is_taken() {
        let keys = Keyring::new(vec!["first".into(), "second".into()]);
        // As `printf %s KEY | sha256sum` begins.
        const NAMES: [&str; 2] = ["a7937b64", "16367aac"];
        let check = |name, value, expect: Result<usize, ()>| {
            let caller = keys.admit(&headers(name, value)).map(|caller| caller.key.unwrap().to_string());
            let expect = expect.map(|at| NAMES[at].to_owned());
            assert_eq!(caller.map_err(drop), expect, "{name}: {value}");
        };
        check("authorization", "Bearer first", Ok(0));
        check("authorization", "bearer second", Ok(1));
        check("authorization", "BEARER  second ", Ok(1));
        check("x-api-key", "second", Ok(1));
        check("authorization", "Bearer third", Err(()));
        check("authorization", "Bearer firs", Err(()));
        check("authorization", "Bearer ", Err(()));
        check("authorization", "Basic first", Err(()));
        check("authorization", "first", Err(()));
        check("x-other", "first", Err(()));
    }

    #[test]
    fn without_keys_everybody_is_let_in() {
        assert_eq!(Keyring::default().admit(&HeaderMap::new()), Ok(Caller { key: None }));
    }
}
