//! Every state has its word and its line.

use std::time::UNIX_EPOCH;

use tokio::time::Instant;

use super::*;
use crate::ipc::Mode;
use crate::pause::Pause;
use crate::serve::Reason;
use crate::supervisor::{Activity, Failure};

/// A worker that is connected, ready, and has nothing to do.
pub(crate) fn seen() -> Seen {
    Seen {
        mode: Mode::Embedded,
        id: "id".into(),
        name: "tester".into(),
        version: "1".into(),
        server: "ws://pool:8080/api/workers/connect".into(),
        link: Link::Up,
        latency: None,
        link_trouble: None,
        runtime_kind: "Ollama".into(),
        runtime_version: None,
        runtime: Runtime::Ready,
        models: Vec::new(),
        running: 0,
        max_concurrency: 2,
        draining: false,
        terminating: false,
        activity: Activity::default(),
    }
}

/// The facts of a worker in that state.
pub(crate) fn facts(seen: Seen) -> Facts {
    Facts {
        stage: Stage::Running,
        since: UNIX_EPOCH,
        seen: Some(seen),
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
pub(crate) fn without_worker(stage: Stage) -> Facts {
    Facts { stage, seen: None, ..facts(seen()) }
}

fn check(facts: &Facts, phase_wanted: Phase, headline_wanted: &str) {
    let phase = phase(facts);
    let countdown = countdown(facts, now());
    assert_eq!((phase, headline(facts, phase, countdown, 3).as_str()), (phase_wanted, headline_wanted));
}

/// One moment for all of a test, so that countdowns are exact.
fn now() -> Instant {
    thread_local!(static NOW: Instant = Instant::now());
    NOW.with(|now| *now)
}

fn waiting(seconds: u64, refused: bool) -> Seen {
    Seen { link: Link::Waiting { until: now() + Duration::from_secs(seconds), refused }, ..seen() }
}

#[test]
fn without_a_worker() {
    check(&without_worker(Stage::Unconfigured), Phase::Unconfigured, "Not set up yet");
    check(&without_worker(Stage::Misconfigured), Phase::Failed, "The settings have a mistake");
    check(&without_worker(Stage::GaveUp), Phase::Failed, "The worker keeps failing");
    let addr = "127.0.0.1:4555".parse().unwrap();
    check(&without_worker(Stage::Foreign(addr)), Phase::Failed, "Another worker runs on this machine");
    check(&without_worker(Stage::Stopped), Phase::Stopped, "Stopped");
    check(&without_worker(Stage::Ended), Phase::Stopped, "Stopped");
    check(&without_worker(Stage::Starting), Phase::Connecting, "Connecting…");
    check(&without_worker(Stage::Running), Phase::Connecting, "Connecting…");
    let failed = Stage::Failed(now() + Duration::from_secs(4));
    check(&without_worker(failed), Phase::Waiting, "Worker failed – starting again in 4 s");
}

#[test]
fn on_the_way_to_the_server() {
    check(&facts(Seen { link: Link::Connecting, ..seen() }), Phase::Connecting, "Connecting…");
    check(&facts(waiting(8, false)), Phase::Waiting, "Reconnecting in 8 s");
    check(&facts(waiting(0, false)), Phase::Waiting, "Reconnecting…");
    check(&facts(waiting(300, false)), Phase::Waiting, "Reconnecting in 5 min");
    check(&facts(waiting(61, true)), Phase::Refused, "Refused by the server – trying again in 61 s");
}

#[test]
fn at_work() {
    check(&facts(seen()), Phase::Ready, "Ready – 3 models");
    check(&facts(Seen { running: 2, ..seen() }), Phase::Busy, "Ready – 3 models – 2 requests running");
    check(&facts(Seen { running: 1, ..seen() }), Phase::Busy, "Ready – 3 models – 1 request running");
    check(&facts(Seen { runtime: Runtime::Unknown, ..seen() }), Phase::NotReady, "Runtime not ready");
    let away = Runtime::Away("gone".into(), UNIX_EPOCH);
    check(&facts(Seen { runtime: away, running: 1, ..seen() }), Phase::NotReady, "Runtime not ready");
}

#[test]
fn what_somebody_wants_comes_first() {
    for link in [Link::Up, Link::Connecting, waiting(8, false).link, waiting(8, true).link] {
        let held = Seen { link, draining: true, ..seen() };
        check(&facts(held.clone()), Phase::Draining, "Draining");
        let pause = Some(Pause { until: None });
        check(&Facts { pause, ..facts(held.clone()) }, Phase::Paused, "Paused");
        let sleeping = Facts { pause, sleeping: true, ..facts(held.clone()) };
        check(&sleeping, Phase::Draining, "Going to sleep");
        let rule = Some(Reason::OnBattery);
        check(&Facts { rule: rule.clone(), ..facts(held.clone()) }, Phase::Paused, "Paused: on battery");
        check(&Facts { rule, pause, ..facts(held.clone()) }, Phase::Paused, "Paused");
        let ending = Seen { terminating: true, ..held };
        check(&Facts { pause, ..facts(ending.clone()) }, Phase::Terminating, "Stopping");
        check(&Facts { quitting: true, ..facts(ending) }, Phase::Terminating, "Quitting");
    }
}

#[test]
fn what_is_left_is_counted() {
    let busy = Seen { running: 1, draining: true, ..seen() };
    check(&facts(busy.clone()), Phase::Draining, "Draining – 1 left");
    let sleeping = Facts { sleeping: true, ..facts(busy.clone()) };
    check(&sleeping, Phase::Draining, "Going to sleep – 1 left");
    let pause = Pause { until: Some(SystemTime::now() + Duration::from_secs(60)) };
    let clock = pause.clock(SystemTime::now()).unwrap();
    check(
        &Facts { pause: Some(pause), ..facts(busy.clone()) },
        Phase::Paused,
        &format!("Paused until {clock} – 1 left"),
    );
    let rule = Some(Reason::Program("steam".into()));
    check(&Facts { rule, ..facts(busy.clone()) }, Phase::Paused, "Paused: steam runs – 1 left");
    check(&facts(Seen { terminating: true, ..busy.clone() }), Phase::Terminating, "Stopping – 1 left");
    check(&Facts { quitting: true, ..facts(busy) }, Phase::Terminating, "Quitting – 1 left");
}

#[test]
fn a_crash_of_the_past_changes_nothing() {
    let crash = Failure { times: 1, why: "x".into(), lines: Vec::new() };
    check(&Facts { crash: Some(crash), ..facts(seen()) }, Phase::Ready, "Ready – 3 models");
}

#[test]
fn only_a_countdown_ticks() {
    assert_eq!(next_tick(countdown(&facts(waiting(8, false)), now())), Some(Duration::from_secs(1)));
    assert_eq!(
        next_tick(countdown(&facts(waiting(0, false)), now())),
        None,
        "the next state comes by itself"
    );
    for quiet in [facts(seen()), without_worker(Stage::Stopped), facts(Seen { running: 5, ..seen() })] {
        assert_eq!(next_tick(countdown(&quiet, now())), None);
    }
}

#[test]
fn numbers_read_well() {
    assert_eq!(
        [count(0, "model"), count(1, "model"), count(2, "model")],
        ["no models", "1 model", "2 models"]
    );
}
