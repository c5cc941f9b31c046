//! The state and the status line of various facts.

use std::time::UNIX_EPOCH;

use tokio::time::Instant;

use super::*;
use crate::ipc::Mode;
use crate::pause::Pause;
use crate::serve::Reason;
use crate::supervisor::{Activity, Failure};

/// A connected, ready and idle worker.
pub(crate) fn worker() -> WorkerSnapshot {
    WorkerSnapshot {
        mode: Mode::Embedded,
        id: "id".into(),
        name: "tester".into(),
        version: "1".into(),
        server: "ws://pool:8080/api/workers/connect".into(),
        connection: ConnectionState::Up,
        server_note: None,
        latency: None,
        connection_problem: None,
        log_problem: None,
        runtime_kind: "Ollama".into(),
        runtime_version: None,
        runtime: RuntimeState::Ready,
        models: Vec::new(),
        running: 0,
        max_concurrency: 2,
        draining: false,
        terminating: false,
        activity: Activity::default(),
    }
}

/// The facts with this running worker.
pub(crate) fn facts(worker: WorkerSnapshot) -> Facts {
    Facts {
        state: SupervisorState::Running,
        since: UNIX_EPOCH,
        worker: Some(worker),
        pause: None,
        sleeping: false,
        rule: None,
        quitting: false,
        crash: None,
        mistakes: None,
        config: None,
    }
}

/// The facts of a stage without a worker.
pub(crate) fn without_worker(state: SupervisorState) -> Facts {
    Facts { state, worker: None, ..facts(worker()) }
}

fn check(facts: &Facts, phase_wanted: Phase, headline_wanted: &str) {
    let phase = phase(facts);
    let countdown = countdown(facts, now());
    assert_eq!((phase, headline(facts, phase, countdown, 3).as_str()), (phase_wanted, headline_wanted));
}

/// The same moment throughout a test, so that countdowns are exact.
fn now() -> Instant {
    thread_local!(static NOW: Instant = Instant::now());
    NOW.with(|now| *now)
}

fn waiting(seconds: u64, refused: bool) -> WorkerSnapshot {
    WorkerSnapshot {
        connection: ConnectionState::Waiting { until: now() + Duration::from_secs(seconds), refused },
        ..worker()
    }
}

#[test]
fn without_a_worker() {
    check(&without_worker(SupervisorState::Unconfigured), Phase::Unconfigured, "Not set up yet");
    check(&without_worker(SupervisorState::Misconfigured), Phase::Failed, "The settings are invalid");
    check(&without_worker(SupervisorState::GaveUp), Phase::Failed, "The worker keeps crashing");
    let addr = "127.0.0.1:4555".parse().unwrap();
    check(
        &without_worker(SupervisorState::Foreign(addr)),
        Phase::Failed,
        "Another worker is running on this computer",
    );
    check(&without_worker(SupervisorState::Stopped), Phase::Stopped, "Stopped");
    check(&without_worker(SupervisorState::Ended), Phase::Stopped, "Stopped");
    check(&without_worker(SupervisorState::Starting), Phase::Connecting, "Connecting…");
    check(&without_worker(SupervisorState::Running), Phase::Connecting, "Connecting…");
    let failed = SupervisorState::Failed(now() + Duration::from_secs(4));
    check(&without_worker(failed), Phase::Waiting, "Worker crashed – restarting in 4 s");
}

#[test]
fn connecting() {
    check(
        &facts(WorkerSnapshot { connection: ConnectionState::Connecting, ..worker() }),
        Phase::Connecting,
        "Connecting…",
    );
    check(&facts(waiting(8, false)), Phase::Waiting, "Reconnecting in 8 s");
    check(&facts(waiting(0, false)), Phase::Waiting, "Reconnecting…");
    check(&facts(waiting(300, false)), Phase::Waiting, "Reconnecting in 5 min");
    check(&facts(waiting(61, true)), Phase::Refused, "Worker key rejected – retrying in 61 s");
}

