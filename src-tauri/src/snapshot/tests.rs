//! What is shown is what is.

use std::time::Duration;

use super::*;
use crate::ipc::{PausedBy, UpdateState};
use crate::pause::Pause;
use crate::phase::tests::{facts, seen, without_worker};
use crate::supervisor::{Failure, Link};

pub(crate) fn no_update() -> UpdateView {
    UpdateView { state: UpdateState::Off, version: None, notes: None, why: None, checked_at: None }
}

const SINCE: SystemTime = UNIX_EPOCH;

fn shown(facts: &Facts) -> Snapshot {
    snapshot(facts, no_update(), Instant::now())
}

#[test]
fn addresses_of_the_server() {
    let check = |url: &str, endpoint_wanted: Option<&str>| {
        assert_eq!(endpoint(url).as_deref(), endpoint_wanted, "{url}")
    };
    check("ws://pool:8080/api/workers/connect", Some("http://pool:8080/api/v1"));
    check("wss://pool.example/api/workers/connect", Some("https://pool.example/api/v1"));
    check("wss://pool.example/llm/api/workers/connect", Some("https://pool.example/llm/api/v1"));
    check("ws://[::1]:1/api/workers/connect", Some("http://[::1]:1/api/v1"));
    check("ws://pool/other", Some("http://pool/api/v1"));
    check("nonsense", None);
    assert_eq!(below("ws://pool/", DASHBOARD_PATH).as_deref(), Some("http://pool/state"));
}

#[test]
fn a_refusal_leads_to_the_preferences() {
    let link = Link::Waiting { until: Instant::now(), refused: true };
    let refused = Seen { link, link_trouble: Some(("401".into(), SINCE)), ..seen() };
    let trouble = shown(&facts(refused.clone())).trouble.unwrap();
    assert_eq!((trouble.what.as_str(), trouble.at, trouble.action), ("401", 0, Some(Action::Preferences)));
    let lost = Seen { link: Link::Waiting { until: Instant::now(), refused: false }, ..refused };
    assert_eq!(shown(&facts(lost)).trouble.unwrap().action, Some(Action::Diagnostics));
}

#[test]
fn a_runtime_that_is_away_is_trouble_only_if_the_link_is_fine() {
    let away = Seen { runtime: Runtime::Away("no answer".into(), SINCE), ..seen() };
    let snapshot = shown(&facts(away.clone()));
    assert_eq!(snapshot.trouble.unwrap().what, "No answer", "it stands alone");
    assert_eq!((snapshot.runtime.ready, snapshot.runtime.why.as_deref()), (false, Some("no answer")));
    let both = Seen { link_trouble: Some(("cut".into(), SINCE)), link: Link::Connecting, ..away };
    assert_eq!(shown(&facts(both)).trouble.unwrap().what, "Cut");
    assert_eq!(shown(&facts(seen())).trouble, None);
}

#[test]
fn mistakes_come_first_even_while_an_older_configuration_runs() {
    let wrong = Facts { mistakes: Some(("line 3".into(), SINCE + Duration::from_secs(7))), ..facts(seen()) };
    let snapshot = shown(&wrong);
    assert_eq!(snapshot.phase, Phase::Ready);
    let trouble = snapshot.trouble.unwrap();
    assert_eq!(
        (trouble.what.as_str(), trouble.at, trouble.action),
        ("line 3", 7_000, Some(Action::Preferences))
    );
}

#[test]
fn a_crash_says_why() {
    let crash = Some(Failure { times: 8, why: "port taken".into(), lines: vec!["last".into()] });
    let gave_up = shown(&Facts { crash: crash.clone(), ..without_worker(Stage::GaveUp) });
    let told = gave_up.crash.unwrap();
    assert_eq!((told.times, told.gave_up, told.lines), (8, true, vec!["last".to_owned()]));
    assert_eq!(gave_up.trouble.unwrap().what, "port taken");
    let tries = shown(&Facts { crash, ..without_worker(Stage::Failed(Instant::now())) });
    assert!(!tries.crash.unwrap().gave_up);
}

#[test]
fn the_rule_that_holds_is_shown_unless_somebody_has_paused() {
    let until = chrono::NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().and_hms_opt(20, 0, 0).unwrap();
    let rule = Some(Reason::Hours { until, is_far: false });
    let held = Facts { rule, ..facts(seen()) };
    let snapshot = shown(&held);
    assert_eq!((snapshot.phase, snapshot.paused_by), (Phase::Paused, Some(PausedBy::Hours)));
    assert_eq!(snapshot.headline, "Paused: until 20:00");
    let told = SystemTime::UNIX_EPOCH + Duration::from_millis(snapshot.paused_until.unwrap());
    assert_eq!(chrono::DateTime::<chrono::Local>::from(told).naive_local(), until);
    let both = shown(&Facts { pause: Some(Pause { until: None }), ..held });
    assert_eq!((both.phase, both.paused_by, both.paused_until), (Phase::Paused, None, None));
}

#[test]
fn a_worker_that_has_ended_runs_nothing() {
    let ended = Facts { stage: Stage::Stopped, ..facts(Seen { running: 3, ..seen() }) };
    let snapshot = shown(&ended);
    assert_eq!((snapshot.running, snapshot.live.len(), snapshot.runtime.ready), (0, 0, false));
    assert_eq!(snapshot.worker.name, "tester", "who it was is still known");
}
