//! The tray app on a real screen: its icon, its menu, and what the server sees of a click.
#![cfg(target_os = "linux")]

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use http::{Request, StatusCode};
use llamapool_e2e::client::Ask;
use llamapool_e2e::desktop::session::Session;
use llamapool_e2e::desktop::watcher::Scheme;
use llamapool_e2e::desktop::{Desktop, launch_again};
use llamapool_e2e::process::binary;
use llamapool_e2e::server::CLIENT_KEY;
use llamapool_e2e::{FakeLlm, MODEL, Script, Server, Worker, secs, until};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// A server, a runtime, and the settings of an app that works between them.
struct Rig {
    server: Server,
    llm: FakeLlm,
    settings: String,
}

impl Rig {
    async fn start() -> Self {
        // So that a worker that comes back is let in at once.
        let server = Server::start().await;
        let llm = FakeLlm::start(&[MODEL]).await;
        let settings = format!(
            "# Written by hand.\nserver_url: {}\nclient_key: {CLIENT_KEY}\ncompletion_base_url: {}\nclient_name: desk\nmodel_poll_interval: 1s\n",
            server.worker_url(),
            llm.url()
        );
        Self { server, llm, settings }
    }

    /// The app, at work.
    async fn desktop(&self) -> Desktop {
        let desktop = Desktop::start(&self.settings).await;
        desktop.tray().await.until_status("Ready – 1 model").await;
        desktop
    }

    /// A worker service, and the settings of an app that finds it.
    async fn service(&self) -> (Worker, String) {
        let env = [("STATUS_ADDR", "127.0.0.1:0"), ("MODEL_POLL_INTERVAL", "1s")];
        let mut service = Worker::with("service", &self.server.worker_url(), &self.llm, &env);
        let status = service.status().await;
        self.server.until_owners(MODEL, 1).await;
        let state = service.state_dir().display();
        let settings = format!("{}status_addr: {}\nstate_dir: {state}\n", self.settings, status.addr);
        (service, settings)
    }

    /// The server's word for the state of the worker that is there.
    async fn state(&self) -> String {
        let state = self.server.get("/api/state").whole().await.expect_ok().json();
        let workers = state["workers"].as_array().expect("a list of workers");
        let here = workers.iter().find(|worker| worker["status"] != "gone");
        here.and_then(|worker| worker["status"].as_str()).unwrap_or("nobody").to_owned()
    }

    async fn until_state(&self, wanted: &str) {
        until(&format!("the server to see {wanted:?}"), async || {
            (self.state().await == wanted).then_some(())
        })
        .await;
    }

    async fn worker(&self) -> Value {
        let state = self.server.get("/api/state").whole().await.expect_ok().json();
        state["workers"][0].clone()
    }
}

#[tokio::test]
async fn the_icon_is_there_and_the_menu_tells_the_truth() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let tray = desktop.tray().await;
    // Nothing that is built in a test has the key that releases are signed with. The app finds that out while it starts.
    let updates_off = "Updates are off: this build has no release key";
    tray.until_row(updates_off, |row| row.enabled).await;
    let labels = tray.labels().await;
    let server = rig.server.addr.to_string();
    assert!(labels[1].starts_with(&server), "{labels:?}");
    let wanted = [
        "Pause sharing",
        "Stop taking requests",
        "Disconnect when finished",
        "Models",
        "",
        "Open llamapool",
        "Preferences…",
        "Copy API endpoint",
        "Logs and help",
        "Start at login",
        updates_off,
        "",
        "Quit",
    ];
    assert_eq!(labels[3..], wanted);
    let all = tray.all().await;
    for label in ["View logs…", "Run diagnostics…", "Open log folder", "About llamapool"] {
        assert!(all.iter().any(|row| row.label == label && row.enabled), "{label} is not in the menu");
    }
    let model = tray.until_row(MODEL, |_| true).await;
    assert_eq!(model.checked, Some(true));
    assert!(!tray.picture().await.is_empty());
    assert_eq!(desktop.windows().await, [""; 0], "no window was asked for");
}

