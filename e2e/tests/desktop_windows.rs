//! The tray app's windows, driven as a person would: the first run, and what can be seen and done after it.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt as _;

use llamapool_e2e::desktop::browser::Browser;
use llamapool_e2e::desktop::launch_again;
use llamapool_e2e::desktop::session::Session;
use llamapool_e2e::desktop::watcher::Scheme;
use llamapool_e2e::server::{API_KEY, CLIENT_KEY};
use llamapool_e2e::{FakeLlm, MODEL, Server, secs, until};

/// A server that takes requests from this machine without a key, so that the app can send one.
async fn server() -> Server {
    Server::with(&[("API_KEY", "")]).await
}

/// The app with its window open, at work between a server and a runtime.
struct Rig {
    server: Server,
    llm: FakeLlm,
    app: Browser,
}

impl Rig {
    async fn at_work() -> Self {
        let (server, llm) = (server().await, FakeLlm::start(&[MODEL]).await);
        let session = Session::start().await;
        session.write_settings(&format!(
            "# Written by hand.\nserver_url: {}\nclient_key: {CLIENT_KEY}\ncompletion_base_url: {}\nclient_name: desk\nmodel_poll_interval: 1s\n",
            server.worker_url(),
            llm.url()
        ));
        let app = Browser::start(session, &[]).await;
        app.until_text("Ready").await;
        Self { server, llm, app }
    }
}

/// The steps of the first run from the second, where the server has answered, to the request of the last.
async fn from_the_server_to_the_test(app: &Browser, llm: &FakeLlm) {
    app.press("Continue").await;
    app.click("details summary").await;
    app.write("details input", &llm.url()).await;
    app.press("Continue").await;
    app.until_text("Startup and notifications").await;
    app.press("Continue").await;
    app.press("Send a test request").await;
}

