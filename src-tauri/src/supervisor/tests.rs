//! Starting, controlling and stopping workers: real ones, with the demo runtime and an unreachable server.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::SecretString;
use tempfile::TempDir;

use llamapool_worker_core::worker::WorkerEnv;

use super::embedded::Embedded;
use super::*;
use crate::keychain::Keychain;

/// Longer than anything here takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

struct Rig {
    folder: TempDir,
    supervisor: Supervisor,
    life: tokio::task::JoinHandle<()>,
}

impl Rig {
    /// A supervisor for a worker with these settings, or without any.
    fn start(yaml: Option<&str>) -> Self {
        llamapool_tunnel::tls::install();
        let folder = tempfile::tempdir().unwrap();
        if let Some(yaml) = yaml {
            write(folder.path(), yaml);
        }
        let (supervisor, life) = supervisor(folder.path());
        Self { folder, supervisor, life: tokio::spawn(life) }
    }

    fn write(&self, yaml: &str) {
        write(self.folder.path(), yaml);
    }

    async fn until(&self, what: &str, is_so: impl FnMut(&Facts) -> bool) -> Facts {
        let mut facts = self.supervisor.facts();
        let found = tokio::time::timeout(TIMEOUT, facts.wait_for(is_so)).await;
        found
            .unwrap_or_else(|_| panic!("waited for {what}: {:?}", self.supervisor.facts().borrow()))
            .unwrap()
            .clone()
    }

    async fn until_running(&self) -> Facts {
        self.until("a worker", |facts| facts.state == SupervisorState::Running && facts.worker.is_some())
            .await
    }

    async fn quit(self) {
        self.supervisor.order(Order::Quit).await;
        self.until("the end", |facts| facts.state == SupervisorState::Ended).await;
        tokio::time::timeout(TIMEOUT, self.life).await.unwrap().unwrap();
    }
}

fn supervisor(folder: &Path) -> (Supervisor, impl Future<Output = ()> + Send + use<>) {
    let paths = ConfigPaths::new(&folder.join("worker.yaml"), &folder.join("state"));
    let (supervisor, life) = Supervisor::new(paths, None, LogBuffer::default());
    // No sharing rules are evaluated here.
    supervisor.orders.try_send(Order::Rules(Vec::new())).unwrap();
    (supervisor, life)
}

/// Writes settings with an unreachable server: nothing listens on port 9 ("discard").
fn write(folder: &Path, yaml: &str) {
    let state = folder.join("state").display().to_string();
    let all = format!("server_url: ws://127.0.0.1:9\ndemo: true\nstate_dir: {state}\n{yaml}\n");
    std::fs::write(folder.join("worker.yaml"), all).unwrap();
}

/// A keychain that is not there yet.
#[derive(Clone, Default)]
struct Late(Arc<AtomicBool>);

impl Keychain for Late {
    fn status(&self) -> Result<(), String> {
        if self.0.load(Ordering::Relaxed) { Ok(()) } else { Err("there is none".to_owned()) }
    }
    fn read(&self, _account: &str) -> Result<Option<SecretString>, String> {
        self.status().map(|()| Some("hush".into()))
    }
    fn store(&self, _account: &str, _key: &SecretString) -> Result<(), String> {
        self.status()
    }
    fn delete(&self, _account: &str) -> Result<(), String> {
        self.status()
    }
}

#[tokio::test]
async fn a_keychain_may_become_available_later() {
    llamapool_tunnel::tls::install();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "");
    std::fs::write(folder.path().join("desktop.yaml"), "in_keychain: [client_key]\n").unwrap();
    let keychain = Late::default();
    let state = folder.path().join("state");
    let paths = ConfigPaths::with_keychain(keychain.clone(), &folder.path().join("worker.yaml"), &state);
    let (supervisor, life) = Supervisor::new(paths, None, LogBuffer::default());
    let rig = Rig { folder, supervisor, life: tokio::spawn(life) };
    let waits = rig
        .until("waiting for the keychain", |facts| facts.state == SupervisorState::Locked { is_away: true });
    let (why, _) = waits.await.mistakes.unwrap();
    assert!(why.contains("client_key") && why.contains("there is none"), "{why}");
    keychain.0.store(true, Ordering::Relaxed);
    rig.supervisor.order(Order::Retry).await;
    let facts = rig.until_running().await;
    assert!(facts.mistakes.is_none() && facts.config.unwrap().config.server.client_key.is_some());
    rig.quit().await;
}

/// An address that is in use as long as the listener lives.
fn taken() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr.to_string())
}

#[tokio::test]
async fn without_settings_it_waits_for_them() {
    let rig = Rig::start(None);
    rig.until("nothing to do", |facts| facts.state == SupervisorState::Unconfigured).await;
    rig.write("client_name: late");
    rig.supervisor.order(Order::Reload).await;
    let facts = rig.until_running().await;
    assert_eq!(facts.worker.unwrap().name, "late");
    rig.quit().await;
}

