//! The first run: testing a server, finding runtimes, saving the settings, and a test request.

mod test_request;

use std::time::Instant;

use llamapool_tunnel::dial::{self, DialError, Dialed};
use llamapool_worker_core::invitation::{Invitation, InvitationError, keeps_key};
use llamapool_worker_core::runtime;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::app_state::AppState;
use crate::config_paths::ConfigPaths;
use crate::ipc::{FoundRuntime, Notify, Problem, ServerTrial, Setup, SetupNow, Trial};
use crate::snapshot::sentence;
use crate::{actions, autostart, join, server_urls, settings};

pub use test_request::test_request;

/// How this computer is set up so far.
pub fn setup_now(state: &AppState) -> SetupNow {
    let given = |name: &str| settings::value(&state.paths, name);
    SetupNow {
        configured: state.paths.is_configured(),
        runtime_url: given("completion_base_url"),
        name: given("client_name"),
        start_at_login: autostart::is_on(),
        notifications: state.settings.get().notify != Notify::SILENT,
    }
}

/// Connects to a server as the worker would, and disconnects before the handshake is complete.
///
/// # Errors
/// Why the connection failed.
pub async fn try_server(state: &AppState, trial: Trial) -> Result<ServerTrial, Problem> {
    let url = complete(&trial.server_url)?;
    let given = given_key(state, &url, trial.key, trial.use_link_key);
    let key = given.or_else(|| current_key(&state.paths, &url));
    let config = state.supervisor.facts().borrow().config.clone();
    let options = dial::Options::new(config.and_then(|loaded| loaded.config.server.ca_file.clone()));
    let started = Instant::now();
    let Dialed { socket, server_version, .. } =
        dial::dial(&url, key.as_ref(), &options).await.map_err(|error| not_dialed(&error, key.is_some()))?;
    drop(socket);
    Ok(ServerTrial {
        server_version: server_version.unwrap_or_else(|| "unknown".to_owned()),
        latency_ms: started.elapsed().as_millis() as u64,
        endpoint_url: server_urls::endpoint(url.as_str()).unwrap_or_default(),
    })
}

/// Completes an address without scheme or path, as the settings do.
fn complete(server_url: &str) -> Result<Url, Problem> {
    let example = "Enter an address such as wss://pool.example";
    Invitation::read(server_url).map(|join| join.server).map_err(|error| match error {
        InvitationError::Path | InvitationError::Server => join::invalid(error),
        _ => Problem::new("That doesn’t look like a server address").because(example).about("server_url"),
    })
}

/// The key given for this server, by hand or by a link.
fn given_key(
    state: &AppState,
    server: &Url,
    typed: Option<String>,
    use_link_key: bool,
) -> Option<SecretString> {
    let typed = typed.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).map(SecretString::from);
    if use_link_key { state.link.key_for(server).or(typed) } else { typed }
}

/// The key in use, if it is for this server.
fn current_key(paths: &ConfigPaths, server: &Url) -> Option<SecretString> {
    let loaded = paths.load().ok().filter(|_| keeps_key(paths.server().as_ref(), server))?;
    loaded.config.server.client_key
}

/// Describes a failed connection, without the names of settings: the user may not know them.
fn not_dialed(error: &DialError, with_key: bool) -> Problem {
    let check = "Check the address. The join link on the server’s dashboard contains it.";
    let problem = |what: &str, why: &str, fix: &str| Problem::new(what).because(sentence(why)).fixed_by(fix);
    match error {
        DialError::Unauthorized { .. } if with_key => Problem::new("That worker key isn’t valid")
            .fixed_by("Copy the key or the whole join link from the server’s dashboard again.")
            .about("key"),
        DialError::Unauthorized { .. } => Problem::new("This server requires a worker key")
            .fixed_by("Paste the join link from the server’s dashboard. It contains the key.")
            .about("key"),
        DialError::Refused { status, message, .. } => problem(
            &format!("The server responded with HTTP {status}"),
            message,
            "Ask the server’s administrator.",
        ),
        DialError::NotLlamapool(why) => problem("There is no llamapool server at this address", why, check),
        DialError::Unreachable(why) => {
            let fix = "Check the address, and that the server is running and this computer is online.";
            problem("Couldn’t reach the server", why, fix)
        }
        DialError::Tls(why) => problem("Couldn’t establish a secure connection to the server", why, check),
        DialError::Proxy(why) => {
            let fix = "Check the proxy settings of the system or the environment.";
            problem("The proxy rejected the connection", why, fix)
        }
        DialError::Settings(_) => Problem::new("That address or key isn’t valid").fixed_by(check),
    }
}

