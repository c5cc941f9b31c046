//! The state in a word and in a line: pure functions of the facts.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::ipc::Phase;
use crate::supervisor::{Facts, Link, Runtime, Seen, Stage};

/// The state in a word.
pub fn phase(facts: &Facts) -> Phase {
    match &facts.stage {
        Stage::Unconfigured => Phase::Unconfigured,
        Stage::Misconfigured | Stage::Locked { is_away: false } | Stage::GaveUp | Stage::Foreign(_) => {
            Phase::Failed
        }
        Stage::Stopped | Stage::Ended => Phase::Stopped,
        Stage::Starting => Phase::Connecting,
        Stage::Failed(_) | Stage::Locked { is_away: true } => Phase::Waiting,
        Stage::Running => match &facts.seen {
            Some(seen) => of_worker(facts, seen),
            None => Phase::Connecting,
        },
    }
}

/// What somebody wants comes before what is: who drains a worker does not wait for a connection.
fn of_worker(facts: &Facts, seen: &Seen) -> Phase {
    match (seen.link, &seen.runtime) {
        _ if seen.terminating || facts.quitting => Phase::Terminating,
        _ if facts.sleeping => Phase::Draining,
        _ if facts.pause.is_some() || facts.rule.is_some() => Phase::Paused,
        _ if seen.draining => Phase::Draining,
        (Link::Connecting, _) => Phase::Connecting,
        (Link::Waiting { refused: true, .. }, _) => Phase::Refused,
        (Link::Waiting { .. }, _) => Phase::Waiting,
        (Link::Up, Runtime::Away(..) | Runtime::Unknown) => Phase::NotReady,
        (Link::Up, Runtime::Ready) if seen.running > 0 => Phase::Busy,
        (Link::Up, Runtime::Ready) => Phase::Ready,
    }
}

/// Seconds until the next try, to connect or to start.
pub fn countdown(facts: &Facts, now: Instant) -> Option<u64> {
    let until = match (&facts.stage, &facts.seen) {
        (Stage::Failed(until), _) => *until,
        (Stage::Running, Some(Seen { link: Link::Waiting { until, .. }, .. })) => *until,
        _ => return None,
    };
    Some(until.saturating_duration_since(now).as_secs_f64().ceil() as u64)
}

/// The state in a line. `countdown` is that of [`countdown`]; `offered` is how many models the pool may use.
pub fn headline(facts: &Facts, phase: Phase, countdown: Option<u64>, offered: usize) -> String {
    let running = facts.seen.as_ref().map_or(0, |seen| seen.running);
    match phase {
        Phase::Unconfigured => "Not set up yet".to_owned(),
        Phase::Stopped => "Stopped".to_owned(),
        Phase::Connecting => "Connecting…".to_owned(),
        Phase::Waiting if matches!(facts.stage, Stage::Failed(_)) => {
            in_seconds("Worker failed – starting again", countdown)
        }
        Phase::Waiting if matches!(facts.stage, Stage::Locked { .. }) => {
            "Waiting for the keychain".to_owned()
        }
        Phase::Waiting => in_seconds("Reconnecting", countdown),
        Phase::Refused => in_seconds("Refused by the server – trying again", countdown),
        Phase::NotReady => "Runtime not ready".to_owned(),
        Phase::Ready => format!("Ready – {}", count(offered, "model")),
        Phase::Busy => {
            let requests = count(running as usize, "request");
            format!("Ready – {} – {requests} running", count(offered, "model"))
        }
        Phase::Draining if facts.sleeping => finishing("Going to sleep", running),
        Phase::Draining => finishing("Draining", running),
        Phase::Paused => finishing(&paused(facts), running),
        Phase::Terminating if facts.quitting => finishing("Quitting", running),
        Phase::Terminating => finishing("Stopping", running),
        Phase::Failed => match facts.stage {
            Stage::Misconfigured => "The settings have a mistake".to_owned(),
            Stage::Locked { .. } => "The keychain is locked".to_owned(),
            Stage::Foreign(_) => "Another worker runs on this machine".to_owned(),
            _ => "The worker keeps failing".to_owned(),
        },
    }
}

/// A pause was somebody's wish of this moment, so it comes before the rules.
fn paused(facts: &Facts) -> String {
    match (facts.pause, &facts.rule) {
        (None, Some(reason)) => format!("Paused: {}", reason.text()),
        (pause, _) => match pause.and_then(|pause| pause.clock(SystemTime::now())) {
            Some(clock) => format!("Paused until {clock}"),
            None => "Paused".to_owned(),
        },
    }
}

fn finishing(what: &str, running: u32) -> String {
    if running == 0 { what.to_owned() } else { format!("{what} – {running} left") }
}

fn in_seconds(what: &str, countdown: Option<u64>) -> String {
    match countdown {
        Some(seconds @ 1..) => format!("{what} in {}", time(seconds)),
        Some(0) | None => format!("{what}…"),
    }
}

/// Longer waits in minutes: nobody counts 300 seconds down.
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

/// When the headline changes by itself: while it counts down, once a second.
pub fn next_tick(countdown: Option<u64>) -> Option<Duration> {
    countdown.filter(|seconds| *seconds > 0).map(|_| Duration::from_secs(1))
}

#[cfg(test)]
pub(crate) mod tests;