#[tokio::test]
async fn from_a_join_link_to_a_served_request() {
    let (server, llm) = (server().await, FakeLlm::start(&[MODEL]).await);
    let link = format!("llamapool://join?server={}&key={CLIENT_KEY}", server.worker_url());
    let app = Browser::start(Session::start().await, &[&link]).await;
    // The link fills in the server and its key, which no page ever sees. Nobody is called unasked.
    app.until_text("You opened a join link").await;
    app.press("Test connection").await;
    app.until_text("Connected (").await;
    let page = app.run("return document.documentElement.outerHTML").await;
    assert!(!page.to_string().contains(CLIENT_KEY), "the key is in the page");
    from_the_server_to_the_test(&app, &llm).await;
    app.until_text_within(secs(60), "It works.").await;
    assert_eq!(llm.seen().iter().filter(|seen| seen.line.contains("/chat/completions")).count(), 1);
    let file = app.session.settings();
    let written = std::fs::read_to_string(&file).expect("the settings were written");
    assert!(written.contains(&server.worker_url()) && written.contains(CLIENT_KEY), "{written}");
    let mode = std::fs::metadata(&file).expect("they are there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "there is a key in it");
}

#[tokio::test]
async fn a_link_opened_later_reaches_the_first_run_and_a_key_can_be_given_for_the_test() {
    let (server, llm) = (Server::start().await, FakeLlm::start(&[MODEL]).await);
    let app = Browser::start(Session::start().await, &[]).await;
    app.until_text("Share this computer’s models").await;
    let link = format!("llamapool://join?server={}&key={CLIENT_KEY}", server.worker_url());
    launch_again(&app.session, &[&link]).await;
    app.until_text("You opened a join link").await;
    app.press("Test connection").await;
    app.until_text("Connected (").await;
    from_the_server_to_the_test(&app, &llm).await;
    app.until_text_within(secs(60), "To send a test, enter an API key").await;
    app.write("input[type=password]", API_KEY).await;
    app.press("Send a test request").await;
    app.until_text_within(secs(60), "It works.").await;
    let written = std::fs::read_to_string(app.session.settings()).expect("the settings were written");
    assert!(!written.contains(API_KEY), "it is kept: {written}");
    app.press("Show status").await;
    app.until_text("Ready").await;
}

#[tokio::test]
async fn another_server_does_not_see_the_key_of_the_first_and_nothing_else_is_changed() {
    let (first, llm) = (server().await, FakeLlm::start(&[MODEL]).await);
    let open = Server::with(&[("API_KEY", ""), ("CLIENT_KEY", "")]).await;
    let session = Session::start().await;
    let settings = format!(
        "# Written by hand.\nserver_url: ws://elsewhere.invalid\nclient_key: {CLIENT_KEY}\ncompletion_base_url: {}\nclient_name: desk\nmodels_withheld: [some-*]\n",
        llm.url()
    );
    session.write_settings(&settings);
    let link = |server: &Server| format!("llamapool://join?server={}", server.worker_url());
    // It would take the key, if it saw it.
    let app = Browser::start(session, &[&link(&first)]).await;
    app.press("Test connection").await;
    app.until_text("This server requires a worker key").await;
    launch_again(&app.session, &[&link(&open)]).await;
    app.until_text(&open.worker_url()).await;
    app.press("Continue").await;
    app.until_text("Send a short request").await;
    until("the worker at the new server", async || (open.owners(MODEL).await == 1).then_some(())).await;
    let written = std::fs::read_to_string(app.session.settings()).expect("the settings are there");
    let wanted = settings.replace("ws://elsewhere.invalid", &open.worker_url());
    assert_eq!(written, wanted.replace(&format!("client_key: {CLIENT_KEY}\n"), ""));
}

#[tokio::test]
async fn an_invalid_link_is_reported() {
    let app = Browser::start(Session::start().await, &["llamapool://leave?key=hush"]).await;
    app.until_text("That doesn’t look like a join link").await;
    assert!(!app.text().await.contains("hush"));
}

#[tokio::test]
async fn every_view_shows_what_it_is_for() {
    let Rig { server: _server, llm: _llm, app } = Rig::at_work().await;
    app.press("Logs").await;
    app.until_text("Connected to ").await;
    app.write("input[type=search]", "nothing like this").await;
    app.until_text("No match").await;
    app.press("Diagnostics").await;
    app.press("Run diagnostics").await;
    app.until_text_within(secs(60), "Run again").await;
    app.press("Review report").await;
    app.until_text_within(secs(60), "This is everything").await;
    let page = app.run("return document.documentElement.outerHTML").await;
    assert!(!page.to_string().contains(CLIENT_KEY), "the key is in the report");
    app.press("Save report").await;
    app.until_text(".zip").await;
    app.press("About").await;
    app.until_text("MIT").await;
    app.until_text("has no release key").await;
}

#[tokio::test]
async fn the_status_window_shows_and_steers() {
    let Rig { server, llm, app } = Rig::at_work().await;
    app.until_text(MODEL).await;
    let state = async |wanted: &str| {
        until(&format!("the server to see {wanted:?}"), async || {
            let state = server.get("/api/state").whole().await.json();
            (state["workers"][0]["status"] == wanted).then_some(())
        })
        .await;
    };
    state("idle").await;
    app.press("Stop taking requests").await;
    state("draining").await;
    app.until_text("Not taking requests").await;
    app.press("Start taking requests").await;
    state("idle").await;
    llm.go_away();
    app.until_text("Runtime").await;
    state("not_ready").await;
    llm.come_back();
    state("idle").await;
    app.until_text("Ready").await;
}

#[tokio::test]
async fn preferences_change_the_file_and_the_worker_follows() {
    let Rig { server, llm: _llm, app } = Rig::at_work().await;
    app.press("Preferences").await;
    app.press("Runtime").await;
    app.fill("Max concurrency", "none").await;
    app.until_text("a whole number from 1 to 4096").await;
    app.until_text("1 value is invalid.").await;
    app.press("Discard").await;
    app.press("Identity").await;
    app.fill("Client name", "renamed").await;
    app.press("Save").await;
    app.until_text("Saved.").await;
    until("the new name at the server", async || {
        let state = server.get("/api/state").whole().await.json();
        let mut workers = state["workers"].as_array().cloned().unwrap_or_default().into_iter();
        workers.find(|worker| worker["name"] == "renamed" && worker["status"] == "idle")
    })
    .await;
    let written = std::fs::read_to_string(app.session.settings()).expect("the settings are there");
    assert!(
        written.starts_with("# Written by hand.\n") && written.contains("client_name: renamed"),
        "{written}"
    );
}

#[tokio::test]
async fn a_closed_window_leaves_nothing_but_the_worker() {
    let Rig { server, llm: _llm, app } = Rig::at_work().await;
    let pages = || app.programs().iter().filter(|name| name.starts_with("WebKitWebProces")).count();
    assert_eq!(pages(), 1);
    app.leave("window.__TAURI_INTERNALS__.invoke('plugin:window|close', { label: 'main' })").await;
    until("the page's process to end", async || (pages() == 0).then_some(())).await;
    assert_eq!(app.session.windows().await, [""; 0]);
    assert!(app.programs().iter().any(|name| name == "llamapool"), "the app goes on");
    assert_eq!(server.owners(MODEL).await, 1, "and so does its worker");
}

#[tokio::test]
async fn windows_are_light_or_dark_as_the_system_says() {
    let app = Rig::at_work().await.app;
    for (scheme, is_dark) in [(Scheme::Dark, true), (Scheme::Light, false), (Scheme::Dark, true)] {
        app.session.watcher.prefer(scheme).await;
        until(&format!("{scheme:?}"), async || {
            let found = app.run("return matchMedia('(prefers-color-scheme: dark)').matches").await;
            (found == is_dark).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn pages_can_reach_nothing_but_the_app() {
    let Rig { server, llm: _llm, app } = Rig::at_work().await;
    let url = format!("http://{}/healthz", server.addr);
    let fetched = app.run(&format!("return fetch('{url}').then(() => 'reached', () => 'refused')")).await;
    assert_eq!(fetched, "refused");
    let script = "const s = document.createElement('script'); s.textContent = 'window.leaked = 1'; document.head.append(s); return window.leaked ?? null";
    assert!(app.run(script).await.is_null(), "a script in the page ran");
    let plugin = "return window.__TAURI_INTERNALS__.invoke('plugin:webview|create_webview_window', { options: { label: 'x' } }).then(() => 'done', () => 'refused')";
    assert_eq!(app.run(plugin).await, "refused");
    app.run(&format!("location.href = '{url}'; return null")).await;
    app.until_text("Ready").await;
}
