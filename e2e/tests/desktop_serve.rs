//! The tray app's rules about when to serve: the test is the battery, the programs that run, and who edits the rules.
#![cfg(target_os = "linux")]

use llamapool_e2e::desktop::Desktop;
use llamapool_e2e::desktop::session::Session;
use llamapool_e2e::desktop::upower::UPower;
use llamapool_e2e::server::CLIENT_KEY;
use llamapool_e2e::{FakeLlm, MODEL, Script, Server, Worker, until};
use tokio::process::{Child, Command};

/// A server, a runtime, and an app with these rules between them.
struct Rig {
    server: Server,
    llm: FakeLlm,
    desktop: Desktop,
}

impl Rig {
    async fn start(rules: &str) -> Self {
        Self::with(Server::start().await, FakeLlm::start(&[MODEL]).await, rules, "").await
    }

    /// With more settings of the worker.
    async fn with(server: Server, llm: FakeLlm, rules: &str, more: &str) -> Self {
        let session = Session::start().await;
        let settings = format!(
            "server_url: {}\nclient_key: {CLIENT_KEY}\ncompletion_base_url: {}\nclient_name: desk\nmodel_poll_interval: 1s\n{more}",
            server.worker_url(),
            llm.url()
        );
        session.write_own(rules);
        let desktop = Desktop::launch(session, &settings, &["--hidden"]).await;
        Self { server, llm, desktop }
    }

    async fn until_state(&self, wanted: &str) {
        until(&format!("the server to see {wanted:?}"), async || {
            let state = self.server.get("/api/state").whole().await.expect_ok().json();
            let workers = state["workers"].as_array().expect("a list of workers");
            workers.iter().any(|worker| worker["status"] == wanted).then_some(())
        })
        .await;
    }

    async fn until_status(&self, wanted: &str) {
        self.desktop.tray().await.until_status(wanted).await;
    }

    async fn click(&self, row: &str) {
        self.desktop.tray().await.click(row).await;
    }

    /// Waits until it serves, and says so.
    async fn until_ready(&self) {
        self.until_status("Ready – 1 model").await;
        self.until_state("idle").await;
    }

    /// Waits until it does not, and says why.
    async fn until_paused(&self, why: &str) {
        self.until_status(why).await;
        self.until_state("draining").await;
    }
}

/// A machine with a battery on the bus of this app's session.
async fn battery(rig: &Rig) -> UPower {
    UPower::start(rig.desktop.session.bus()).await
}

#[tokio::test]
async fn on_battery_it_is_paused_unless_somebody_wants_it_anyway() {
    let rig = Rig::start("serve:\n  on_battery: never\n").await;
    // Nobody tells of a battery yet.
    rig.until_ready().await;
    let battery = battery(&rig).await;
    battery.unplug().await;
    rig.until_paused("Paused: on battery").await;
    let note = until("a notification", async || rig.desktop.session.watcher.notes().pop()).await;
    assert_eq!((note.title.as_str(), note.body.as_str()), ("Sharing paused", "Paused: on battery"));
    rig.click("Share anyway").await;
    rig.until_ready().await;
    battery.plug().await;
    battery.unplug().await;
    rig.until_paused("Paused: on battery").await;
    battery.plug().await;
    rig.until_ready().await;
    assert_eq!(rig.desktop.session.watcher.notes().len(), 1, "the same is told once in half an hour");
}

#[tokio::test]
async fn what_runs_is_finished_and_a_pause_is_another_matter() {
    let rig = Rig::start("serve:\n  on_battery: never\n").await;
    let battery = battery(&rig).await;
    rig.until_ready().await;
    let request = tokio::spawn(rig.server.chat(MODEL, &Script::stepped(3)).try_send());
    rig.until_status("Ready – 1 model – 1 request running").await;
    battery.unplug().await;
    rig.until_paused("Paused: on battery – finishing 1 request").await;
    rig.llm.step(9);
    let reply = request.await.expect("a task").expect("an answer").whole().await;
    assert!(reply.text().contains("[DONE]"), "the request was finished");
    rig.click("Share anyway").await;
    rig.until_ready().await;
    rig.click("For 1 hour").await;
    rig.until_paused("Paused until ").await;
    battery.plug().await;
    battery.unplug().await;
    rig.click("Resume sharing").await;
    rig.until_paused("Paused: on battery").await;
}

