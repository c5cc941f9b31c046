//! The configured keys: API keys with their roles, and worker keys.

use std::sync::Arc;

use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::caller::{Caller, KeyInfo};
use super::credentials;
use super::role::{Permission, Role};
use crate::config::Keys;
use crate::http::error::ApiError;

/// Bytes of a key's hash that make its name: enough to tell keys apart, and no help in guessing one.
const NAME_BYTES: usize = 4;

/// The API keys. An empty keyring lets every request in.
#[derive(Debug, Default)]
pub struct Keyring(Vec<Key>);

#[derive(Debug)]
struct Key {
    secret: SecretString,
    info: Arc<KeyInfo>,
}

impl Key {
    fn new(secret: &SecretString, role: Role) -> Self {
        let hash = Sha256::digest(secret.expose_secret().as_bytes());
        let name = hash[..NAME_BYTES].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { secret: secret.clone(), info: Arc::new(KeyInfo { name: name.into(), role }) }
    }
}

impl Keyring {
    /// The API keys of the configuration.
    pub fn new(keys: &Keys) -> Self {
        let lists = [(&keys.api, Role::Admin), (&keys.user, Role::User), (&keys.viewer, Role::Viewer)];
        let keys = lists.into_iter().flat_map(|(list, role)| list.iter().map(move |key| Key::new(key, role)));
        Self(keys.collect())
    }

    /// Whether requests need no API key.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds out who sent a request.
    ///
    /// # Errors
    /// 401 if the key is missing or wrong.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        if self.is_open() {
            return Ok(Caller::ANONYMOUS);
        }
        let found = credentials::identify(headers, self.0.iter().map(|key| &key.secret))?;
        Ok(Caller { key: Some(self.0[found].info.clone()) })
    }

    /// Finds out who sent a request, and checks that they have a permission.
    ///
    /// # Errors
    /// 401 if the key is missing or wrong, 403 if its role is not enough.
    pub fn authorize(&self, headers: &HeaderMap, permission: Permission) -> Result<Caller, ApiError> {
        let caller = self.identify(headers)?;
        caller.require(permission)?;
        Ok(caller)
    }
}

/// The worker keys. Without any, every worker is accepted.
#[derive(Debug, Default)]
pub struct WorkerKeys(Vec<SecretString>);

impl WorkerKeys {
    /// The worker keys of the configuration.
    pub fn new(keys: &Keys) -> Self {
        Self(keys.client.clone())
    }

    /// Whether workers need no key.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a worker's key.
    ///
    /// # Errors
    /// 401 if the key is missing or wrong.
    pub fn admit(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        if !self.is_open() {
            credentials::identify(headers, self.0.iter())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        [(http::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
    }

    fn keys(api: &[&str], user: &[&str], viewer: &[&str]) -> Keys {
        let list = |keys: &[&str]| keys.iter().map(|key| (*key).into()).collect();
        Keys { api: list(api), user: list(user), viewer: list(viewer), client: list(&["worker"]) }
    }

    #[test]
    fn every_place_and_spelling_of_a_key_is_accepted() {
        let keys = Keyring::new(&keys(&["first", "second"], &[], &[]));
        // The output of `printf %s KEY | sha256sum` begins with these.
        const NAMES: [&str; 2] = ["a7937b64", "16367aac"];
        let check = |name, value, expect: Result<usize, ()>| {
            let caller =
                keys.identify(&headers(name, value)).map(|caller| caller.key_name().unwrap().to_string());
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
        check("authorization", "first", Ok(0));
        check("authorization", "firs", Err(()));
        check("authorization", "bearer", Err(()));
        check("authorization", "", Err(()));
        check("api-key", "first", Ok(0));
        check("x-other", "first", Err(()));
    }

    #[test]
    fn one_right_key_among_wrong_ones_is_enough() {
        let keys = Keyring::new(&keys(&["right"], &[], &[]));
        let check = |given: &[(&'static str, &str)], expect: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(*name, value.parse().unwrap());
            }
            assert_eq!(keys.identify(&headers).is_ok(), expect, "{given:?}");
        };
        check(&[("authorization", "Bearer wrong"), ("x-api-key", "right")], true);
        check(&[("authorization", "Bearer right"), ("api-key", "wrong")], true);
        check(&[("authorization", "Bearer wrong"), ("authorization", "Bearer right")], true);
        check(&[("authorization", "Basic eDp5"), ("api-key", "right")], true);
        check(&[("authorization", "Bearer wrong"), ("x-api-key", "")], false);
        let guesses: Vec<_> = (0..8).map(|_| ("x-api-key", "wrong")).chain([("api-key", "right")]).collect();
        check(&guesses, false);
    }

    #[test]
    fn a_key_has_the_role_of_its_list() {
        let keys = Keyring::new(&keys(&["a"], &["u1", "u2"], &["v"]));
        let role = |key| keys.identify(&headers("x-api-key", key)).map(|caller| caller.role()).map_err(drop);
        assert_eq!(
            ["a", "u1", "u2", "v"].map(role),
            [Ok(Role::Admin), Ok(Role::User), Ok(Role::User), Ok(Role::Viewer)]
        );
        assert_eq!(role("worker"), Err(()), "a worker's key is no API key");
    }

    #[test]
    fn a_role_that_is_not_enough_is_named_in_the_error() {
        let keys = Keyring::new(&keys(&[], &["u"], &[]));
        let refused = keys.authorize(&headers("x-api-key", "u"), Permission::ViewState).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (403, Some("insufficient_permissions")));
        assert_eq!(
            refused.to_string(),
            "This API key has the role `user`, but this request needs a key with the role `viewer` or `admin`."
        );
        let missing = keys.authorize(&HeaderMap::new(), Permission::ViewState).unwrap_err();
        assert_eq!(missing.status(), 401, "one key of any role closes the whole API");
    }

    #[test]
    fn without_keys_everyone_is_admitted_as_admin() {
        let caller = Keyring::default().authorize(&HeaderMap::new(), Permission::Administer).unwrap();
        assert_eq!((caller.key.clone(), caller.role()), (None, Role::Admin));
    }

    #[test]
    fn a_worker_needs_a_worker_key() {
        let keys = WorkerKeys::new(&keys(&["a"], &[], &[]));
        assert_eq!(keys.admit(&headers("authorization", "Bearer worker")), Ok(()));
        assert_eq!(keys.admit(&headers("authorization", "Bearer a")).unwrap_err().status(), 401);
        assert!(WorkerKeys::default().admit(&HeaderMap::new()).is_ok());
    }
}
