//! The first run: trying a server, finding runtimes, writing the settings, and a request that goes all the way round.

mod test_request;

use std::time::Instant;

use llamapool_worker_core::dial::{self, DialError, Dialed};
use llamapool_worker_core::join::{Join, NoInvitation, keeps_key};
use llamapool_worker_core::runtime;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::desk::Desk;
use crate::ipc::{FoundRuntime, Notify, Problem, ServerTrial, Setup, SetupNow, Trial};
use crate::supervisor::{Order, Place};
use crate::{actions, autostart, join, settings, snapshot};

pub use test_request::test_request;

/// How this machine is set up already.
pub fn setup_now(desk: &Desk) -> SetupNow {
    let given = |name: &str| settings::value(&desk.place, name);
    SetupNow {
        configured: desk.place.is_configured(),
        runtime_url: given("completion_base_url"),
        name: given("client_name"),
        start_at_login: autostart::is_on(),
        notifications: desk.own.get().notify != Notify::SILENT,
    }
}

/// Connects to a server as the worker would, and leaves again before it is introduced.
///
/// # Errors
/// What stands in the way.
pub async fn try_server(desk: &Desk, trial: Trial) -> Result<ServerTrial, Problem> {
    let url = complete(&trial.server_url)?;
    let key = key(desk, &url, trial.key, trial.use_link_key).or_else(|| key_now(&desk.place, &url));
    let config = desk.supervisor.facts().borrow().config.clone();
    let options = dial::Options::new(config.and_then(|loaded| loaded.config.server.ca_file.clone()));
    let begun = Instant::now();
    let Dialed { socket, server_version, .. } =
        dial::dial(&url, key.as_ref(), &options).await.map_err(|error| not_dialed(&error, key.is_some()))?;
    drop(socket);
    Ok(ServerTrial {
        server_version: server_version.unwrap_or_else(|| "unknown".to_owned()),
        latency_ms: begun.elapsed().as_millis() as u64,
        endpoint_url: snapshot::endpoint(url.as_str()).unwrap_or_default(),
    })
}

/// The address as settings understand it: people leave out the scheme and the path.
fn complete(server_url: &str) -> Result<Url, Problem> {
    let wanted = "An address is wanted, such as wss://pool.example";
    Join::read(server_url).map(|join| join.server).map_err(|error| match error {
        NoInvitation::Path | NoInvitation::Server => join::not_read(error),
        _ => Problem::new("This is no address of a server").because(wanted).about("server_url"),
    })
}

/// The key that was given for this server, by hand or by a link.
fn key(desk: &Desk, server: &Url, typed: Option<String>, use_link_key: bool) -> Option<SecretString> {
    let typed = typed.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).map(SecretString::from);
    if use_link_key { desk.link.key_for(server).or(typed) } else { typed }
}

/// The key that is in use already, if it is for this server.
fn key_now(place: &Place, server: &Url) -> Option<SecretString> {
    let loaded = place.load().ok().filter(|_| keeps_key(place.server().as_ref(), server))?;
    loaded.config.server.client_key
}

/// The reason without the names of settings: who sees it may have no terminal.
fn not_dialed(error: &DialError, with_key: bool) -> Problem {
    let check = "Check the address: it is in the join link of the server's dashboard.";
    let told =
        |what: &str, why: &str, fix: &str| Problem::new(what).because(snapshot::sentence(why)).fixed_by(fix);
    match error {
        DialError::Unauthorized { .. } if with_key => {
            Problem::new("The server does not take this worker key")
                .fixed_by("Copy the key again, or the whole join link: both are in the server's dashboard.")
                .about("key")
        }
        DialError::Unauthorized { .. } => Problem::new("The server wants a worker key")
            .fixed_by("Paste the join link of the server's dashboard: the key is in it.")
            .about("key"),
        DialError::Refused { status, message, .. } => {
            told(&format!("The server answers HTTP {status}"), message, "Ask whoever runs the server.")
        }
        DialError::NotLlamapool(why) => told("No llamapool server answers there", why, check),
        DialError::Unreachable(why) => {
            let fix = "Check the address, that the server runs, and that this machine is online.";
            told("The server cannot be reached", why, fix)
        }
        DialError::Tls(why) => told("There is no secure connection to the server", why, check),
        DialError::Proxy(why) => {
            let fix = "Check the proxy that this machine's system or environment names.";
            told("The proxy does not let this machine through", why, fix)
        }
        DialError::Settings(_) => Problem::new("The address or the key cannot be used").fixed_by(check),
    }
}