#[tokio::test]
async fn mistakes_are_reported_and_corrected() {
    let rig = Rig::start(Some("max_concurrency: none"));
    let facts = rig.until("a mistake", |facts| facts.state == SupervisorState::Misconfigured).await;
    assert!(facts.mistakes.unwrap().0.contains("max_concurrency"));
    rig.write("max_concurrency: 3");
    rig.supervisor.order(Order::Reload).await;
    let facts = rig.until_running().await;
    assert_eq!((facts.mistakes, facts.worker.unwrap().max_concurrency), (None, 3));
    rig.quit().await;
}

#[tokio::test]
async fn a_running_worker_applies_valid_settings_only() {
    let rig = Rig::start(Some("client_name: before"));
    rig.until_running().await;
    rig.write("max_concurrency: none");
    rig.supervisor.order(Order::Reload).await;
    let facts = rig.until("a mistake", |facts| facts.mistakes.is_some()).await;
    assert_eq!((facts.state, facts.worker.unwrap().name.as_str()), (SupervisorState::Running, "before"));
    rig.write("client_name: after");
    rig.supervisor.order(Order::Reload).await;
    let is_after = |facts: &Facts| {
        facts.state == SupervisorState::Running
            && facts.worker.as_ref().is_some_and(|worker| worker.name == "after")
    };
    let facts = rig.until("the new name", is_after).await;
    assert_eq!((facts.mistakes, facts.crash), (None, None));
    rig.quit().await;
}

#[tokio::test]
async fn a_running_worker_reads_an_unchanged_file_once() {
    let rig = Rig::start(Some(""));
    rig.until_running().await;
    rig.write("max_concurrency: none");
    rig.supervisor.order(Order::Reload).await;
    let first = rig.until("a mistake", |facts| facts.mistakes.is_some()).await;
    rig.supervisor.order(Order::Reload).await;
    rig.supervisor.order(Order::Drain).await;
    let is_drained = |facts: &Facts| facts.worker.as_ref().is_some_and(|worker| worker.draining);
    let later = rig.until("drain", is_drained).await;
    assert_eq!(later.mistakes, first.mistakes, "found at the same time");
    rig.quit().await;
}

#[tokio::test]
async fn a_failed_worker_is_restarted() {
    let (listener, addr) = taken();
    let rig = Rig::start(Some(&format!("status_addr: {addr}")));
    let facts = rig.until("a failure", |facts| matches!(facts.state, SupervisorState::Failed(_))).await;
    let crash = facts.crash.unwrap();
    assert!(crash.times >= 1 && crash.why.contains(&addr), "{}", crash.why);
    drop(listener);
    rig.supervisor.order(Order::Retry).await;
    let facts = rig.until_running().await;
    assert_eq!(facts.crash, None, "reset on retry");
    rig.quit().await;
}

#[tokio::test]
async fn a_panic_is_a_failure_of_the_worker_only() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "");
    let config = ConfigPaths::new(&folder.path().join("worker.yaml"), folder.path()).load().unwrap().config;
    let started = Embedded::start(config, WorkerEnv::at(folder.path()), |_| panic!("on purpose")).await;
    let error = started.err().expect("its thread has panicked");
    assert!(format!("{error:#}").contains("failed"), "{error:#}");
}

#[tokio::test]
async fn drain_stop_start() {
    let rig = Rig::start(Some(""));
    rig.until_running().await;
    let is_draining = |wanted: bool| {
        move |facts: &Facts| facts.worker.as_ref().is_some_and(|worker| worker.draining == wanted)
    };
    rig.supervisor.order(Order::Drain).await;
    rig.until("drain", is_draining(true)).await;
    rig.supervisor.order(Order::Undrain).await;
    rig.until("undrain", is_draining(false)).await;
    rig.supervisor.order(Order::ShutdownWhenDone).await;
    rig.until("the end of the worker", |facts| facts.state == SupervisorState::Stopped).await;
    rig.supervisor.order(Order::Start).await;
    rig.until_running().await;
    rig.supervisor.order(Order::Stop).await;
    rig.until("the end of the worker", |facts| facts.state == SupervisorState::Stopped).await;
    rig.quit().await;
}

#[tokio::test]
async fn a_pause_outlives_the_app() {
    let rig = Rig::start(Some(""));
    rig.until_running().await;
    rig.supervisor.order(Order::Pause(Span::Resumed)).await;
    rig.until("a pause", |facts| {
        facts.pause.is_some() && facts.worker.as_ref().is_some_and(|worker| worker.draining)
    })
    .await;
    rig.supervisor.order(Order::QuitWithin(Duration::ZERO)).await;
    rig.until("the end", |facts| facts.state == SupervisorState::Ended).await;
    let (supervisor, life) = supervisor(rig.folder.path());
    let again = Rig { supervisor, life: tokio::spawn(life), folder: rig.folder };
    let facts = again.until_running().await;
    assert!(facts.pause.is_some() && facts.worker.unwrap().draining, "held from the start");
    again.supervisor.order(Order::Resume).await;
    again
        .until("no pause", |facts| {
            facts.pause.is_none() && facts.worker.as_ref().is_some_and(|worker| !worker.draining)
        })
        .await;
    again.quit().await;
}