/// The runtimes on this computer, and which of their models are hidden so far.
pub async fn find_runtimes(paths: &ConfigPaths) -> Vec<FoundRuntime> {
    let withheld = paths.load().map(|loaded| loaded.config.runtime.withheld).unwrap_or_default();
    let found = runtime::discover().await.into_iter();
    found
        .map(|found| {
            let models: Vec<_> = found.models.into_iter().map(|model| model.name).collect();
            FoundRuntime {
                kind: found.kind.to_string(),
                title: found.kind.title().to_owned(),
                url: found.url.to_string(),
                version: found.version,
                withheld: models.iter().filter(|name| withheld.covers(name)).cloned().collect(),
                models,
                problem: found.problem,
            }
        })
        .collect()
}

/// Saves the choices of the first run, which starts the worker. Without a server only the app's own settings are saved.
///
/// # Errors
/// A value is invalid, or a file cannot be written.
pub async fn finish(state: &AppState, setup: Setup) -> Result<(), Problem> {
    if !setup.server_url.trim().is_empty() {
        let server = complete(&setup.server_url)?;
        let key = given_key(state, &server, setup.key.clone(), setup.use_link_key);
        let changes = changes(&state.paths, &server, key.as_ref(), &setup)?;
        settings::change_with_keys(&state.paths, &state.supervisor, &changes).await?;
    }
    state.settings.change(|settings| {
        settings.first_run_done = true;
        if let Some(on) = setup.notifications {
            settings.notify = if on { Notify::default() } else { Notify::SILENT };
        }
    })?;
    if let Some(on) = setup.start_at_login {
        state.start_at_login(on)?;
    }
    Ok(())
}

/// The changes to the settings.
fn changes(
    paths: &ConfigPaths,
    server: &Url,
    key: Option<&SecretString>,
    setup: &Setup,
) -> Result<Vec<(String, Option<String>)>, Problem> {
    let before = paths.server();
    let mut changes = Vec::new();
    let mut set = |name: &str, value: Option<String>| {
        changes.push((name.to_owned(), value.filter(|value| !value.trim().is_empty())));
    };
    if before.as_ref() != Some(server) {
        set("server_url", Some(server.to_string()));
    }
    match key {
        Some(key) => set("client_key", Some(key.expose_secret().to_owned())),
        None if keeps_key(before.as_ref(), server) => {}
        None => set("client_key", None),
    }
    for (name, value) in [("completion_base_url", &setup.runtime_url), ("client_name", &setup.name)] {
        if value.is_some() {
            set(name, value.clone());
        }
    }
    if let Some(list) = hidden_models(paths, setup)? {
        set(actions::HIDDEN_MODELS, Some(list));
    }
    Ok(changes)
}

