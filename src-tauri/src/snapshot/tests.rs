//! Snapshots of various facts.

use std::time::Duration;

use super::*;
use crate::ipc::{PausedBy, UpdateState};
use crate::pause::Pause;
use crate::supervisor::{ConnectionState, Failure};
use crate::worker_state::tests::{facts, without_worker, worker};

pub(crate) fn no_update() -> UpdateView {
    UpdateView { state: UpdateState::Off, version: None, notes: None, why: None, checked_at: None }
}

const SINCE: SystemTime = UNIX_EPOCH;

fn shown(facts: &Facts) -> Snapshot {
    snapshot(facts, no_update(), Instant::now())
}

#[test]
fn a_rejected_key_leads_to_the_preferences() {
    let connection = ConnectionState::Waiting { until: Instant::now(), refused: true };
    let refused = WorkerSnapshot { connection, connection_problem: Some(("401".into(), SINCE)), ..worker() };
    let trouble = shown(&facts(refused.clone())).trouble.unwrap();
    assert_eq!((trouble.what.as_str(), trouble.at, trouble.action), ("401", 0, Some(Action::Preferences)));
    let lost = WorkerSnapshot {
        connection: ConnectionState::Waiting { until: Instant::now(), refused: false },
        ..refused
    };
    assert_eq!(shown(&facts(lost)).trouble.unwrap().action, Some(Action::Diagnostics));
}

#[test]
fn a_runtime_problem_is_shown_only_while_connected() {
    let away = WorkerSnapshot { runtime: RuntimeState::Away("no answer".into(), SINCE), ..worker() };
    let snapshot = shown(&facts(away.clone()));
    assert_eq!(snapshot.trouble.unwrap().what, "No answer", "starts with a capital letter");
    assert_eq!((snapshot.runtime.ready, snapshot.runtime.why.as_deref()), (false, Some("no answer")));
    let both = WorkerSnapshot {
        connection_problem: Some(("cut".into(), SINCE)),
        connection: ConnectionState::Connecting,
        ..away
    };
    assert_eq!(shown(&facts(both)).trouble.unwrap().what, "Cut");
    assert_eq!(shown(&facts(worker())).trouble, None);
}

#[test]
fn logs_that_cannot_be_written_are_a_problem_while_nothing_worse_is() {
    let full = WorkerSnapshot { log_problem: Some(("no space left".into(), SINCE)), ..worker() };
    assert_eq!(shown(&facts(full.clone())).trouble.unwrap().what, "No space left");
    let lost = WorkerSnapshot { connection_problem: Some(("cut".into(), SINCE)), ..full };
    assert_eq!(shown(&facts(lost)).trouble.unwrap().what, "Cut");
}

#[test]
fn mistakes_come_first_even_while_an_older_configuration_is_in_use() {
    let wrong =
        Facts { mistakes: Some(("line 3".into(), SINCE + Duration::from_secs(7))), ..facts(worker()) };
    let snapshot = shown(&wrong);
    assert_eq!(snapshot.phase, Phase::Ready);
    let trouble = snapshot.trouble.unwrap();
    assert_eq!(
        (trouble.what.as_str(), trouble.at, trouble.action),
        ("line 3", 7_000, Some(Action::Preferences))
    );
}

#[test]
fn a_crash_has_its_cause() {
    let crash = Some(Failure { times: 8, why: "port taken".into(), lines: vec!["last".into()] });
    let gave_up = shown(&Facts { crash: crash.clone(), ..without_worker(SupervisorState::GaveUp) });
    let shown_crash = gave_up.crash.unwrap();
    assert_eq!(
        (shown_crash.times, shown_crash.gave_up, shown_crash.lines),
        (8, true, vec!["last".to_owned()])
    );
    assert_eq!(gave_up.trouble.unwrap().what, "port taken");
    let tries = shown(&Facts { crash, ..without_worker(SupervisorState::Failed(Instant::now())) });
    assert!(!tries.crash.unwrap().gave_up);
}

#[test]
fn the_rule_that_applies_is_shown_unless_the_user_has_paused() {
    let until = chrono::NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().and_hms_opt(20, 0, 0).unwrap();
    let rule = Some(Reason::Hours { until, is_far: false });
    let held = Facts { rule, ..facts(worker()) };
    let snapshot = shown(&held);
    assert_eq!((snapshot.phase, snapshot.paused_by), (Phase::Paused, Some(PausedBy::Hours)));
    assert_eq!(snapshot.headline, "Paused: until 20:00");
    let resumes = SystemTime::UNIX_EPOCH + Duration::from_millis(snapshot.paused_until.unwrap());
    assert_eq!(chrono::DateTime::<chrono::Local>::from(resumes).naive_local(), until);
    let both = shown(&Facts { pause: Some(Pause { until: None }), ..held });
    assert_eq!((both.phase, both.paused_by, both.paused_until), (Phase::Paused, None, None));
}

#[test]
fn a_stopped_worker_runs_nothing() {
    let ended = Facts { state: SupervisorState::Stopped, ..facts(WorkerSnapshot { running: 3, ..worker() }) };
    let snapshot = shown(&ended);
    assert_eq!((snapshot.running, snapshot.live.len(), snapshot.runtime.ready), (0, 0, false));
    assert_eq!(snapshot.worker.name, "tester", "its name is still known");
}
