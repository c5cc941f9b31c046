//! The keys of callers and workers.

use llamapool_settings::concern;
use llamapool_settings::{Setting, kind};
use secrecy::{ExposeSecret, SecretString};

concern! {
    /// The keys of callers and workers.
    pub struct Keys: "Keys" {
        /// API keys with the role `admin`; any one of them is accepted. They use models, see the state and administer the server. Without an API key of
        /// any role, the API is open to anyone who can reach the server.
        api: Vec<SecretString> = Setting::new("api_key", kind::secret().list()).default_words("no key is required");

        /// API keys with the role `user`; any one of them is accepted. They list and use models, but do not see the state and do not administer the
        /// server.
        user: Vec<SecretString> = Setting::new("user_key", kind::secret().list()).default_words("none");

        /// API keys with the role `viewer`; any one of them is accepted. They list models and read the state and the metrics, but do not use models.
        viewer: Vec<SecretString> = Setting::new("viewer_key", kind::secret().list()).default_words("none");

        /// Worker keys; any one of them is accepted. Without any, every worker is accepted.
        client: Vec<SecretString> = Setting::new("client_key", kind::secret().list()).formerly("worker_key")
            .default_words("no key is required");
    }
}

impl Keys {
    /// Whether callers and workers both need a key.
    pub fn guard_everything(&self) -> bool {
        self.guard_api() && !self.client.is_empty()
    }

    /// Whether callers need a key, of any role.
    pub fn guard_api(&self) -> bool {
        [&self.api, &self.user, &self.viewer].iter().any(|keys| !keys.is_empty())
    }

    /// What is missing before all access requires a key, as a clause.
    pub(super) fn missing(&self) -> &'static str {
        match (self.guard_api(), self.client.is_empty()) {
            (false, true) => "there are no keys",
            (false, false) => "there is no API_KEY",
            (true, _) => "there is no CLIENT_KEY",
        }
    }

    /// A message if one key is in two lists: its role would depend on their order, or a worker could use the API.
    pub(super) fn duplicate(&self) -> Option<String> {
        let lists = [
            ("api_key", &self.api),
            ("user_key", &self.user),
            ("viewer_key", &self.viewer),
            ("client_key", &self.client),
        ];
        for (at, (name, keys)) in lists.iter().enumerate() {
            let shares =
                |(_, others): &&(&str, &Vec<SecretString>)| keys.iter().any(|key| contains(others, key));
            if let Some((other, _)) = lists[at + 1..].iter().find(shares) {
                return Some(format!(
                    "{name} and {other} have a key in common: use a different key for each purpose"
                ));
            }
        }
        None
    }
}

fn contains(keys: &[SecretString], key: &SecretString) -> bool {
    keys.iter().any(|other| other.expose_secret() == key.expose_secret())
}