/// The runtimes of this machine, and which of their models are kept from the pool as it is.
pub async fn find_runtimes(place: &Place) -> Vec<FoundRuntime> {
    let withheld = place.load().map(|loaded| loaded.config.runtime.withheld).unwrap_or_default();
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

/// Writes down what was changed in the first run, and starts the worker with it. Without a server only the app's own part is kept.
///
/// # Errors
/// What cannot be written, or does not fit.
pub async fn finish(desk: &Desk, setup: Setup) -> Result<(), Problem> {
    if !setup.server_url.trim().is_empty() {
        let server = complete(&setup.server_url)?;
        let key = key(desk, &server, setup.key.clone(), setup.use_link_key);
        settings::change_with_keys(desk, &changes(&desk.place, &server, key.as_ref(), &setup)?).await?;
    }
    desk.own.change(|own| {
        own.first_run_done = true;
        if let Some(on) = setup.notifications {
            own.notify = if on { Notify::default() } else { Notify::SILENT };
        }
    })?;
    if let Some(on) = setup.start_at_login {
        desk.start_at_login(on)?;
    }
    desk.supervisor.order(Order::Reload).await;
    Ok(())
}

/// The settings that become others.
fn changes(
    place: &Place,
    server: &Url,
    key: Option<&SecretString>,
    setup: &Setup,
) -> Result<Vec<(String, Option<String>)>, Problem> {
    let before = place.server();
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
    if let Some(list) = withheld(place, setup)? {
        set(actions::WITHHELD, Some(list));
    }
    Ok(changes)
}

/// The models withheld, if they become others.
fn withheld(place: &Place, setup: &Setup) -> Result<Option<String>, Problem> {
    let now = place.load().map(|loaded| loaded.config.runtime.withheld).unwrap_or_default();
    let mut list = None;
    for (model, offered) in setup.switched.iter().filter(|(model, offered)| now.covers(model) == **offered) {
        let before = list.or_else(|| settings::value(place, actions::WITHHELD)).unwrap_or_default();
        list = Some(actions::offered(&before, model, *offered)?);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed_as_in_the_settings() {
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

    /// A machine with these settings, and what it has after the first run with this setup.
    fn after(yaml: &str, server: &str, key: Option<&str>, setup: &Setup) -> String {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join("worker.yaml"), folder.path());
        std::fs::write(place.file(), yaml).unwrap();
        let key = key.map(SecretString::from);
        let changes = changes(&place, &complete(server).unwrap(), key.as_ref(), setup).unwrap();
        settings::write(&place, &changes).unwrap();
        std::fs::read_to_string(place.file()).unwrap()
    }

    const BEFORE: &str = "# mine\nserver_url: wss://a\nclient_key: old\nclient_name: desk\n\
                          models_withheld: [x, y*]\ncompletion_base_url: http://h/v1\n";

    #[test]
    fn a_key_is_seen_by_no_other_server() {
        let nothing = Setup::default();
        let elsewhere = after(BEFORE, "wss://b", None, &nothing);
        assert!(elsewhere.contains("wss://b/") && !elsewhere.contains("old"), "{elsewhere}");
        assert!(!after("client_key: old\n", "wss://b", None, &nothing).contains("old"));
        assert!(!after(BEFORE, "ws://a", None, &nothing).contains("old"), "nor by whoever listens");
        assert!(after(BEFORE, "wss://b", Some("new"), &nothing).contains("client_key: new"));
        assert!(after(BEFORE, "wss://a", Some("new"), &nothing).contains("client_key: new"));
    }

    #[test]
    fn what_was_not_changed_stays() {
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
    fn a_model_that_a_pattern_withholds_is_not_switched_on_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join("worker.yaml"), folder.path());
        std::fs::write(place.file(), BEFORE).unwrap();
        let setup = Setup { switched: [("yes".to_owned(), true)].into(), ..Setup::default() };
        let problem = changes(&place, &complete("wss://a").unwrap(), None, &setup).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("models_withheld"));
    }

    #[test]
    fn reasons_speak_to_people() {
        let unauthorized =
            || DialError::Unauthorized { status: 401, message: "Incorrect API key provided.".to_owned() };
        let all = [
            not_dialed(&unauthorized(), true),
            not_dialed(&unauthorized(), false),
            not_dialed(&DialError::Unreachable("timeout".to_owned()), true),
            not_dialed(&DialError::NotLlamapool("HTTP 404: nothing".to_owned()), true),
            not_dialed(&DialError::Settings("SERVER_URL names no host".to_owned()), true),
            not_dialed(&DialError::Proxy("407".to_owned()), true),
            complete("https://h/join").unwrap_err(),
            join::read("llamapool://leave").unwrap_err(),
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