#[tokio::test]
async fn the_icon_follows_the_panel_unless_its_owner_chose_one() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let (tray, watcher) = (desktop.tray().await, &desktop.session.watcher);
    let another = async |known: &[&Vec<u8>]| {
        until("another icon", async || {
            let picture = tray.picture().await;
            (!known.contains(&&picture)).then_some(picture)
        })
        .await
    };
    let colour = tray.picture().await;
    watcher.prefer(Scheme::Light).await;
    let light = another(&[&colour]).await;
    watcher.prefer(Scheme::Dark).await;
    another(&[&colour, &light]).await;
    let own = desktop.session.settings().with_file_name("desktop.yaml");
    for (choice, wanted) in [("light", light), ("colour", colour)] {
        std::fs::write(&own, format!("icon: {choice}\n")).expect("the home takes files");
        until(choice, async || (tray.picture().await == wanted).then_some(())).await;
    }
}

#[tokio::test]
async fn drain_and_undrain() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let tray = desktop.tray().await;
    let ready = tray.picture().await;
    tray.click("Stop taking requests").await;
    rig.until_state("draining").await;
    tray.until_status("Not taking requests").await;
    until("another icon", async || (tray.picture().await != ready).then_some(())).await;
    tray.click("Start taking requests").await;
    rig.until_state("idle").await;
    tray.until_status("Ready").await;
}

#[tokio::test]
async fn a_pause_is_seen_and_outlives_the_app() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    desktop.tray().await.click("For 1 hour").await;
    rig.until_state("draining").await;
    desktop.tray().await.until_status("Paused until ").await;
    desktop.tray().await.click("Quit").await;
    let session = desktop.ended().await;
    let desktop = Desktop::resume(session, &["--hidden"]);
    desktop.tray().await.until_status("Paused until ").await;
    rig.until_state("draining").await;
    until("a notification", async || desktop.session.watcher.notes().pop()).await;
    desktop.tray().await.click("Resume sharing").await;
    rig.until_state("idle").await;
}

#[tokio::test]
async fn requests_are_counted_and_finished_before_quitting() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let tray = desktop.tray().await;
    let request = tokio::spawn(rig.server.chat(MODEL, &Script::stepped(3)).try_send());
    tray.until_status("Ready – 1 model – 1 request running").await;
    tray.click("Finish 1 request, then quit").await;
    tray.until_status("Quitting – finishing 1 request").await;
    rig.until_state("draining").await;
    tray.click("Don’t quit").await;
    rig.until_state("working").await;
    tray.click("Finish 1 request, then quit").await;
    rig.until_state("draining").await;
    rig.llm.step(9);
    let reply = request.await.expect("a task").expect("an answer").whole().await;
    assert!(reply.text().contains("[DONE]"), "the request was finished");
    desktop.ended().await;
    rig.until_state("nobody").await;
}

#[tokio::test]
async fn quit_now_does_not_wait() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let request = tokio::spawn(rig.server.chat(MODEL, &Script::stepped(3)).try_send());
    desktop.tray().await.click("Quit now").await;
    desktop.ended().await;
    let reply = request.await.expect("a task");
    assert!(reply.is_err() || reply.is_ok_and(|reply| reply.status >= 500), "the request was cut off");
}

#[tokio::test]
async fn an_installer_asks_for_the_end() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let request = tokio::spawn(rig.server.chat(MODEL, &Script::stepped(3)).try_send());
    desktop.tray().await.until_status("Ready – 1 model – 1 request").await;
    desktop.launch_again(&["--quit"]).await;
    rig.until_state("draining").await;
    rig.llm.step(9);
    let reply = request.await.expect("a task").expect("an answer").whole().await;
    assert!(reply.text().contains("[DONE]"), "the request was finished");
    let session = desktop.ended().await;
    launch_again(&session, &["--quit"]).await;
    assert!(session.watcher.item().await.is_none(), "where none runs, none is started");
}

