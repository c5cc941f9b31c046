//! Who is let in.

use llamapool_worker_core::{
    concern,
    settings::{Setting, kind},
};
use secrecy::SecretString;

concern! {
    /// Who is let in.
    pub struct Keys: "Keys" {
        /// Keys for those who use the API; each of them will do. Without any, the API is open.
        api: Vec<SecretString> = Setting::new("api_key", kind::secret().list()).default_words("no key is asked for");

        /// Keys for workers; each of them will do. Without any, every worker is taken.
        client: Vec<SecretString> = Setting::new("client_key", kind::secret().list()).formerly("worker_key")
            .default_words("no key is asked for");
    }
}

impl Keys {
    /// Whether users and workers both need a key.
    pub fn guard_everything(&self) -> bool {
        !self.api.is_empty() && !self.client.is_empty()
    }

    /// What is missing, in words.
    pub(super) fn missing(&self) -> &'static str {
        match (self.api.is_empty(), self.client.is_empty()) {
            (true, true) => "there are no keys",
            (true, false) => "there is no API_KEY",
            (false, _) => "there is no CLIENT_KEY",
        }
    }
}
