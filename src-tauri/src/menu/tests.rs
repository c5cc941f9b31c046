//! The menu in every state.

use super::*;
use crate::ipc::{PausedBy, UpdateView};
use crate::snapshot::snapshot;
use crate::snapshot::tests::no_update;
use crate::supervisor::SupervisorState;
use crate::worker_state::tests::{facts, without_worker, worker};

const EXTRAS: Extras = Extras { starts_at_login: false, has_log_folder: true, is_quitting: false };

const PHASES: [Phase; 12] = [
    Phase::Unconfigured,
    Phase::Stopped,
    Phase::Connecting,
    Phase::Waiting,
    Phase::Refused,
    Phase::NotReady,
    Phase::Ready,
    Phase::Busy,
    Phase::Draining,
    Phase::Paused,
    Phase::Terminating,
    Phase::Failed,
];

fn shown(phase: Phase) -> Snapshot {
    let ready = snapshot(&facts(worker()), no_update(), tokio::time::Instant::now());
    Snapshot { phase, ..ready }
}

fn row(shown: &Snapshot, id: &str) -> Option<Row> {
    menu(shown, EXTRAS).0.into_iter().find(|row| row.id == id)
}

fn inside(row: Row) -> Vec<Row> {
    match row.kind {
        RowKind::Submenu(rows) => rows,
        other => panic!("{other:?} is no submenu"),
    }
}