#[tokio::test]
async fn the_systems_word_drains_with_a_short_deadline() {
    let rig = Rig::start().await;
    let mut desktop = rig.desktop().await;
    let request = tokio::spawn(rig.server.chat(MODEL, &Script::stepped(3)).try_send());
    desktop.tray().await.until_status("Ready – 1 model – 1 request").await;
    desktop.sigterm();
    rig.until_state("draining").await;
    let (took, code) = desktop.wait_exit(secs(20)).await;
    assert_eq!(code, Some(0));
    assert!(took < secs(15), "it took {took:?} with a request that does not end");
    drop(request);
}

#[tokio::test]
async fn the_worker_is_shut_down_and_started_again() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let tray = desktop.tray().await;
    tray.click("Disconnect when finished").await;
    tray.until_status("Stopped").await;
    rig.until_state("nobody").await;
    tray.click("Start sharing").await;
    tray.until_status("Ready – 1 model").await;
    rig.until_state("idle").await;
}

#[tokio::test]
async fn a_runtime_that_goes_and_comes_is_shown() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let tray = desktop.tray().await;
    rig.llm.go_away();
    tray.until_status("The OpenAI-compatible runtime isn’t responding").await;
    rig.llm.come_back();
    tray.until_status("Ready – 1 model").await;
    rig.llm.set_models(&[MODEL, "another"]);
    tray.until_status("Ready – 2 models").await;
    tray.until_row("another", |row| row.checked == Some(true)).await;
}

#[tokio::test]
async fn a_panic_of_the_worker_is_not_the_apps() {
    let rig = Rig::start().await;
    let mut desktop = rig.desktop().await;
    desktop.may_panic();
    let before = rig.worker().await["connected_at"].clone();
    desktop.signal_usr2();
    until("another connection", async || (rig.worker().await["connected_at"] != before).then_some(())).await;
    desktop.tray().await.until_status("Ready – 1 model").await;
    assert!(desktop.has_logged("Worker failed"));
}

/// Without one of its tasks the app would be an icon that shows nothing new: it ends instead.
#[tokio::test]
async fn a_panic_of_the_app_is_its_end() {
    let rig = Rig::start().await;
    let mut desktop = rig.desktop().await;
    desktop.may_panic();
    desktop.signal_usr1();
    assert_eq!(desktop.wait_exit(secs(10)).await.1, Some(1));
    assert!(desktop.has_logged("Stopped by an error") && desktop.has_logged("SIGUSR1"));
    until("the worker to be gone", async || (rig.server.owners(MODEL).await == 0).then_some(())).await;
}

#[tokio::test]
async fn a_hand_edit_is_followed_unless_it_is_wrong() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    desktop.session.write_settings(&format!("{}max_concurrency: none\n", rig.settings));
    until("the mistake in the log", async || desktop.has_logged("max_concurrency").then_some(())).await;
    assert_eq!(rig.state().await, "idle", "a mistake changes nothing");
    desktop.session.write_settings(&rig.settings.replace("client_name: desk", "client_name: other"));
    until("the new name at the server", async || {
        let state = rig.server.get("/api/state").whole().await.json();
        let mut workers = state["workers"].as_array().cloned().unwrap_or_default().into_iter();
        workers.find(|worker| worker["name"] == "other" && worker["status"] == "idle")
    })
    .await;
}

#[tokio::test]
async fn a_model_is_withheld_by_a_click() {
    let rig = Rig::start().await;
    rig.llm.set_models(&[MODEL, "private"]);
    let desktop = Desktop::start(&rig.settings).await;
    let tray = desktop.tray().await;
    rig.server.until_models(&[MODEL, "private"]).await;
    tray.click("private").await;
    rig.server.until_models(&[MODEL]).await;
    tray.until_row("private", |row| row.checked == Some(false)).await;
    let written = std::fs::read_to_string(desktop.settings()).expect("the settings are there");
    assert!(written.starts_with("# Written by hand.\n") && written.contains("private"), "{written}");
    tray.click("private").await;
    rig.server.until_models(&[MODEL, "private"]).await;
}

