//! Where the worker's configuration and the app's files are, and what the configuration says.

use std::path::{Path, PathBuf};

use llamapool_settings::fields::{self, Field, Fields};
use llamapool_settings::paths;
use llamapool_settings::{self as settings, Loaded, Mistakes, Sources};
use llamapool_worker_core::config::{Config, server_url};
use url::Url;

use crate::app_settings::SettingsStore;
use crate::keychain::{self, Keys};

/// The environment variable that names the file, as for `llamapool-worker`.
const FILE_ENV: &str = "CONFIG_FILE";

/// The one setting without a default.
const SERVER: &str = "server_url";

/// Files and folders of the app and its worker.
#[derive(Debug, Clone)]
pub struct ConfigPaths {
    file: PathBuf,
    state_dir: PathBuf,
    keys: Keys,
}

impl ConfigPaths {
    /// Uses the file named on the command line, else in the environment, else the user's own. A system service has a file of its own.
    pub fn of_process(named: Option<PathBuf>) -> Self {
        let by_env = || std::env::var_os(FILE_ENV).filter(|name| !name.is_empty()).map(PathBuf::from);
        let file = named.or_else(by_env).unwrap_or_else(|| paths::own_config_file("worker"));
        let file = std::path::absolute(&file).unwrap_or(file);
        let keys = Keys::new(keychain::SystemKeychain, SettingsStore::read(folder(&file)), &file);
        Self { file, state_dir: paths::state_dir(), keys }
    }

    /// Without a keychain.
    #[cfg(test)]
    pub(crate) fn new(file: &Path, state_dir: &Path) -> Self {
        Self::with_keychain(keychain::tests::NoKeychain, file, state_dir)
    }

    /// With this keychain.
    #[cfg(test)]
    pub(crate) fn with_keychain(
        keychain: impl keychain::Keychain + 'static,
        file: &Path,
        state_dir: &Path,
    ) -> Self {
        let keys = Keys::new(keychain, SettingsStore::read(folder(file)), file);
        Self { file: file.to_owned(), state_dir: state_dir.to_owned(), keys }
    }

    /// The worker's configuration file, which may not exist.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The folder of the configuration file.
    pub fn config_dir(&self) -> &Path {
        folder(&self.file)
    }

    /// The keys in the system keychain.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The app's own settings, in a file beside the worker's.
    pub fn app_settings(&self) -> &SettingsStore {
        self.keys.app_settings()
    }

    /// The folder for the app's state.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The folder for diagnostic reports.
    pub fn reports_dir(&self) -> PathBuf {
        self.state_dir.join("reports")
    }

    /// The state folder of a worker with this configuration.
    pub fn worker_state_dir(&self, config: &Config) -> PathBuf {
        config.control.state_dir.clone().unwrap_or_else(|| self.state_dir.clone())
    }

    /// Whether a server is given, in the file or in the environment. An invalid value or an unreadable file counts too: it is reported rather than
    /// asked for again.
    pub fn is_configured(&self) -> bool {
        let (server, file_problem) = self.server_field();
        file_problem || server.is_some_and(|server| server.is_set || server.problem.is_some())
    }

    /// The configured server.
    pub fn server(&self) -> Option<Url> {
        server_url(&self.server_field().0?.value?)
    }

    /// The server setting, and whether the file cannot be read.
    fn server_field(&self) -> (Option<Field>, bool) {
        let Fields { fields, file_problem } = fields::fields::<Config>(&self.file, &environment);
        (fields.into_iter().find(|field| field.key == SERVER), file_problem.is_some())
    }

    /// Reads the configuration and adds the keys already read from the keychain.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn load(&self) -> Result<Loaded<Config>, Mistakes> {
        let sources =
            Sources { args: Vec::new(), env: Box::new(environment), default_file: Some(self.file.clone()) };
        let keys = self.keys.clone();
        settings::load_with_keychain(&sources, &move |name| keys.get(name))
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

/// The environment as settings see it, without the variable that names the file: that has been decided.
pub fn environment(name: &str) -> Option<String> {
    if name == FILE_ENV { None } else { std::env::var(name).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(yaml: &str) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("worker.yaml");
        std::fs::write(&file, yaml).unwrap();
        ConfigPaths::new(&file, dir.path()).load().unwrap().config
    }

    #[test]
    fn what_requires_a_restart() {
        let before = "client_name: a\nclient_key: k\n";
        let same = |yaml: &str| !settings::changes(&config(before), &config(yaml)).need_restart();
        assert!(same(before));
        assert!(same("# another comment\nclientname: 'a'\nclient_key: k\nlog_level: debug\n"));
        assert!(!same("client_name: b\nclient_key: k\n"));
        assert!(!same("client_name: a\nclient_key: other\n"), "secrets are compared too");
        assert!(!same("client_name: a\nclient_key: k\ncompletion_api_key: x\n"));
        assert!(!same("client_name: a\nclient_key: k\nmax_concurrency: 7\n"));
        let headers = |token: &str| config(&format!("otlp_headers: authorization={token}\n"));
        assert!(
            settings::changes(&headers("one"), &headers("other")).need_restart(),
            "headers are secrets too"
        );
    }

    #[test]
    fn a_server_makes_it_configured() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ConfigPaths::new(&dir.path().join("worker.yaml"), dir.path());
        assert!(!paths.is_configured() && paths.server().is_none());
        let is_configured = |text: &str| {
            std::fs::write(paths.file(), text).unwrap();
            paths.is_configured()
        };
        for text in ["", "# nothing\n", "client_name: desk\n", "models_withheld: a\n", "server_url:\n"] {
            assert!(!is_configured(text), "{text}");
        }
        // The first run could not write to an invalid file: its mistakes are reported instead.
        for text in ["server_url: pool\n", "serverurl: pool\n", "server_url: ftp://pool\n", "server_url: [\n"]
        {
            assert!(is_configured(text), "{text}");
        }
        assert!(is_configured("server_url: pool\n"));
        assert_eq!(paths.server().unwrap().as_str(), "ws://pool/api/workers/connect");
    }
}
