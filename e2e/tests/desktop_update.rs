//! The tray app updates itself: fetched at a click, put in place at another, and taken back if it does not do as well as the one before.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::time::Duration;

use llamapool_e2e::desktop::Desktop;
use llamapool_e2e::desktop::session::Session;
use llamapool_e2e::process::binary;
use llamapool_e2e::releases::{lean, newer_version};
use llamapool_e2e::server::CLIENT_KEY;
use llamapool_e2e::{FakeLlm, MODEL, Releases, Server, secs, until_within};

/// A whole app ends and another starts, of debug builds, on a machine that has more to do.
const LONG: Duration = secs(60);

const PROGRAM: &str = "llamapool";

/// An app that was unpacked in a folder, at work, and a newer release of it.
struct Rig {
    server: Server,
    _llm: FakeLlm,
    desktop: Desktop,
    before: Vec<u8>,
    exe: PathBuf,
}

impl Rig {
    async fn start(releases: &Releases) -> Self {
        let (server, llm) = (Server::start().await, FakeLlm::start(&[MODEL]).await);
        let session = Session::start().await;
        session.write_settings(&format!(
            "server_url: {}\nclient_key: {CLIENT_KEY}\ncompletion_base_url: {}\nclient_name: desk\n",
            server.worker_url(),
            llm.url()
        ));
        let (exe, before) = (session.home().join(PROGRAM), lean(&binary(PROGRAM)));
        std::fs::write(&exe, &before).expect("the home takes files");
        std::fs::set_permissions(&exe, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
        let mut env = releases.environment().to_vec();
        // Long enough for a debug build on a busy machine, and no minute.
        env.push(("LLAMAPOOL_TEST_PROVEN_SECS", "12".to_owned()));
        let desktop = Desktop::of_program(session, &exe, &env);
        desktop.tray().await.until_status("Ready – 1 model").await;
        Self { server, _llm: llm, desktop, before, exe }
    }

    /// Fetches the newer version.
    async fn fetch(&self) {
        let tray = self.desktop.tray().await;
        tray.click("Check for updates").await;
        tray.until_row(&offer(), |row| row.enabled).await;
        assert!(self.is_before(), "it is only fetched");
    }

    /// Has it put in place.
    async fn restart(&mut self) {
        self.desktop.tray().await.click(&offer()).await;
        until_within(LONG, "the end of the one before", async || (!self.desktop.runs()).then_some(())).await;
    }

    fn is_before(&self) -> bool {
        std::fs::read(&self.exe).expect("the program") == self.before
    }

    /// What is logged by the app, whichever version of it runs.
    async fn until_logged(&self, words: &str) {
        until_within(LONG, words, async || self.desktop.has_logged(words).then_some(())).await;
    }

    /// Ends the app, which is no child of this test any more.
    async fn quit(self) {
        self.desktop.tray().await.click("Quit").await;
        let watcher = &self.desktop.session.watcher;
        until_within(LONG, "its end", async || watcher.item().await.is_none().then_some(())).await;
    }
}

/// The row of the menu.
fn offer() -> String {
    format!("Restart to update to {}", newer_version())
}

#[tokio::test]
async fn a_newer_version_proves_itself() {
    let releases = Releases::newer(PROGRAM).await;
    let mut rig = Rig::start(&releases).await;
    rig.fetch().await;
    rig.restart().await;
    rig.until_logged(&format!("{PROGRAM} version={}", newer_version())).await;
    rig.until_logged("Update confirmed").await;
    rig.desktop.tray().await.until_status("Ready – 1 model").await;
    assert!(!rig.is_before());
    assert_eq!(rig.desktop.windows().await, [""; 0], "nobody has asked for a window");
    assert_eq!(rig.server.owners(MODEL).await, 1, "one worker");
    rig.quit().await;
}

#[tokio::test]
async fn an_appimage_is_told_of_a_newer_one() {
    let releases = Releases::newer(PROGRAM).await;
    let mut env = releases.environment().to_vec();
    env.push(("APPIMAGE", "/opt/llamapool.AppImage".to_owned()));
    let desktop = Desktop::of_program(Session::start().await, &binary(PROGRAM), &env);
    let tray = desktop.tray().await;
    tray.click("Check for updates").await;
    tray.until_row(&format!("Get version {}…", newer_version()), |row| row.enabled).await;
}

#[tokio::test]
async fn a_version_that_does_not_start_is_taken_back() {
    // It says its version, and that is all it does.
    let script =
        format!("#!/bin/sh\n[ \"$1\" = --version ] && echo '{PROGRAM} version={}'\n", newer_version());
    let releases = Releases::good(PROGRAM, script.as_bytes()).await;
    let mut rig = Rig::start(&releases).await;
    rig.fetch().await;
    rig.restart().await;
    until_within(LONG, "the version before", async || rig.is_before().then_some(())).await;
    let tray = rig.desktop.tray().await;
    tray.until_status("Ready – 1 model").await;
    tray.until_row("Check for updates", |row| row.enabled).await;
    rig.quit().await;
}

#[tokio::test]
async fn a_version_whose_worker_is_never_ready_is_taken_back() {
    let releases = Releases::newer(PROGRAM).await;
    let mut rig = Rig::start(&releases).await;
    // Nothing but the version differs, so it is the server that makes the newer one look bad.
    rig.fetch().await;
    rig.server.sigstop();
    rig.restart().await;
    rig.until_logged(&format!("{PROGRAM} version={}", newer_version())).await;
    rig.until_logged("Update rolled back").await;
    assert!(rig.is_before());
    rig.server.sigcont();
    rig.desktop.tray().await.until_status("Ready – 1 model").await;
    rig.quit().await;
}