#[tokio::test]
async fn start_at_login_is_what_the_system_says() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let tray = desktop.tray().await;
    let entry = desktop.session.home().join(".config/autostart/llamapool.desktop");
    assert!(!entry.exists(), "nobody has asked for it");
    tray.click("Start at login").await;
    tray.until_row("Start at login", |row| row.checked == Some(true)).await;
    // The mark is there with the click, the entry a moment later.
    let line = format!("Exec=\"{}\" --hidden", binary("llamapool").display());
    let written =
        async || std::fs::read_to_string(&entry).is_ok_and(|text| text.contains(&line)).then_some(());
    until("an entry that starts it", written).await;
    std::fs::remove_file(&entry).expect("a person removes it");
    tray.until_row("Start at login", |row| row.checked == Some(false)).await;
}

#[tokio::test]
async fn a_second_launch_shows_the_first() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    desktop.launch_again(&["--hidden"]).await;
    assert_eq!(desktop.windows().await, [""; 0], "hidden is hidden");
    desktop.launch_again(&[]).await;
    desktop.until_windows(1).await;
    desktop.launch_again(&[]).await;
    assert_eq!(desktop.windows().await.len(), 1, "the same window again");
    assert_eq!(rig.server.owners(MODEL).await, 1, "one worker");
}

#[tokio::test]
async fn without_a_server_it_asks_for_one() {
    // Nothing, and what is there after a skipped first run in which something else was chosen.
    for settings in ["", "client_name: desk\n"] {
        let session = Session::start().await;
        let desktop = Desktop::launch(session, settings, &[]).await;
        desktop.until_windows(1).await;
        let tray = desktop.tray().await;
        tray.until_status("Not set up yet").await;
        tray.until_row("Set up…", |row| row.enabled).await;
        tray.click("Quit").await;
        desktop.ended().await;
    }
}

#[tokio::test]
async fn a_worker_service_is_attached_to() {
    let rig = Rig::start().await;
    let (mut service, settings) = rig.service().await;
    let desktop = Desktop::start(&settings).await;
    let tray = desktop.tray().await;
    tray.until_status("Ready – 1 model").await;
    tray.until_row("Quit (background service keeps running)", |row| row.enabled).await;
    tray.click("Until I resume").await;
    rig.until_state("draining").await;
    tray.until_status("Paused").await;
    tray.click("Resume sharing").await;
    rig.until_state("idle").await;
    tray.until_status("Ready").await;
    // What nobody did here is seen too.
    rig.llm.set_models(&[MODEL, "another"]);
    tray.until_status("Ready – 2 models").await;
    let request = tokio::spawn(rig.server.chat(MODEL, &Script::stepped(3)).try_send());
    tray.until_status("Ready – 2 models – 1 request running").await;
    rig.llm.step(9);
    request.await.expect("a task").expect("an answer").whole().await;
    tray.until_row("Ready – 2 models", |row| !row.label.contains("running")).await;
    tray.click("Quit").await;
    desktop.ended().await;
    assert!(service.runs(), "the service goes on");
    assert_eq!(rig.server.owners(MODEL).await, 1, "there was never a second worker");
}

#[tokio::test]
async fn a_service_that_comes_back_is_attached_to_again() {
    let rig = Rig::start().await;
    let (service, settings) = rig.service().await;
    let desktop = Desktop::start(&settings).await;
    let tray = desktop.tray().await;
    tray.until_status("Ready – 1 model").await;
    service.sigkill();
    tray.until_status("Stopped").await;
    let state = service.state_dir().display().to_string();
    let addr = settings.lines().find_map(|line| line.strip_prefix("status_addr: ")).expect("an address");
    let again = [("STATUS_ADDR", addr), ("STATE_DIR", &state), ("MODEL_POLL_INTERVAL", "1s")];
    let _service = Worker::with("service", &rig.server.worker_url(), &rig.llm, &again);
    tray.until_status("Ready – 1 model").await;
    tray.click("Until I resume").await;
    rig.until_state("draining").await;
}

