//! The first run: trying a server, finding runtimes, writing the settings, and a request that goes all the way round.

mod test_request;

use std::time::Instant;

use llamapool_worker_core::config::Config;
use llamapool_worker_core::dial::{self, DialError, Dialed};
use llamapool_worker_core::runtime;
use llamapool_worker_core::settings::{self as core_settings, Sources};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::desk::Desk;
use crate::ipc::{FoundRuntime, Notify, Problem, ServerTrial, Setup, Trial};
use crate::supervisor::Order;
use crate::{settings, snapshot};

pub use test_request::test_request;

/// Connects to a server as the worker would, and leaves again before it is introduced.
///
/// # Errors
/// What stands in the way.
pub async fn try_server(desk: &Desk, trial: Trial) -> Result<ServerTrial, Problem> {
    let url = complete(&trial.server_url)?;
    let key = key(desk, trial.key, trial.use_link_key);
    let config = desk.supervisor.facts().borrow().config.clone();
    let options = dial::Options::new(config.and_then(|loaded| loaded.config.server.ca_file.clone()));
    let begun = Instant::now();
    let Dialed { socket, server_version, .. } =
        dial::dial(&url, key.as_ref(), &options).await.map_err(|error| not_dialed(&error))?;
    drop(socket);
    Ok(ServerTrial {
        server_version: server_version.unwrap_or_else(|| "unknown".to_owned()),
        latency_ms: begun.elapsed().as_millis() as u64,
        endpoint_url: snapshot::endpoint(url.as_str()).unwrap_or_default(),
    })
}

/// The address as settings understand it: people leave out the scheme and the path.
fn complete(server_url: &str) -> Result<Url, Problem> {
    let given = server_url.trim().to_owned();
    let wrong = |why: Option<String>| {
        let problem = Problem::new("This is no address of a server").about("server_url");
        problem.because(why.unwrap_or_else(|| "An address is wanted, such as wss://pool.example".to_owned()))
    };
    if given.is_empty() {
        return Err(wrong(None));
    }
    let why = settings::check("server_url", &given);
    let env = Box::new(move |name: &str| (name == "SERVER_URL").then(|| given.clone()));
    let loaded = core_settings::load::<Config>(&Sources { args: Vec::new(), env, default_file: None });
    loaded.map(|loaded| loaded.config.server.url).map_err(|_| wrong(why))
}

fn key(desk: &Desk, typed: Option<String>, use_link_key: bool) -> Option<SecretString> {
    let typed = typed.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).map(SecretString::from);
    if use_link_key { desk.link.key().or(typed) } else { typed }
}

fn not_dialed(error: &DialError) -> Problem {
    let problem = Problem::new(error.to_string());
    if error.is_refusal() {
        problem
            .fixed_by("Check the address and the key: both are in the join link of the server's dashboard.")
    } else {
        problem.fixed_by("Check that the server runs and that this machine is online.")
    }
}

/// The runtimes of this machine.
pub async fn find_runtimes() -> Vec<FoundRuntime> {
    let found = runtime::discover().await.into_iter();
    found
        .map(|found| FoundRuntime {
            kind: found.kind.to_string(),
            title: found.kind.title().to_owned(),
            url: found.url.to_string(),
            version: found.version,
            models: found.models.into_iter().map(|model| model.name).collect(),
            problem: found.problem,
        })
        .collect()
}

/// Writes down what the first run has found out, and starts the worker with it. Without a server only the app's own part is kept.
///
/// # Errors
/// What cannot be written, or does not fit.
pub async fn finish(desk: &Desk, setup: Setup) -> Result<(), Problem> {
    if !setup.server_url.trim().is_empty() {
        settings::change_with_keys(desk, &changes(desk, &setup)?).await?;
    }
    desk.own.change(|own| {
        own.first_run_done = true;
        own.notify = if setup.notifications { Notify::default() } else { Notify::SILENT };
    })?;
    desk.start_at_login(setup.start_at_login)?;
    desk.supervisor.order(Order::Reload).await;
    Ok(())
}

fn changes(desk: &Desk, setup: &Setup) -> Result<Vec<(String, Option<String>)>, Problem> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let withheld = Some(setup.withheld_models.join(","));
    let mut changes = vec![
        ("server_url".to_owned(), Some(complete(&setup.server_url)?.to_string())),
        ("completion_base_url".to_owned(), given(&setup.runtime_url)),
        ("client_name".to_owned(), given(&setup.name)),
        ("models_withheld".to_owned(), given(&withheld)),
    ];
    if let Some(key) = key(desk, setup.key.clone(), setup.use_link_key) {
        changes.push(("client_key".to_owned(), Some(key.expose_secret().to_owned())));
    }
    Ok(changes)
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
        for wrong in ["", " ", "ftp://pool", "wss://me:hush@pool"] {
            let problem = complete(wrong).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("server_url"));
        }
    }
}