#[test]
fn connected() {
    check(&facts(worker()), Phase::Ready, "Ready – 3 models");
    check(
        &facts(WorkerSnapshot { running: 2, ..worker() }),
        Phase::Busy,
        "Ready – 3 models – 2 requests running",
    );
    check(
        &facts(WorkerSnapshot { running: 1, ..worker() }),
        Phase::Busy,
        "Ready – 3 models – 1 request running",
    );
    check(
        &facts(WorkerSnapshot { runtime: RuntimeState::Unknown, ..worker() }),
        Phase::NotReady,
        "Ollama isn’t responding",
    );
    let away = RuntimeState::Away("gone".into(), UNIX_EPOCH);
    check(
        &facts(WorkerSnapshot { runtime: away, running: 1, ..worker() }),
        Phase::NotReady,
        "Ollama isn’t responding",
    );
}

#[test]
fn what_the_user_requested_comes_first() {
    for connection in [
        ConnectionState::Up,
        ConnectionState::Connecting,
        waiting(8, false).connection,
        waiting(8, true).connection,
    ] {
        let held = WorkerSnapshot { connection, draining: true, ..worker() };
        check(&facts(held.clone()), Phase::Draining, "Not taking requests");
        let pause = Some(Pause { until: None });
        check(&Facts { pause, ..facts(held.clone()) }, Phase::Paused, "Paused");
        let sleeping = Facts { pause, sleeping: true, ..facts(held.clone()) };
        check(&sleeping, Phase::Draining, "Going to sleep");
        let rule = Some(Reason::OnBattery);
        check(&Facts { rule: rule.clone(), ..facts(held.clone()) }, Phase::Paused, "Paused: on battery");
        check(&Facts { rule, pause, ..facts(held.clone()) }, Phase::Paused, "Paused");
        let ending = WorkerSnapshot { terminating: true, ..held };
        check(&Facts { pause, ..facts(ending.clone()) }, Phase::Terminating, "Disconnecting…");
        check(&Facts { quitting: true, ..facts(ending) }, Phase::Terminating, "Quitting");
    }
}

#[test]
fn remaining_requests_are_counted() {
    let busy = WorkerSnapshot { running: 1, draining: true, ..worker() };
    check(&facts(busy.clone()), Phase::Draining, "Finishing 1 request");
    let sleeping = Facts { sleeping: true, ..facts(busy.clone()) };
    check(&sleeping, Phase::Draining, "Going to sleep – finishing 1 request");
    let pause = Pause { until: Some(SystemTime::now() + Duration::from_secs(60)) };
    let clock = pause.clock(SystemTime::now()).unwrap();
    check(
        &Facts { pause: Some(pause), ..facts(busy.clone()) },
        Phase::Paused,
        &format!("Paused until {clock} – finishing 1 request"),
    );
    let rule = Some(Reason::Program("steam".into()));
    check(
        &Facts { rule, ..facts(busy.clone()) },
        Phase::Paused,
        "Paused: steam is running – finishing 1 request",
    );
    check(
        &facts(WorkerSnapshot { terminating: true, ..busy.clone() }),
        Phase::Terminating,
        "Disconnecting – finishing 1 request",
    );
    check(&Facts { quitting: true, ..facts(busy) }, Phase::Terminating, "Quitting – finishing 1 request");
}

#[test]
fn a_past_crash_changes_nothing() {
    let crash = Failure { times: 1, why: "x".into(), lines: Vec::new() };
    check(&Facts { crash: Some(crash), ..facts(worker()) }, Phase::Ready, "Ready – 3 models");
}

#[test]
fn only_a_countdown_ticks() {
    assert_eq!(next_tick(countdown(&facts(waiting(8, false)), now())), Some(Duration::from_secs(1)));
    assert_eq!(next_tick(countdown(&facts(waiting(0, false)), now())), None, "the next state is imminent");
    for quiet in [
        facts(worker()),
        without_worker(SupervisorState::Stopped),
        facts(WorkerSnapshot { running: 5, ..worker() }),
    ] {
        assert_eq!(next_tick(countdown(&quiet, now())), None);
    }
}

#[test]
fn counts_are_pluralized() {
    assert_eq!(
        [count(0, "model"), count(1, "model"), count(2, "model")],
        ["no models", "1 model", "2 models"]
    );
}