#[tokio::test]
async fn a_battery_is_low_until_it_is_charged_and_may_be_saved() {
    let rules = "serve:\n  on_battery: above\n  battery_low: 20\n  battery_high: 50\n  pause_in_battery_saver: true\n";
    let rig = Rig::start(rules).await;
    let first = battery(&rig).await;
    rig.until_ready().await;
    first.unplug().await;
    first.charge(18.4).await;
    rig.until_paused("Paused: battery at 18 %").await;
    first.charge(49.0).await;
    rig.until_paused("Paused: battery at 49 %").await;
    first.charge(50.0).await;
    rig.until_ready().await;
    first.save(true).await;
    rig.until_paused("Paused: battery saver is on").await;
    // It ends, and another comes in its place.
    drop(first);
    rig.until_ready().await;
    let second = battery(&rig).await;
    second.unplug().await;
    second.charge(3.0).await;
    rig.until_paused("Paused: battery at 3 %").await;
}

/// A program of this name that runs until it is dropped.
fn program(folder: &std::path::Path, name: &str) -> Child {
    let file = folder.join(name);
    std::fs::copy("/usr/bin/sleep", &file).expect("the home takes files");
    Command::new(&file).arg("1000").kill_on_drop(true).spawn().expect("it can be run")
}

#[tokio::test]
async fn it_waits_for_programs_and_follows_an_edit_of_its_rules() {
    let rig = Rig::start("").await;
    rig.until_ready().await;
    let session = &rig.desktop.session;
    let mut game = program(session.home(), "SomeGame");
    session.write_own("serve:\n  pause_while: [other, somegame.exe]\n");
    rig.until_paused("Paused: somegame.exe is running").await;
    // A mistake is said, and the rest counts.
    session.write_own("serve:\n  pause_while: [someGAME]\n  battery_low: 99\n");
    until("the mistake in the log", async || rig.desktop.has_logged("serve.battery_low").then_some(())).await;
    rig.until_paused("Paused: someGAME is running").await;
    game.kill().await.expect("it ends");
    let patience = llamapool_e2e::wait::PATIENCE * 2;
    rig.desktop.tray().await.until_status_within(patience, "Ready – 1 model").await;
    rig.until_state("idle").await;
}

#[tokio::test]
async fn at_other_hours_it_says_when() {
    let rig = Rig::start("").await;
    rig.until_ready().await;
    let date = Command::new("date").arg("+%H").output().await.expect("the time of day is known");
    let hour = String::from_utf8(date.stdout).expect("digits").trim().parse::<u32>().expect("an hour");
    // Half a day away, so that it is neither now nor soon.
    let from = format!("{:02}:00", (hour + 12) % 24);
    let to = format!("{:02}:30", (hour + 12) % 24);
    let rules = format!("serve:\n  only_in_hours: true\n  from: {from}\n  to: {to}\n");
    rig.desktop.session.write_own(&rules);
    rig.until_paused(&format!("Paused: until {from}")).await;
    let always = "serve:\n  only_in_hours: true\n  from: 00:00\n  to: 00:00\n";
    rig.desktop.session.write_own(always);
    rig.until_ready().await;
}

#[tokio::test]
async fn a_service_is_held_in_the_same_way_and_left_free() {
    let (server, llm) = (Server::start().await, FakeLlm::start(&[MODEL]).await);
    let mut service = Worker::with(
        "service",
        &server.worker_url(),
        &llm,
        &[("STATUS_ADDR", "127.0.0.1:0"), ("MODEL_POLL_INTERVAL", "1s")],
    );
    let status = service.status().await;
    server.until_owners(MODEL, 1).await;
    let more = format!("status_addr: {}\nstate_dir: {}\n", status.addr, service.state_dir().display());
    let rig = Rig::with(server, llm, "serve:\n  on_battery: never\n", &more).await;
    let battery = battery(&rig).await;
    rig.until_ready().await;
    battery.unplug().await;
    rig.until_paused("Paused: on battery").await;
    // It is killed, and comes back when the rule does not apply any more: there is no battery on that bus.
    let Rig { server, llm, desktop } = rig;
    let session = desktop.killed().await;
    drop(battery);
    let rig = Rig { server, llm, desktop: Desktop::resume(session, &["--hidden"]) };
    rig.until_ready().await;
    // It ends while the rule applies.
    let battery = self::battery(&rig).await;
    battery.unplug().await;
    rig.until_paused("Paused: on battery").await;
    rig.click("Quit").await;
    let Rig { server, desktop, .. } = rig;
    desktop.ended().await;
    until("a service that serves", async || (server.owners(MODEL).await == 1).then_some(())).await;
    assert!(service.runs(), "the service goes on");
}