fn ids(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

/// The ids between the first two separators: what can be done about sharing.
fn controls_of(phase: Phase) -> String {
    let Menu(rows) = menu(&shown(phase), EXTRAS);
    let ids: Vec<_> = ids(&rows).into_iter().map(str::to_owned).collect();
    let place = |id: &str| ids.iter().position(|found| found == id).unwrap();
    ids[place("line-1") + 1..place("line-2")].join(" ")
}

#[test]
fn the_order_of_the_rows() {
    let Menu(rows) = menu(&shown(Phase::Ready), EXTRAS);
    let wanted = "status server line-1 pause drain shutdown-when-done models line-2 open preferences copy-endpoint help \
                  start-at-login updates-off line-3 quit";
    assert_eq!(ids(&rows).join(" "), wanted);
    let spans = inside(row(&shown(Phase::Ready), "pause").unwrap());
    assert_eq!(ids(&spans), ["pause-30m", "pause-1h", "pause-tomorrow", "pause-resumed"]);
    let help = inside(row(&shown(Phase::Ready), "help").unwrap());
    let wanted =
        ["logs", "diagnostics", "line-help", "config-folder", "log-folder", "documentation", "about"];
    assert_eq!(ids(&help), wanted);
}

#[test]
fn what_can_be_done_in_each_state() {
    let sharing = "pause drain shutdown-when-done models";
    for phase in PHASES {
        let wanted = match phase {
            Phase::Unconfigured => "setup models".to_owned(),
            Phase::Stopped | Phase::Failed => "start models".to_owned(),
            Phase::Waiting | Phase::Refused => format!("retry {sharing}"),
            Phase::Connecting | Phase::NotReady | Phase::Ready | Phase::Busy => sharing.to_owned(),
            Phase::Draining => "undrain shutdown-when-done models".to_owned(),
            Phase::Paused => "resume shutdown-when-done models".to_owned(),
            Phase::Terminating => "models".to_owned(),
        };
        assert_eq!(controls_of(phase), wanted, "{phase:?}");
    }
}

#[test]
fn a_rule_can_be_overridden() {
    let label = |paused_by| {
        row(&Snapshot { paused_by, ..shown(Phase::Paused) }, "resume").map(|row| row.label).unwrap()
    };
    assert_eq!(label(None), "Resume sharing");
    assert_eq!(label(Some(PausedBy::OnBattery)), "Share anyway");
}

#[test]
fn ids_are_unique_and_every_enabled_row_does_something() {
    for phase in PHASES {
        for running in [0, 1, 7] {
            let Menu(mut rows) = menu(&Snapshot { running, ..shown(phase) }, EXTRAS);
            let nested: Vec<_> = rows
                .iter()
                .flat_map(|row| match &row.kind {
                    RowKind::Submenu(rows) => rows.clone(),
                    _ => Vec::new(),
                })
                .collect();
            rows.extend(nested);
            let mut ids = std::collections::HashSet::new();
            for row in &rows {
                assert!(ids.insert(&row.id), "{} is there twice in {phase:?}", row.id);
                let acts = matches!(row.kind, RowKind::Item | RowKind::Check(_)) && row.enabled;
                assert!(!acts || click(&row.id).is_some(), "{} does nothing", row.id);
                assert!(!row.label.is_empty() || row.kind == RowKind::Separator);
            }
        }
    }
}

#[test]
fn the_status_line_cannot_be_clicked() {
    let status = row(&shown(Phase::Ready), "status").unwrap();
    assert!(!status.enabled);
    assert_eq!(status.label, "Ready – no models");
}

#[test]
fn the_server_has_its_latency() {
    let mut snapshot = shown(Phase::Ready);
    let label = |shown: &Snapshot| row(shown, "server").unwrap().label;
    assert_eq!(label(&snapshot), "pool:8080");
    snapshot.server.latency_ms = Some(12);
    assert_eq!(label(&snapshot), "pool:8080 – 12 ms");
    let nothing = crate::snapshot::snapshot(
        &without_worker(SupervisorState::Unconfigured),
        no_update(),
        tokio::time::Instant::now(),
    );
    let server = row(&nothing, "server").unwrap();
    assert_eq!((server.label.as_str(), server.enabled), ("No server", false));
    assert!(!row(&nothing, "copy-endpoint").unwrap().enabled);
}

fn some_model(n: usize) -> ModelView {
    ModelView {
        name: format!("m{n}"),
        offered: true,
        loaded: None,
        size_bytes: None,
        context: None,
        quantization: None,
        remote: false,
    }
}

#[test]
fn models() {
    let mut snapshot = shown(Phase::Ready);
    assert_eq!(ids(&inside(row(&snapshot, "models").unwrap())), ["no-models"]);
    let big = ModelView {
        name: "llama3:8b".into(),
        loaded: Some(true),
        size_bytes: Some(4_920_000_000),
        ..some_model(0)
    };
    let small =
        ModelView { name: "tiny".into(), offered: false, size_bytes: Some(42_000_000), ..some_model(0) };
    snapshot.models = vec![big, small];
    let models = inside(row(&snapshot, "models").unwrap());
    assert_eq!((models[0].label.as_str(), &models[0].kind), ("llama3:8b – 4.9 GB ●", &RowKind::Check(true)));
    assert_eq!((models[1].label.as_str(), &models[1].kind), ("tiny – 42 MB", &RowKind::Check(false)));
    assert_eq!(click(&models[0].id), Some(Click::Model("llama3:8b".into())));
    let far =
        ModelView { name: "gpt-oss:120b-cloud".into(), remote: true, size_bytes: Some(384), ..some_model(0) };
    snapshot.models.push(far);
    let models = inside(row(&snapshot, "models").unwrap());
    assert_eq!(models[2].label, "gpt-oss:120b-cloud – cloud");
    snapshot.mode = Mode::Attached;
    assert!(inside(row(&snapshot, "models").unwrap()).iter().all(|model| !model.enabled));
}

#[test]
fn the_number_of_models_is_limited() {
    let mut snapshot = shown(Phase::Ready);
    snapshot.models = (0..MAX_MODELS).map(some_model).collect();
    assert_eq!(inside(row(&snapshot, "models").unwrap()).len(), MAX_MODELS);
    snapshot.models.extend((0..3).map(|n| some_model(MAX_MODELS + n)));
    let models = inside(row(&snapshot, "models").unwrap());
    assert_eq!((models.len(), models[MAX_MODELS].label.as_str()), (MAX_MODELS + 1, "3 more…"));
}

#[test]
fn quitting_names_what_it_waits_for() {
    let label = |running, mode| {
        let rows = quit(&Snapshot { running, mode, ..shown(Phase::Busy) }, false);
        rows.into_iter().map(|row| row.label).collect::<Vec<_>>().join(" | ")
    };
    assert_eq!(label(0, Mode::Embedded), "Quit");
    assert_eq!(label(1, Mode::Embedded), "Finish 1 request, then quit | Quit now");
    assert_eq!(label(2, Mode::Embedded), "Finish 2 requests, then quit | Quit now");
    assert_eq!(label(2, Mode::Attached), "Quit (background service keeps running)");
    assert_eq!(ids(&quit(&shown(Phase::Terminating), true)), ["stay", "quit-now"]);
}

#[test]
fn updates() {
    let row_of = |state, version: Option<&str>| {
        let update = UpdateView { state, version: version.map(str::to_owned), ..no_update() };
        let row = update_row(&Snapshot { update, ..shown(Phase::Ready) });
        (row.id, row.enabled, row.label)
    };
    let check = |state, wanted: &str, enabled| {
        assert_eq!(row_of(state, None), ("check-update".into(), enabled, wanted.into()))
    };
    assert_eq!(row_of(UpdateState::Off, None), ("updates-off".into(), true, "Updates are off".into()));
    let why = Some("it was installed by apt: sudo apt update".to_owned());
    let row = update_row(&Snapshot { update: UpdateView { why, ..no_update() }, ..shown(Phase::Ready) });
    assert_eq!((row.label.as_str(), row.enabled), ("Updates are off: it was installed by apt", true));
    check(UpdateState::Idle, "Check for updates", true);
    check(UpdateState::Checking, "Checking for updates…", false);
    check(UpdateState::Staging, "Downloading the update…", false);
    check(UpdateState::Failed, "Check for updates", true);
    let staged = row_of(UpdateState::Staged, Some("1.2.3"));
    assert_eq!(staged, ("restart-to-update".into(), true, "Restart to update to 1.2.3".into()));
    let available = row_of(UpdateState::Available, Some("1.2.3"));
    assert_eq!(available, ("get-update".into(), true, "Get version 1.2.3…".into()));
}

fn update_row(shown: &Snapshot) -> Row {
    super::update(shown)
}

#[test]
fn start_at_login_and_the_log_folder() {
    for is_on in [true, false] {
        let Menu(rows) = menu(
            &shown(Phase::Ready),
            Extras { starts_at_login: is_on, has_log_folder: false, is_quitting: false },
        );
        let find = |rows: &[Row], id: &str| rows.iter().find(|row| row.id == id).unwrap().clone();
        assert_eq!(find(&rows, "start-at-login").kind, RowKind::Check(is_on));
        assert!(!find(&inside(find(&rows, "help")), "log-folder").enabled);
    }
}

#[test]
fn the_reason_for_no_updates_is_shortened() {
    let label = |why: &str| updates_off(Some(why));
    assert_eq!(label("it was installed by apt: sudo apt update"), "Updates are off: it was installed by apt");
    assert_eq!(label("this build takes none, because"), "Updates are off: this build takes none");
    assert_eq!(updates_off(None), "Updates are off");
}
