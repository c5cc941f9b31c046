//! Checks the runtime next to the worker: whether it responds, and which models it has.

use std::env::consts::OS;
use std::time::Duration;

use url::Url;

use super::local_network;
use super::notes::{Finding, Notes, failed, ok, warning};
use crate::config::Config;
use crate::runtime::{self, Prober, RuntimeInfo};

const RUNTIME: (&str, &str) = ("runtime", "LLM runtime");
const MODELS: (&str, &str) = ("models", "Models");

/// Runs both checks, in order.
pub(super) const CHECKS: [(&str, &str); 2] = [RUNTIME, MODELS];

/// The runtime is on this machine or its local network.
const LIMIT: Duration = Duration::from_secs(8);

pub(super) async fn look(notes: &mut Notes<'_>, config: &Config) {
    if config.runtime.demo {
        notes.note(RUNTIME.0, RUNTIME.1, ok("the built-in demo"));
        notes.note(MODELS.0, MODELS.1, ok("the demo model"));
        return;
    }
    let info = notes.check(RUNTIME, LIMIT, probe(config)).await;
    match info {
        Some(info) => notes.note(MODELS.0, MODELS.1, offered(config, &info)),
        None => notes.skip(MODELS.0, MODELS.1, "no runtime responded"),
    }
}

async fn probe(config: &Config) -> (Finding, Option<RuntimeInfo>) {
    let runtime = &config.runtime;
    let connect = runtime.connect_timeout.min(LIMIT);
    let prober = Prober::new(runtime.base_url.clone(), runtime.api_key.clone(), runtime.kind, connect);
    let mut prober = prober.with_ca(config.server.ca_file.clone());
    match prober.probe().await {
        Ok(info) => {
            let at = prober.base().map(|base| format!(" at {base}")).unwrap_or_default();
            let version = info.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            (ok(format!("{}{version}{at}", info.kind.title())), Some(info))
        }
        Err(unready) => {
            let fix = match &runtime.base_url {
                Some(url) if is_forbidden(url, &unready.reason) => local_network::FIX,
                Some(_) => "Start it, or correct completion_base_url.",
                None => "Start Ollama, LM Studio, llama.cpp or vLLM, or set completion_base_url.",
            };
            (failed(unready.reason, fix), None)
        }
    }
}

fn is_forbidden(url: &Url, why: &str) -> bool {
    url.host_str().is_some_and(|host| local_network::is_forbidden(OS, host, why))
}

fn offered(config: &Config, info: &RuntimeInfo) -> Finding {
    let mut models = info.models.clone();
    runtime::mark(&mut models, &config.runtime.withheld, config.runtime.offer_remote_models);
    let remote = models.iter().filter(|model| model.withheld && model.remote).count();
    let offered = models.iter().filter(|model| !model.withheld);
    let names: Vec<_> = offered.map(|model| model.name.as_str()).collect();
    let (all, some) = (info.models.len(), names.len());
    match (all, some) {
        (0, _) => {
            warning("the runtime has no models", "Install a model, for example with `ollama pull llama3.2`.")
        }
        (_, 0) if remote == 0 => warning(format!("all {all} are hidden"), "Shorten models_withheld."),
        (_, 0) => warning(
            format!("all {all} are hidden or remote"),
            "Shorten models_withheld, or offer remote models too: offer_remote_models.",
        ),
        _ if all == some => ok(format!("{some}: {}", some_of(&names))),
        _ => ok(format!("{some} of {all} are offered: {}", some_of(&names))),
    }
}

/// A list short enough to read.
fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown}, and {} more", names.len() - SHOWN) } else { shown }
}
