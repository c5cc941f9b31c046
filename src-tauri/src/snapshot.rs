//! Derives from the facts what is shown: one pure function, so that menu, icon, notifications and windows agree.

use std::time::{SystemTime, UNIX_EPOCH};

use llamapool_worker_core::config::Config;
use llamapool_worker_core::runtime::Model;
use tokio::time::Instant;
use url::Url;

use crate::ipc::{
    Action, Crash, ModelView, Phase, RuntimeView, ServerView, Snapshot, Trouble, UpdateView, WorkerView,
};
use crate::serve::Reason;
use crate::supervisor::{Facts, RuntimeState, SupervisorState, WorkerSnapshot};
use crate::{server_urls, worker_state};

/// What is shown for these facts.
pub fn snapshot(facts: &Facts, update: UpdateView, now: Instant) -> Snapshot {
    let phase = worker_state::phase(facts);
    let countdown = worker_state::countdown(facts, now);
    let config = facts.config.as_ref().map(|loaded| &loaded.config);
    let models = models(facts.worker.as_ref());
    let offered = models.iter().filter(|model| model.offered).count();
    let worker = facts.worker.as_ref();
    let running = worker.filter(|_| facts.state == SupervisorState::Running);
    Snapshot {
        phase,
        headline: worker_state::headline(facts, phase, countdown, offered),
        mode: facts.mode(),
        worker: worker_view(worker, config),
        server: server_view(facts.server_url(), running),
        reconnect_in_s: countdown,
        running: running.map_or(0, |worker| worker.running),
        max_concurrency: worker.map_or(0, |worker| worker.max_concurrency),
        runtime: runtime_view(running, config),
        models,
        live: running.map(|worker| worker.activity.live.clone()).unwrap_or_default(),
        today: worker.map(|worker| worker.activity.today).unwrap_or_default(),
        trouble: problem(facts, phase),
        paused_until: paused_until(facts).map(unix_ms),
        paused_by: facts.rule.as_ref().filter(|_| facts.pause.is_none()).map(Reason::view),
        crash: crash(facts),
        update,
    }
}

/// When sharing resumes. The user's pause takes precedence over rules.
fn paused_until(facts: &Facts) -> Option<SystemTime> {
    match facts.pause {
        Some(pause) => pause.until,
        None => facts.rule.as_ref()?.until(),
    }
}

fn worker_view(worker: Option<&WorkerSnapshot>, config: Option<&Config>) -> WorkerView {
    match (worker, config) {
        (Some(worker), _) => {
            WorkerView { name: worker.name.clone(), id: worker.id.clone(), version: worker.version.clone() }
        }
        (None, Some(config)) => WorkerView { name: config.identity.name.clone(), ..WorkerView::default() },
        (None, None) => WorkerView::default(),
    }
}

fn server_view(url: Option<String>, worker: Option<&WorkerSnapshot>) -> ServerView {
    let Some(url) = url else {
        return ServerView::default();
    };
    ServerView {
        latency_ms: worker.and_then(|worker| worker.latency).map(|latency| latency.as_millis() as u64),
        note: worker.and_then(|worker| worker.server_note.as_deref()).map(|note| sentence(note) + "."),
        dashboard_url: server_urls::dashboard(&url),
        endpoint_url: server_urls::endpoint(&url),
        url,
    }
}

fn runtime_view(worker: Option<&WorkerSnapshot>, config: Option<&Config>) -> RuntimeView {
    let url = config.and_then(|config| config.runtime.base_url.as_ref()).map(Url::to_string);
    let Some(worker) = worker else {
        return RuntimeView { url, ..RuntimeView::default() };
    };
    let (ready, why) = match &worker.runtime {
        RuntimeState::Ready => (true, None),
        RuntimeState::Unknown => (false, None),
        RuntimeState::Away(why, _) => (false, Some(why.clone())),
    };
    let (kind, version) = (worker.runtime_kind.clone(), worker.runtime_version.clone());
    RuntimeView { kind, version, ready, why, url }
}

fn models(worker: Option<&WorkerSnapshot>) -> Vec<ModelView> {
    let view = |model: &Model| ModelView {
        name: model.name.clone(),
        offered: !model.withheld,
        loaded: model.loaded,
        size_bytes: model.size,
        context: model.context,
        quantization: model.quantization.clone(),
        remote: model.remote,
    };
    worker.map(|worker| worker.models.iter().map(view).collect()).unwrap_or_default()
}

/// The most important problem.
pub fn problem(facts: &Facts, phase: Phase) -> Option<Trouble> {
    let (what, since, fix, action) = match (&facts.state, &facts.mistakes) {
        (SupervisorState::Locked { is_away }, Some((why, since))) => {
            let away =
                "llamapool retries automatically. If there is no keychain any more, save the key again.";
            let locked = "Unlock the system keychain, then try again. Or save the key again.";
            (why.clone(), *since, if *is_away { away } else { locked }, Action::Retry)
        }
        (_, Some((mistakes, since))) => {
            let fix = "Correct the setting. The change applies immediately.";
            (mistakes.clone(), *since, fix, Action::Preferences)
        }
        (SupervisorState::GaveUp | SupervisorState::Failed(_), _) => {
            let why = facts.crash.as_ref().map(|crash| crash.why.clone()).unwrap_or_default();
            (why, facts.since, "Check the log, or restart the worker.", Action::Diagnostics)
        }
        (SupervisorState::Foreign(addr), _) => {
            let what = format!("The worker at {addr} doesn’t accept commands from this app");
            let fix = "Run the app as the user who runs that worker, or stop that worker.";
            (what, facts.since, fix, Action::Retry)
        }
        (SupervisorState::Running, _) => return worker_problem(facts.worker.as_ref()?, phase),
        _ => return None,
    };
    Some(Trouble { what, at: unix_ms(since), fix: Some(fix.to_owned()), action: Some(action) })
}

fn worker_problem(worker: &WorkerSnapshot, phase: Phase) -> Option<Trouble> {
    let with_fix = |(what, since): (String, SystemTime), fix: &str, action| Trouble {
        what: sentence(&what),
        at: unix_ms(since),
        fix: Some(fix.to_owned()),
        action: Some(action),
    };
    match (&worker.connection_problem, &worker.runtime) {
        (Some(connection), _) if phase == Phase::Refused => Some(with_fix(
            connection.clone(),
            "Check the server address and the key, or get a new join link from the dashboard.",
            Action::Preferences,
        )),
        (Some(connection), _) => {
            let fix = "llamapool keeps trying. Run diagnostics to find the cause.";
            Some(with_fix(connection.clone(), fix, Action::Diagnostics))
        }
        (None, RuntimeState::Away(why, since)) => {
            let fix = "Start the LLM runtime. It is detected automatically.";
            Some(with_fix((why.clone(), *since), fix, Action::Diagnostics))
        }
        (None, _) => worker.log_problem.clone().map(|problem| {
            let fix = "Free some disk space, or choose another folder for the logs.";
            with_fix(problem, fix, Action::Diagnostics)
        }),
    }
}

/// The text with a capital first letter, to stand alone. In a log it follows a colon.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn crash(facts: &Facts) -> Option<Crash> {
    let failure = facts.crash.as_ref()?;
    Some(Crash {
        times: failure.times,
        gave_up: facts.state == SupervisorState::GaveUp,
        why: failure.why.clone(),
        lines: failure.lines.clone(),
    })
}

/// Unix time in milliseconds.
pub fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
pub(crate) mod tests;
