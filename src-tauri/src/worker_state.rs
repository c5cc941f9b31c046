//! The worker's state as one value and as a status line: pure functions of the facts.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::ipc::Phase;
use crate::supervisor::{ConnectionState, Facts, RuntimeState, SupervisorState, WorkerSnapshot};

/// The worker's state.
pub fn phase(facts: &Facts) -> Phase {
    match &facts.state {
        SupervisorState::Unconfigured => Phase::Unconfigured,
        SupervisorState::Misconfigured
        | SupervisorState::Locked { is_away: false }
        | SupervisorState::GaveUp
        | SupervisorState::Foreign(_) => Phase::Failed,
        SupervisorState::Stopped | SupervisorState::Ended => Phase::Stopped,
        SupervisorState::Starting => Phase::Connecting,
        SupervisorState::Failed(_) | SupervisorState::Locked { is_away: true } => Phase::Waiting,
        SupervisorState::Running => match &facts.worker {
            Some(worker) => of_worker(facts, worker),
            None => Phase::Connecting,
        },
    }
}

/// What the user has requested takes precedence: a drained worker shows as drained even without a connection.
fn of_worker(facts: &Facts, worker: &WorkerSnapshot) -> Phase {
    match (worker.connection, &worker.runtime) {
        _ if worker.terminating || facts.quitting => Phase::Terminating,
        _ if facts.sleeping => Phase::Draining,
        _ if facts.pause.is_some() || facts.rule.is_some() => Phase::Paused,
        _ if worker.draining => Phase::Draining,
        (ConnectionState::Connecting, _) => Phase::Connecting,
        (ConnectionState::Waiting { refused: true, .. }, _) => Phase::Refused,
        (ConnectionState::Waiting { .. }, _) => Phase::Waiting,
        (ConnectionState::Up, RuntimeState::Away(..) | RuntimeState::Unknown) => Phase::NotReady,
        (ConnectionState::Up, RuntimeState::Ready) if worker.running > 0 => Phase::Busy,
        (ConnectionState::Up, RuntimeState::Ready) => Phase::Ready,
    }
}

/// Seconds until the next attempt to connect or to start.
pub fn countdown(facts: &Facts, now: Instant) -> Option<u64> {
    let until = match (&facts.state, &facts.worker) {
        (SupervisorState::Failed(until), _) => *until,
        (
            SupervisorState::Running,
            Some(WorkerSnapshot { connection: ConnectionState::Waiting { until, .. }, .. }),
        ) => *until,
        _ => return None,
    };
    Some(until.saturating_duration_since(now).as_secs_f64().ceil() as u64)
}

/// The status line. `countdown` is that of [`countdown`]; `shared` is the number of shared models.
pub fn headline(facts: &Facts, phase: Phase, countdown: Option<u64>, shared: usize) -> String {
    let running = facts.worker.as_ref().map_or(0, |worker| worker.running);
    match phase {
        Phase::Unconfigured => "Not set up yet".to_owned(),
        Phase::Stopped => "Stopped".to_owned(),
        Phase::Connecting => "Connecting…".to_owned(),
        Phase::Waiting if matches!(facts.state, SupervisorState::Failed(_)) => {
            in_seconds("Worker crashed – restarting", countdown)
        }
        Phase::Waiting if matches!(facts.state, SupervisorState::Locked { .. }) => {
            "Waiting for the keychain".to_owned()
        }
        Phase::Waiting => in_seconds("Reconnecting", countdown),
        Phase::Refused => in_seconds("Worker key rejected – retrying", countdown),
        Phase::NotReady => format!("{} isn’t responding", runtime_name(facts)),
        Phase::Ready => format!("Ready – {}", count(shared, "model")),
        Phase::Busy => {
            let requests = count(running as usize, "request");
            format!("Ready – {} – {requests} running", count(shared, "model"))
        }
        Phase::Draining if facts.sleeping => finishing("Going to sleep", running),
        Phase::Draining if running == 0 => "Not taking requests".to_owned(),
        Phase::Draining => format!("Finishing {}", count(running as usize, "request")),
        Phase::Paused => finishing(&paused(facts), running),
        Phase::Terminating if facts.quitting => finishing("Quitting", running),
        Phase::Terminating => finishing("Disconnecting…", running),
        Phase::Failed => match facts.state {
            SupervisorState::Misconfigured => "The settings are invalid".to_owned(),
            SupervisorState::Locked { .. } => "The keychain is locked".to_owned(),
            SupervisorState::Foreign(_) => "Another worker is running on this computer".to_owned(),
            _ => "The worker keeps crashing".to_owned(),
        },
    }
}

/// The user's pause takes precedence over rules.
fn paused(facts: &Facts) -> String {
    match (facts.pause, &facts.rule) {
        (None, Some(reason)) => format!("Paused: {}", reason.text()),
        (pause, _) => match pause.and_then(|pause| pause.clock(SystemTime::now())) {
            Some(clock) => format!("Paused until {clock}"),
            None => "Paused".to_owned(),
        },
    }
}

/// The name of the runtime at the start of a sentence.
fn runtime_name(facts: &Facts) -> &str {
    match &facts.worker {
        Some(worker) if !worker.runtime_kind.is_empty() => &worker.runtime_kind,
        _ => "The LLM runtime",
    }
}

fn finishing(what: &str, running: u32) -> String {
    match running {
        0 => what.to_owned(),
        running => {
            format!("{} – finishing {}", what.trim_end_matches('…'), count(running as usize, "request"))
        }
    }
}

fn in_seconds(what: &str, countdown: Option<u64>) -> String {
    match countdown {
        Some(seconds @ 1..) => format!("{what} in {}", time(seconds)),
        Some(0) | None => format!("{what}…"),
    }
}

/// Formats longer times in minutes.
fn time(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

/// `3 models`, `1 model`, `no models`.
pub fn count(n: usize, thing: &str) -> String {
    match n {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        n => format!("{n} {thing}s"),
    }
}

/// How soon the status line changes without a change of the facts: every second during a countdown.
pub fn next_tick(countdown: Option<u64>) -> Option<Duration> {
    countdown.filter(|seconds| *seconds > 0).map(|_| Duration::from_secs(1))
}

#[cfg(test)]
pub(crate) mod tests;
