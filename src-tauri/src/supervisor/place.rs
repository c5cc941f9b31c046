//! Where the worker's configuration is, and what it says.

use std::path::{Path, PathBuf};

use llamapool_worker_core::config::{Config, server_url};
use llamapool_worker_core::paths;
use llamapool_worker_core::settings::fields::{self, Field, Fields};
use llamapool_worker_core::settings::{self, Loaded, Mistakes, Sources};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::keychain::{self, Keys};
use crate::own::Kept;

/// The variable that names the file, as for `llamapool-worker`.
const FILE_ENV: &str = "CONFIG_FILE";

/// The setting without which nobody can know where to connect.
const SERVER: &str = "server_url";

/// Where things are.
#[derive(Debug, Clone)]
pub struct Place {
    file: PathBuf,
    state_dir: PathBuf,
    keys: Keys,
}

impl Place {
    /// The file that was named on the command line, else by the environment, else its user's own: that of a service of the system is the service's.
    pub fn of_process(named: Option<PathBuf>) -> Self {
        let by_env = || std::env::var_os(FILE_ENV).filter(|name| !name.is_empty()).map(PathBuf::from);
        let file = named.or_else(by_env).unwrap_or_else(|| paths::own_config_file("worker"));
        let file = std::path::absolute(&file).unwrap_or(file);
        let keys = Keys::new(keychain::System, Kept::read(folder(&file)), &file);
        Self { file, state_dir: paths::state_dir(), keys }
    }

    /// These.
    #[cfg(test)]
    pub(crate) fn new(file: &Path, state_dir: &Path) -> Self {
        Self::with_vault(keychain::tests::Nowhere, file, state_dir)
    }

    /// These, with this keychain.
    #[cfg(test)]
    pub(crate) fn with_vault(vault: impl keychain::Vault + 'static, file: &Path, state_dir: &Path) -> Self {
        let keys = Keys::new(vault, Kept::read(folder(file)), file);
        Self { file: file.to_owned(), state_dir: state_dir.to_owned(), keys }
    }

    /// The worker's configuration file, which need not be there.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The folder it is in.
    pub fn home(&self) -> &Path {
        folder(&self.file)
    }

    /// The keys that are in the system's keychain.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The app's own preferences, which are beside it.
    pub fn own(&self) -> &Kept {
        self.keys.own()
    }

    /// The folder for what the app remembers.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The folder in which a worker with this configuration keeps what it remembers.
    pub(super) fn state_of(&self, config: &Config) -> PathBuf {
        config.control.state_dir.clone().unwrap_or_else(|| self.state_dir.clone())
    }

    /// Whether anybody has said which server to work for, in the file or in the environment. What was said in a way that cannot be read counts too: it
    /// is told of, rather than asked for again.
    pub fn is_configured(&self) -> bool {
        let (server, file_problem) = self.server_field();
        file_problem || server.is_some_and(|server| server.is_set || server.problem.is_some())
    }

    /// The server that is given, if one is.
    pub fn server(&self) -> Option<Url> {
        server_url(&self.server_field().0?.value?)
    }

    /// What is known of it, and whether the file cannot be read.
    fn server_field(&self) -> (Option<Field>, bool) {
        let Fields { fields, file_problem } = fields::fields::<Config>(&self.file, &environment);
        (fields.into_iter().find(|field| field.key == SERVER), file_problem.is_some())
    }

    /// Reads the configuration, with the keys that the keychain has told.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self) -> Result<Loaded<Config>, Mistakes> {
        let sources =
            Sources { args: Vec::new(), env: Box::new(environment), default_file: Some(self.file.clone()) };
        let mut loaded = settings::load(&sources)?;
        self.keys.fill(&mut loaded.config);
        Ok(loaded)
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

/// The environment as settings see it: which file it is has been decided.
pub fn environment(name: &str) -> Option<String> {
    if name == FILE_ENV { None } else { std::env::var(name).ok() }
}

/// Whether a worker that runs with one of these needs not be started again for the other.
pub(super) fn is_same_but_for_the_level(one: &Config, other: &Config) -> bool {
    let essence = |config: &Config| {
        let mut config = config.clone();
        config.log.level.clear();
        // Its debug form has every field, but for the secrets, which it hides.
        let secrets = [&config.server.client_key, &config.runtime.api_key];
        let secrets = secrets.map(|secret| secret.as_ref().map(plain));
        (format!("{config:?}"), secrets)
    };
    essence(one) == essence(other)
}

fn plain(secret: &SecretString) -> String {
    secret.expose_secret().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(yaml: &str) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("worker.yaml");
        std::fs::write(&file, yaml).unwrap();
        Place::new(&file, dir.path()).load().unwrap().config
    }

    #[test]
    fn what_makes_a_worker_start_again() {
        let before = "client_name: a\nclient_key: k\n";
        let same = |yaml: &str| is_same_but_for_the_level(&config(before), &config(yaml));
        assert!(same(before));
        assert!(same("# said differently\nclientname: 'a'\nclient_key: k\nlog_level: debug\n"));
        assert!(!same("client_name: b\nclient_key: k\n"));
        assert!(!same("client_name: a\nclient_key: other\n"), "a secret counts although it is not shown");
        assert!(!same("client_name: a\nclient_key: k\ncompletion_api_key: x\n"));
        assert!(!same("client_name: a\nclient_key: k\nmax_concurrency: 7\n"));
    }

    #[test]
    fn who_names_a_server_has_configured_it() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(&dir.path().join("worker.yaml"), dir.path());
        assert!(!place.is_configured() && place.server().is_none());
        let is_configured = |text: &str| {
            std::fs::write(place.file(), text).unwrap();
            place.is_configured()
        };
        for text in ["", "# nothing\n", "client_name: desk\n", "models_withheld: a\n", "server_url:\n"] {
            assert!(!is_configured(text), "{text}");
        }
        // What is wrong is told of: the first run could not write into such a file.
        for text in ["server_url: pool\n", "serverurl: pool\n", "server_url: ftp://pool\n", "server_url: [\n"]
        {
            assert!(is_configured(text), "{text}");
        }
        assert!(is_configured("server_url: pool\n"));
        assert_eq!(place.server().unwrap().as_str(), "ws://pool/api/workers/connect");
    }
}
