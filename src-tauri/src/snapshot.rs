//! From the facts to what is shown: one pure function, so that the menu, the icon, the notifications and every window say the same.

use std::time::{SystemTime, UNIX_EPOCH};

use llamapool_worker_core::config::Config;
use llamapool_worker_core::runtime::Model;
use tokio::time::Instant;
use url::Url;

use crate::ipc::{
    Action, Crash, Mode, ModelView, Phase, RuntimeView, ServerView, Snapshot, Trouble, UpdateView, WorkerView,
};
use crate::phase;
use crate::serve::Reason;
use crate::supervisor::{Facts, Runtime, Seen, Stage};

/// The path below a server where clients find the OpenAI API.
const API_PATH: &str = "/api/v1";

/// The path below a server where people find its dashboard.
const DASHBOARD_PATH: &str = "/state";

/// What is shown when these are the facts.
pub fn snapshot(facts: &Facts, update: UpdateView, now: Instant) -> Snapshot {
    let phase = phase::phase(facts);
    let countdown = phase::countdown(facts, now);
    let config = facts.config.as_ref().map(|loaded| &loaded.config);
    let models = models(facts.seen.as_ref());
    let offered = models.iter().filter(|model| model.offered).count();
    let seen = facts.seen.as_ref();
    let is_running = facts.stage == Stage::Running;
    Snapshot {
        phase,
        headline: phase::headline(facts, phase, countdown, offered),
        mode: seen.map_or(Mode::Embedded, |seen| seen.mode),
        worker: worker(seen, config),
        server: server(seen, config, is_running),
        reconnect_in_s: countdown,
        running: seen.filter(|_| is_running).map_or(0, |seen| seen.running),
        max_concurrency: seen.map_or(0, |seen| seen.max_concurrency),
        runtime: runtime(seen.filter(|_| is_running), config),
        models,
        live: seen.filter(|_| is_running).map(|seen| seen.activity.live.clone()).unwrap_or_default(),
        today: seen.map(|seen| seen.activity.today).unwrap_or_default(),
        trouble: trouble(facts, phase),
        paused_until: paused_until(facts).map(unix_ms),
        paused_by: facts.rule.as_ref().filter(|_| facts.pause.is_none()).map(Reason::view),
        crash: crash(facts),
        update,
    }
}

/// A pause was somebody's wish of this moment, so it comes before the rules.
fn paused_until(facts: &Facts) -> Option<SystemTime> {
    match facts.pause {
        Some(pause) => pause.until,
        None => facts.rule.as_ref()?.until(),
    }
}

fn worker(seen: Option<&Seen>, config: Option<&Config>) -> WorkerView {
    match (seen, config) {
        (Some(seen), _) => {
            WorkerView { name: seen.name.clone(), id: seen.id.clone(), version: seen.version.clone() }
        }
        (None, Some(config)) => WorkerView { name: config.identity.name.clone(), ..WorkerView::default() },
        (None, None) => WorkerView::default(),
    }
}

fn server(seen: Option<&Seen>, config: Option<&Config>, is_running: bool) -> ServerView {
    let url =
        seen.map(|seen| seen.server.clone()).or_else(|| config.map(|config| config.server.url.to_string()));
    let Some(url) = url else {
        return ServerView::default();
    };
    let latency = seen.filter(|_| is_running).and_then(|seen| seen.latency);
    ServerView {
        latency_ms: latency.map(|latency| latency.as_millis() as u64),
        dashboard_url: below(&url, DASHBOARD_PATH),
        endpoint_url: below(&url, API_PATH),
        url,
    }
}

/// An address of the server that workers reach at `url`.
pub fn below(url: &str, path: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let scheme = match url.scheme() {
        "wss" | "https" => "https",
        _ => "http",
    };
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    // What stands before the path of the tunnel is where a proxy has put the whole server.
    let prefix = url.path().strip_suffix("/api/workers/connect").unwrap_or_default();
    Some(format!("{scheme}://{host}{port}{prefix}{path}"))
}

