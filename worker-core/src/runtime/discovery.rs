//! Finds all runtimes on this machine, for people to choose from.

use std::time::Duration;

use futures_util::future::join_all;
use url::Url;

use super::prober::DEFAULT_PORTS;
use super::{Kind, Model, Prober};

/// A program on this machine accepts immediately or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Limit for one port: people wait for this list.
const LOOK_TIMEOUT: Duration = Duration::from_secs(6);

/// A runtime, or what may be one, on one of the default ports.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRuntime {
    /// Its kind, as far as known if it is not usable.
    pub kind: Kind,
    /// Its address, in the form of the worker's setting.
    pub url: Url,
    /// Its version, if it reports one.
    pub version: Option<String>,
    /// Its models.
    pub models: Vec<Model>,
    /// Why it cannot be used as it is: it requires a key, it is still loading, it has no models.
    pub problem: Option<String>,
}

/// Probes all default ports of runtimes at the same time. Takes some milliseconds, at worst a few seconds.
pub async fn discover() -> Vec<FoundRuntime> {
    on(&DEFAULT_PORTS).await
}

/// The runtimes on these ports. Anything that is clearly not a runtime is left out.
pub(super) async fn on(ports: &[(Kind, u16)]) -> Vec<FoundRuntime> {
    let looks = ports.iter().map(|(usual, port)| {
        let url = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a port makes a URL");
        async { tokio::time::timeout(LOOK_TIMEOUT, look(*usual, url)).await.ok().flatten() }
    });
    join_all(looks).await.into_iter().flatten().collect()
}

async fn look(usual: Kind, url: Url) -> Option<FoundRuntime> {
    let mut prober = Prober::around(CONNECT_TIMEOUT);
    match prober.probe_or_hint(url.clone()).await {
        Ok(info) => Some(FoundRuntime {
            kind: info.kind,
            url,
            version: info.version,
            models: info.models,
            problem: info.note,
        }),
        Err(unready) => {
            let problem = unready?.reason;
            Some(FoundRuntime { kind: usual, url, version: None, models: Vec::new(), problem: Some(problem) })
        }
    }
}