/// A program that listens where a service is expected, has the real one answer, and notes everything it hears.
async fn impostor(real: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let addr = listener.local_addr().expect("a bound socket has an address");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    let relay = axum::Router::new().fallback(move |request: Request<axum::body::Body>| {
        let notes = Arc::clone(&notes);
        async move {
            let (head, _) = request.into_parts();
            notes
                .lock()
                .expect("no test panics with it")
                .push(format!("{} {} {:?}", head.method, head.uri, head.headers));
            let whole = Ask::new(real, head.method, &head.uri.to_string()).whole().await;
            (StatusCode::from_u16(whole.status).expect("a status"), whole.body)
        }
    });
    let task =
        tokio::spawn(async move { axum::serve(listener, relay).await.expect("it serves until the end") });
    (addr, heard, AbortOnDropHandle::new(task))
}

#[tokio::test]
async fn the_control_token_is_not_sent_to_a_program_that_does_not_know_it() {
    let rig = Rig::start().await;
    let (mut service, settings) = rig.service().await;
    let real = service.status().await;
    let (addr, heard, _task) = impostor(real.addr).await;
    let settings = settings.replace(&real.addr.to_string(), &addr.to_string());
    let desktop = Desktop::start(&settings).await;
    desktop.tray().await.until_status("Another worker is running on this computer").await;
    let heard = heard.lock().expect("no test panics with it").join("\n");
    assert!(heard.contains("GET /status") && heard.contains("GET /control/proof?nonce="), "{heard}");
    assert!(!heard.contains(&real.token), "{heard}");
}

#[tokio::test]
async fn a_lost_server_is_waited_for_aloud() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    rig.server.sigkill();
    let tray = desktop.tray().await;
    tray.until_row("Reconnecting", |row| !row.enabled).await;
    tray.until_row("Try again now", |row| row.enabled).await;
}

/// What the app turns off for its own windows is not off for others.
#[tokio::test]
async fn what_is_opened_may_use_the_graphics_card() {
    let session = Session::start().await;
    let said = session.home().join("said");
    let folder = session.home().join("bin");
    std::fs::create_dir(&folder).expect("a folder in the home");
    let script = format!("#!/bin/sh\n(echo \"$1\"; env) > {0}.new && mv {0}.new {0}\n", said.display());
    std::fs::write(folder.join("xdg-open"), script).expect("a program in the home");
    std::fs::set_permissions(folder.join("xdg-open"), Permissions::from_mode(0o755)).expect("ours");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("a path"));
    let desktop = Desktop::of_program(session, &binary("llamapool"), &[("PATH", path)]);
    desktop.tray().await.click("Documentation").await;
    let said = until("the page to be opened", async || std::fs::read_to_string(&said).ok()).await;
    assert!(said.starts_with("https://") && said.contains("DISPLAY="), "{said}");
    assert!(!said.contains("GDK_GL") && !said.contains("EGL"), "{said}");
}

/// A page that is drawn has more colours than an empty one: letters are smoothed.
const DRAWN: usize = 24;

/// Some caches. A page of text takes ten times as much. Bytes.
const LITTLE: u64 = 8 << 20;

/// Pages are drawn by WebKit's own processes, which end with the window; the app's own memory grows little.
#[tokio::test]
async fn a_closed_window_is_no_burden() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let before = desktop.private_memory();
    for _ in 0..2 {
        desktop.tray().await.click("Open llamapool").await;
        desktop.until_windows(1).await;
        until("the window to be drawn", async || (desktop.session.colours() > DRAWN).then_some(())).await;
        desktop.session.close_windows();
        desktop.until_windows(0).await;
        until("its memory to be freed", async || (desktop.private_memory() < before + LITTLE).then_some(()))
            .await;
    }
    let libraries = desktop.libraries();
    for driver in ["_dri.so", "libLLVM", "libgallium"] {
        assert!(!libraries.contains(driver), "{driver} was loaded, and stays");
    }
}

/// A debug build takes some 110 MiB, of which most is the window toolkit; a page would take as much again.
#[tokio::test]
async fn without_a_window_there_is_no_browser() {
    let rig = Rig::start().await;
    let desktop = rig.desktop().await;
    let memory = desktop.memory() >> 20;
    assert!(memory < 150, "{memory} MiB");
}