#[tokio::test]
async fn sleep_holds_the_worker_and_a_pause_outlasts_it() {
    let rig = Rig::start(Some(""));
    rig.until_running().await;
    let is_held = |facts: &Facts| facts.worker.as_ref().is_some_and(|worker| worker.draining);
    rig.supervisor.order(Order::Sleep).await;
    rig.until("rest", |facts| facts.sleeping && is_held(facts)).await;
    // Orders in the meantime do not resume it.
    rig.supervisor.order(Order::Undrain).await;
    rig.supervisor.order(Order::Pause(Span::Resumed)).await;
    rig.until("a pause", |facts| facts.pause.is_some() && is_held(facts)).await;
    rig.supervisor.order(Order::Wake).await;
    rig.until("waking", |facts| !facts.sleeping && is_held(facts)).await;
    rig.supervisor.order(Order::Resume).await;
    rig.until("work", |facts| !is_held(facts)).await;
    rig.quit().await;
}

#[tokio::test]
async fn a_rule_and_a_pause_end_independently() {
    let rig = Rig::start(Some(""));
    rig.until_running().await;
    let is_held = |facts: &Facts| facts.worker.as_ref().is_some_and(|worker| worker.draining);
    rig.supervisor.order(Order::Rules(vec![Reason::OnBattery])).await;
    rig.until("the rule", |facts| facts.rule.is_some() && is_held(facts)).await;
    rig.supervisor.order(Order::Pause(Span::Resumed)).await;
    rig.until("a pause", |facts| facts.pause.is_some()).await;
    rig.supervisor.order(Order::Resume).await;
    let facts = rig.until("no pause", |facts| facts.pause.is_none()).await;
    assert!(facts.rule.is_some() && is_held(&facts), "the rule is still there");
    rig.supervisor.order(Order::Pause(Span::Resumed)).await;
    rig.supervisor.order(Order::Rules(Vec::new())).await;
    let facts = rig.until("no rule", |facts| facts.rule.is_none()).await;
    assert!(facts.pause.is_some() && is_held(&facts), "the pause is still there");
    rig.supervisor.order(Order::Resume).await;
    rig.until("neither", |facts| facts.pause.is_none() && !is_held(facts)).await;
    rig.quit().await;
}

#[tokio::test]
async fn the_first_worker_waits_for_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "");
    let paths = ConfigPaths::new(&folder.path().join("worker.yaml"), &folder.path().join("state"));
    let (supervisor, life) = Supervisor::new(paths, None, LogBuffer::default());
    let rig = Rig { folder, supervisor, life: tokio::spawn(life) };
    rig.supervisor.order(Order::Resume).await;
    rig.supervisor.order(Order::Rules(vec![Reason::OnBattery])).await;
    let facts = rig.until_running().await;
    assert!(facts.rule.is_some() && facts.worker.unwrap().draining, "held from the start");
    rig.quit().await;
}

#[tokio::test]
async fn a_rule_holds_the_next_worker_too_and_can_be_overridden() {
    let rig = Rig::start(Some(""));
    rig.until_running().await;
    let is_held = |wanted: bool| {
        move |facts: &Facts| facts.worker.as_ref().is_some_and(|worker| worker.draining == wanted)
    };
    let rules = |reasons: &[Reason]| Order::Rules(reasons.to_vec());
    rig.supervisor.order(rules(&[Reason::BatteryLow(18)])).await;
    rig.until("the rule", is_held(true)).await;
    rig.supervisor.order(Order::Stop).await;
    rig.until("the end of the worker", |facts| facts.state == SupervisorState::Stopped).await;
    rig.supervisor.order(Order::Start).await;
    let facts = rig.until_running().await;
    assert!(is_held(true)(&facts), "held from the start");
    rig.supervisor.order(Order::Resume).await;
    rig.until("the override", is_held(false)).await;
    rig.supervisor.order(rules(&[Reason::BatteryLow(17)])).await;
    rig.supervisor.order(rules(&[Reason::BatteryLow(17), Reason::BatterySaver])).await;
    let facts = rig.until("another rule", is_held(true)).await;
    assert_eq!(facts.rule, Some(Reason::BatterySaver));
    rig.quit().await;
}

#[tokio::test]
async fn quitting_can_be_cancelled_without_a_worker() {
    let rig = Rig::start(None);
    rig.until("nothing to do", |facts| facts.state == SupervisorState::Unconfigured).await;
    rig.supervisor.order(Order::Stay).await;
    rig.quit().await;
}
