//! Which notifications are shown, and how often.

use super::*;
use crate::ipc::{PausedBy, RuntimeView, UpdateView};
use crate::snapshot::{snapshot, tests::no_update};
use crate::worker_state::tests::{facts, worker};

const ALL: Notify =
    Notify { server_lost: true, key_refused: true, runtime_gone: true, update_ready: true, paused: true };

fn shown(phase: Phase) -> Snapshot {
    let ready = snapshot(&facts(worker()), no_update(), Instant::now());
    let runtime = RuntimeView { ready: phase != Phase::NotReady, ..ready.runtime };
    Snapshot { phase, runtime, ..ready }
}

/// Snapshots with their time in seconds and the expected notification.
fn check(wanted: Notify, story: &[(u64, Snapshot, Option<&str>)]) -> Notifications {
    let (mut notifications, begun) = (Notifications::default(), Instant::now());
    for (seconds, shown, title) in story {
        let notification = notifications.update(shown, wanted, begun + Duration::from_secs(*seconds));
        assert_eq!(
            notification.map(|notification| notification.title).as_deref(),
            *title,
            "at {seconds} s, {:?}",
            shown.phase
        );
    }
    notifications
}

const LOST: Option<&str> = Some("Can’t reach pool");

#[test]
fn a_lost_server_is_reported_once_after_two_minutes() {
    let waiting = || shown(Phase::Waiting);
    check(
        ALL,
        &[
            (0, shown(Phase::Ready), None),
            (10, waiting(), None),
            (129, shown(Phase::Connecting), None),
            (130, waiting(), LOST),
            (140, waiting(), None),
            (1_000, shown(Phase::Connecting), None),
        ],
    );
}

#[test]
fn a_short_loss_is_not_reported() {
    let mut story = Vec::new();
    for n in 0..20 {
        story.push((n * 200, shown(Phase::Waiting), None));
        story.push((n * 200 + 119, shown(Phase::Ready), None));
    }
    check(ALL, &story);
}

#[test]
fn a_flapping_server_is_reported_twice_an_hour_at_most() {
    let lost = |at| [(at, shown(Phase::Waiting), None), (at + 120, shown(Phase::Waiting), LOST)];
    let quiet = |at| [(at, shown(Phase::Waiting), None), (at + 120, shown(Phase::Waiting), None)];
    let back = |at| [(at, shown(Phase::Ready), None)];
    let story: Vec<_> = lost(0)
        .into_iter()
        .chain(back(130))
        .chain(quiet(140))
        .chain(back(400))
        .chain(quiet(1_700))
        .chain(back(1_890))
        .chain(lost(1_900))
        .collect();
    check(ALL, &story);
}

#[test]
fn a_rejected_key_is_reported_at_once() {
    let refused = || shown(Phase::Refused);
    check(
        ALL,
        &[
            (0, refused(), Some("pool rejected this computer’s worker key")),
            (5, shown(Phase::Connecting), None),
            (6, refused(), None),
            (3_000, shown(Phase::Ready), None),
            (3_001, refused(), Some("pool rejected this computer’s worker key")),
        ],
    );
}

#[test]
fn a_runtime_that_never_responded_is_not_reported() {
    check(ALL, &[(0, shown(Phase::NotReady), None), (500, shown(Phase::NotReady), None)]);
    let gone = Some("Ollama isn’t responding");
    check(
        ALL,
        &[
            (0, shown(Phase::Busy), None),
            (10, shown(Phase::NotReady), None),
            (69, shown(Phase::NotReady), None),
            (70, shown(Phase::NotReady), gone),
            (71, shown(Phase::NotReady), None),
        ],
    );
}

#[test]
fn pauses() {
    let paused = || shown(Phase::Paused);
    check(ALL, &[(0, paused(), Some("Sharing is still paused")), (1, paused(), None)]);
    check(ALL, &[(0, shown(Phase::Connecting), None), (1, paused(), Some("Sharing is still paused"))]);
    check(
        ALL,
        &[
            (0, shown(Phase::Ready), None),
            (1, paused(), None),
            (2, shown(Phase::Ready), Some("Sharing resumed")),
        ],
    );
    check(ALL, &[(0, shown(Phase::Ready), None), (1, paused(), None), (2, shown(Phase::Terminating), None)]);
}

#[test]
fn a_rule_that_pauses_is_reported_once() {
    let held = || Snapshot {
        paused_by: Some(PausedBy::OnBattery),
        headline: "Paused: on battery".to_owned(),
        ..shown(Phase::Paused)
    };
    let paused = Some("Sharing paused");
    check(ALL, &[(0, held(), paused), (1, held(), None)]);
    check(
        ALL,
        &[
            (0, shown(Phase::Ready), None),
            (1, held(), paused),
            (2, held(), None),
            (3, shown(Phase::Ready), None),
            (4, held(), None),
            (2_000, shown(Phase::Ready), Some("Sharing resumed")),
        ],
    );
    // The user's pause ends while a rule applies.
    check(ALL, &[(0, shown(Phase::Ready), None), (1, shown(Phase::Paused), None), (2, held(), None)]);
    check(Notify { paused: false, ..ALL }, &[(0, shown(Phase::Ready), None), (1, held(), None)]);
}

#[test]
fn an_update_is_reported_once() {
    let staged = |version: &str| {
        let update = UpdateView { state: UpdateState::Staged, version: Some(version.into()), ..no_update() };
        Snapshot { update, ..shown(Phase::Ready) }
    };
    let hour = 3_600;
    check(
        ALL,
        &[
            (0, staged("2"), Some("llamapool 2 is ready")),
            (hour, staged("2"), None),
            (2 * hour, staged("3"), Some("llamapool 3 is ready")),
        ],
    );
}

#[test]
fn each_kind_has_its_switch() {
    let off = |change: fn(&mut Notify)| {
        let mut wanted = ALL;
        change(&mut wanted);
        wanted
    };
    check(off(|n| n.key_refused = false), &[(0, shown(Phase::Refused), None)]);
    check(off(|n| n.paused = false), &[(0, shown(Phase::Paused), None)]);
    check(
        off(|n| n.server_lost = false),
        &[(0, shown(Phase::Waiting), None), (500, shown(Phase::Waiting), None)],
    );
    check(
        off(|n| n.runtime_gone = false),
        &[
            (0, shown(Phase::Ready), None),
            (1, shown(Phase::NotReady), None),
            (500, shown(Phase::NotReady), None),
        ],
    );
    let update = UpdateView { state: UpdateState::Staged, version: Some("2".into()), ..no_update() };
    check(off(|n| n.update_ready = false), &[(0, Snapshot { update, ..shown(Phase::Ready) }, None)]);
}

#[test]
fn several_are_shown_as_one() {
    let update = UpdateView { state: UpdateState::Staged, version: Some("2".into()), ..no_update() };
    let both = Snapshot { update, ..shown(Phase::Refused) };
    let notification = Notifications::default().update(&both, ALL, Instant::now()).unwrap();
    assert_eq!(notification.title, "pool rejected this computer’s worker key");
    assert!(notification.body.ends_with("\nllamapool 2 is ready"), "{}", notification.body);
}

#[test]
fn it_is_due_again_only_while_a_condition_holds() {
    assert_eq!(check(ALL, &[(0, shown(Phase::Ready), None)]).next_due(), None);
    assert!(check(ALL, &[(0, shown(Phase::Waiting), None)]).next_due().is_some());
    let notifications = check(ALL, &[(0, shown(Phase::Waiting), None), (500, shown(Phase::Waiting), LOST)]);
    assert_eq!(notifications.next_due(), None);
}
