//! The tray app and the machine's sleep, as systemd-logind and desktops have it. The test is both.
#![cfg(target_os = "linux")]

use llamapool_e2e::desktop::Desktop;
use llamapool_e2e::desktop::login::{Login, SessionManager};
use llamapool_e2e::desktop::session::Session;
use llamapool_e2e::desktop::system_bus::SystemBus;
use llamapool_e2e::process::binary;
use llamapool_e2e::server::CLIENT_KEY;
use llamapool_e2e::{FakeLlm, MODEL, Script, Server, secs, until, until_within};

/// A server, a runtime, an app between them, and the machine.
struct Rig {
    server: Server,
    llm: FakeLlm,
    bus: SystemBus,
    desktop: Desktop,
}

impl Rig {
    /// With these preferences of the app.
    async fn start(bus: SystemBus, session: Session, own: &str) -> Self {
        let (server, llm) = (Server::start().await, FakeLlm::start(&[MODEL]).await);
        session.write_settings(&format!(
            "server_url: {}\nclient_key: {CLIENT_KEY}\ncompletion_base_url: {}\nclient_name: desk\n",
            server.worker_url(),
            llm.url()
        ));
        let file = session.settings().with_file_name("desktop.yaml");
        std::fs::write(file, own).expect("the home takes files");
        let env = [("DBUS_SYSTEM_BUS_ADDRESS", bus.address().to_owned())];
        let desktop = Desktop::of_program(session, &binary("llamapool"), &env);
        desktop.tray().await.until_status("Ready – 1 model").await;
        Self { server, llm, bus, desktop }
    }

    /// On a machine that says when it sleeps.
    async fn with_login(own: &str) -> (Login, Self) {
        let bus = SystemBus::start().await;
        let login = Login::start(bus.address()).await;
        (login, Self::start(bus, Session::start().await, own).await)
    }

    /// The server's word for the state of the worker that is there, and since when that is connected.
    async fn worker(&self) -> (String, String) {
        let state = self.server.get("/api/state").whole().await.expect_ok().json();
        let workers = state["workers"].as_array().expect("a list of workers");
        let here = workers.iter().find(|worker| worker["status"] != "gone");
        let text = |key: &str| here.map_or(String::new(), |worker| worker[key].to_string());
        (text("status").trim_matches('"').to_owned(), text("connected_at"))
    }

    async fn until_state(&self, wanted: &str) {
        until(&format!("the server to see {wanted:?}"), async || {
            (self.worker().await.0 == wanted).then_some(())
        })
        .await;
    }

    /// A request that runs until it is told to go on.
    async fn busy(&self) -> tokio::task::JoinHandle<()> {
        let request = self.server.chat(MODEL, &Script::stepped(3)).try_send();
        let request = tokio::spawn(async move {
            let reply = request.await.expect("an answer").whole().await;
            assert!(reply.text().contains("[DONE]"), "the request was finished");
        });
        self.desktop.tray().await.until_status("Ready – 1 model – 1 request").await;
        request
    }
}

#[tokio::test]
async fn the_server_is_told_before_the_machine_sleeps() {
    let (login, rig) = Rig::with_login("").await;
    login.until_held("sleep", 1).await;
    let lock = login.locks().remove(0);
    assert_eq!((lock.who.as_str(), lock.mode.as_str()), ("llamapool", "delay"));
    let (_, before) = rig.worker().await;

    login.prepare_for_sleep(true).await;
    login.until_held("sleep", 0).await;
    assert_eq!(rig.worker().await.0, "draining", "the server knew before the machine slept");
    let tray = rig.desktop.tray().await;
    tray.until_status("Going to sleep").await;

    login.prepare_for_sleep(false).await;
    tray.until_status("Ready – 1 model").await;
    rig.until_state("idle").await;
    assert_ne!(rig.worker().await.1, before, "nobody relies on a connection from before the sleep");
    login.until_held("sleep", 1).await;
    assert_eq!(login.held("idle"), 0, "nobody wants the machine to stay awake");
    tray.click("Quit").await;
    rig.desktop.ended().await;
    login.until_held("sleep", 0).await;
}

#[tokio::test]
async fn what_runs_is_finished_before_the_machine_sleeps() {
    let (login, rig) = Rig::with_login("").await;
    login.until_held("sleep", 1).await;
    let request = rig.busy().await;
    login.prepare_for_sleep(true).await;
    rig.until_state("draining").await;
    rig.desktop.tray().await.until_status("Going to sleep – finishing 1 request").await;
    rig.llm.step(9);
    request.await.expect("a whole answer");
    login.until_held("sleep", 0).await;
}

#[tokio::test]
async fn a_request_that_does_not_end_keeps_no_machine_awake() {
    let (login, rig) = Rig::with_login("").await;
    login.until_held("sleep", 1).await;
    let request = rig.busy().await;
    login.prepare_for_sleep(true).await;
    login.until_held("sleep", 0).await;
    // It did not sleep for long: what runs goes on, on the same connection.
    login.prepare_for_sleep(false).await;
    login.until_held("sleep", 1).await;
    rig.desktop.tray().await.until_status("Ready – 1 model – 1 request").await;
    rig.llm.step(9);
    request.await.expect("a whole answer");
}

#[tokio::test]
async fn a_logind_that_comes_again_is_asked_again() {
    let bus = SystemBus::start().await;
    let rig = Rig::start(bus, Session::start().await, "").await;
    for _ in 0..2 {
        let login = Login::start(rig.bus.address()).await;
        login.until_held("sleep", 1).await;
        login.prepare_for_sleep(true).await;
        rig.until_state("draining").await;
        // One that ends in the midst of it never says that the machine is awake.
        login.end().await;
    }
    let login = Login::start(rig.bus.address()).await;
    login.until_held("sleep", 1).await;
    rig.until_state("idle").await;
}

#[tokio::test]
async fn the_machine_stays_awake_while_requests_run() {
    let (login, rig) = Rig::with_login("hold_sleep: true\n").await;
    assert_eq!(login.held("idle"), 0, "nothing runs");
    let request = rig.busy().await;
    login.until_held("idle", 1).await;
    let lock = login.locks().into_iter().find(|lock| lock.what == "idle").expect("it is held");
    assert_eq!((lock.who.as_str(), lock.mode.as_str()), ("llamapool", "block"));
    rig.llm.step(9);
    request.await.expect("a whole answer");
    // Half a minute later, as the next one may come.
    until_within(secs(60), "the machine may sleep", async || (login.held("idle") == 0).then_some(())).await;
}

#[tokio::test]
async fn a_desktop_that_decides_is_asked_instead() {
    let bus = SystemBus::start().await;
    let (login, session) = (Login::start(bus.address()).await, Session::start().await);
    let gnome = SessionManager::start(&session).await;
    let rig = Rig::start(bus, session, "hold_sleep: true\n").await;
    let request = rig.busy().await;
    until("the desktop to be asked", async || (gnome.holders().await == 1).then_some(())).await;
    assert_eq!(login.held("idle"), 0, "once is enough");
    // A change of mind counts at once.
    let file = rig.desktop.settings().with_file_name("desktop.yaml");
    std::fs::write(file, "hold_sleep: false\n").expect("the home takes files");
    until("the desktop to be let go", async || (gnome.holders().await == 0).then_some(())).await;
    rig.llm.step(9);
    request.await.expect("a whole answer");
}