/// The list of hidden models, if it changes.
fn hidden_models(paths: &ConfigPaths, setup: &Setup) -> Result<Option<String>, Problem> {
    let now = paths.load().map(|loaded| loaded.config.runtime.withheld).unwrap_or_default();
    let mut list = None;
    for (model, offered) in setup.switched.iter().filter(|(model, offered)| now.covers(model) == **offered) {
        let before = list.or_else(|| settings::value(paths, actions::HIDDEN_MODELS)).unwrap_or_default();
        list = Some(actions::hidden_models(&before, model, *offered)?);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        assert_eq!(complete(" pool:8080 ").unwrap().as_str(), "ws://pool:8080/api/workers/connect");
        assert_eq!(
            complete("https://pool.example").unwrap().as_str(),
            "wss://pool.example/api/workers/connect"
        );
        for wrong in ["", " ", "ftp://pool", "wss://me:hush@pool", "https://pool.example/join", "https://🦙"]
        {
            let problem = complete(wrong).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("server_url"));
            assert!(!format!("{problem:?}").contains("hush"));
        }
    }

    /// The settings file after a first run with these choices.
    fn after(yaml: &str, server: &str, key: Option<&str>, setup: &Setup) -> String {
        let folder = tempfile::tempdir().unwrap();
        let paths = ConfigPaths::new(&folder.path().join("worker.yaml"), folder.path());
        std::fs::write(paths.file(), yaml).unwrap();
        let key = key.map(SecretString::from);
        let changes = changes(&paths, &complete(server).unwrap(), key.as_ref(), setup).unwrap();
        settings::write(&paths, &changes).unwrap();
        std::fs::read_to_string(paths.file()).unwrap()
    }

    const BEFORE: &str = "# mine\nserver_url: wss://a\nclient_key: old\nclient_name: desk\n\
                          models_withheld: [x, y*]\ncompletion_base_url: http://h/v1\n";

    #[test]
    fn a_key_is_never_kept_for_another_server() {
        let nothing = Setup::default();
        let elsewhere = after(BEFORE, "wss://b", None, &nothing);
        assert!(elsewhere.contains("wss://b/") && !elsewhere.contains("old"), "{elsewhere}");
        assert!(!after("client_key: old\n", "wss://b", None, &nothing).contains("old"));
        assert!(
            !after(BEFORE, "ws://a", None, &nothing).contains("old"),
            "nor for an unencrypted connection"
        );
        assert!(after(BEFORE, "wss://b", Some("new"), &nothing).contains("client_key: new"));
        assert!(after(BEFORE, "wss://a", Some("new"), &nothing).contains("client_key: new"));
    }

    #[test]
    fn unchanged_settings_stay() {
        assert_eq!(after(BEFORE, "wss://a", None, &Setup::default()), BEFORE);
        let joined = after(BEFORE, "wss://b", Some("new"), &Setup::default());
        assert_eq!(joined, BEFORE.replace("wss://a", "wss://b/api/workers/connect").replace("old", "new"));
        let setup = Setup {
            name: Some(String::new()),
            runtime_url: Some("http://other/v1".to_owned()),
            switched: [("x".to_owned(), true), ("z".to_owned(), false)].into(),
            ..Setup::default()
        };
        let changed = after(BEFORE, "wss://a", None, &setup);
        for part in ["client_key: old", "y*", "z", "http://other/v1"] {
            assert!(changed.contains(part), "{part}: {changed}");
        }
        assert!(!changed.contains("client_name") && !changed.contains("x,"), "{changed}");
    }

    #[test]
    fn a_model_hidden_by_a_pattern_cannot_be_switched_on() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ConfigPaths::new(&folder.path().join("worker.yaml"), folder.path());
        std::fs::write(paths.file(), BEFORE).unwrap();
        let setup = Setup { switched: [("yes".to_owned(), true)].into(), ..Setup::default() };
        let problem = changes(&paths, &complete("wss://a").unwrap(), None, &setup).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("models_withheld"));
    }

    #[test]
    fn reasons_name_no_settings() {
        let unauthorized =
            || DialError::Unauthorized { status: 401, message: "Incorrect API key provided.".to_owned() };
        let all = [
            not_dialed(&unauthorized(), true),
            not_dialed(&unauthorized(), false),
            not_dialed(&DialError::Unreachable("timeout".to_owned()), true),
            not_dialed(&DialError::NotLlamapool("HTTP 404: nothing".to_owned()), true),
            not_dialed(&DialError::Settings("SERVER_URL has no host".to_owned()), true),
            not_dialed(&DialError::Proxy("407".to_owned()), true),
            complete("https://h/join").unwrap_err(),
            join::parse("llamapool://leave").unwrap_err(),
        ];
        for problem in all {
            let text = format!("{problem:?}");
            assert!(
                !["SERVER_URL", "CLIENT_KEY", "API key", "_PROXY"].iter().any(|word| text.contains(word)),
                "{text}"
            );
            for part in [Some(problem.what), problem.why, problem.fix].into_iter().flatten() {
                assert!(!part.starts_with(char::is_lowercase), "{part}");
            }
        }
    }
}