/// The address of the OpenAI API of the server that workers reach at `url`.
pub fn endpoint(url: &str) -> Option<String> {
    below(url, API_PATH)
}

fn runtime(seen: Option<&Seen>, config: Option<&Config>) -> RuntimeView {
    let url = config.and_then(|config| config.runtime.base_url.as_ref()).map(Url::to_string);
    let Some(seen) = seen else {
        return RuntimeView { url, ..RuntimeView::default() };
    };
    let (ready, why) = match &seen.runtime {
        Runtime::Ready => (true, None),
        Runtime::Unknown => (false, None),
        Runtime::Away(why, _) => (false, Some(why.clone())),
    };
    let (kind, version) = (seen.runtime_kind.clone(), seen.runtime_version.clone());
    RuntimeView { kind, version, ready, why, url }
}

fn models(seen: Option<&Seen>) -> Vec<ModelView> {
    let view = |model: &Model| ModelView {
        name: model.name.clone(),
        offered: !model.withheld,
        loaded: model.loaded,
        size_bytes: model.size,
        context: model.context,
        quantization: model.quantization.clone(),
    };
    seen.map(|seen| seen.models.iter().map(view).collect()).unwrap_or_default()
}

/// The most important thing that is wrong.
fn trouble(facts: &Facts, phase: Phase) -> Option<Trouble> {
    let (what, since, fix, action) = match (&facts.stage, &facts.mistakes) {
        (Stage::Locked { is_away }, Some((why, since))) => {
            let away = "It is asked again by itself. If there is no keychain any more, save the key anew.";
            let locked = "Unlock the system's keychain, then try again; or save the key anew.";
            (why.clone(), *since, if *is_away { away } else { locked }, Action::Retry)
        }
        (_, Some((mistakes, since))) => {
            let fix = "Correct the setting; the worker follows at once.";
            (mistakes.clone(), *since, fix, Action::Preferences)
        }
        (Stage::GaveUp | Stage::Failed(_), _) => {
            let why = facts.crash.as_ref().map(|crash| crash.why.clone()).unwrap_or_default();
            (why, facts.since, "See what the log says, or start the worker again.", Action::Diagnostics)
        }
        (Stage::Foreign(addr), _) => {
            let what = format!("A worker answers at {addr} that does not take orders from this app");
            let fix = "Run the app as the user whose worker it is, or end that worker.";
            (what, facts.since, fix, Action::Retry)
        }
        (Stage::Running, _) => return worker_trouble(facts.seen.as_ref()?, phase),
        _ => return None,
    };
    Some(Trouble { what, at: unix_ms(since), fix: Some(fix.to_owned()), action: Some(action) })
}

fn worker_trouble(seen: &Seen, phase: Phase) -> Option<Trouble> {
    let told = |(what, since): (String, SystemTime), fix: &str, action| Trouble {
        what: sentence(&what),
        at: unix_ms(since),
        fix: Some(fix.to_owned()),
        action: Some(action),
    };
    match (&seen.link_trouble, &seen.runtime) {
        (Some(link), _) if phase == Phase::Refused => Some(told(
            link.clone(),
            "Check the server's address and the key in the preferences.",
            Action::Preferences,
        )),
        (Some(link), _) => {
            let fix = "The app keeps trying. The diagnostics say where the way to the server ends.";
            Some(told(link.clone(), fix, Action::Diagnostics))
        }
        (None, Runtime::Away(why, since)) => {
            let fix = "Start the LLM runtime; it is found by itself.";
            Some(told((why.clone(), *since), fix, Action::Diagnostics))
        }
        (None, _) => None,
    }
}

/// With a capital letter, as it stands alone; in a log it follows a colon.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn crash(facts: &Facts) -> Option<Crash> {
    let failure = facts.crash.as_ref()?;
    Some(Crash {
        times: failure.times,
        gave_up: facts.stage == Stage::GaveUp,
        why: failure.why.clone(),
        lines: failure.lines.clone(),
    })
}

/// Milliseconds since 1970.
pub fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
pub(crate) mod tests;
