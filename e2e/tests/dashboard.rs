//! The dashboard as people use it: headless Chromium before the real server and real workers. Each play is a script in `browser/`;
//! `browser/person.mjs` says what every page must keep to (no errors, nothing from elsewhere, no scrolling sideways).

use std::path::Path;

use llamapool_e2e::Stage;

/// Where Chromium or Chrome is found: as `browser/browser.mjs` looks for it.
const BROWSERS: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Plays a script, if there is a browser. Linux has one: `scripts/packages test` installs it.
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
async fn play(script: &str, env: &[(&str, &str)]) {
    let found =
        std::env::var_os("CHROMIUM").is_some() || BROWSERS.iter().any(|path| Path::new(path).exists());
    if !found && cfg!(target_os = "macos") {
        eprintln!("SKIPPED: there is no Chrome here, so nobody has looked at the dashboard ({script})");
        return;
    }
    assert!(found, "there is no Chromium: run `scripts/packages test`");
    Stage::with(env).await.play(script).await;
}

/// A key is asked for; a wrong one is told; it is remembered only by wish.
#[tokio::test]
async fn login() {
    play("login", &[]).await;
}

/// What other clients do shows while it happens.
#[tokio::test]
async fn live_update() {
    play("live", &[]).await;
}

/// Workers are drained and undrained, which the next requests feel.
#[tokio::test]
async fn drain_and_undrain() {
    play("drain", &[]).await;
}

/// The server is drained: it finishes what is open and ends.
#[tokio::test]
async fn drain_of_the_server() {
    play("drain-server", &[]).await;
}

/// A request is cancelled with its button, and gone from the runtime.
#[tokio::test]
async fn cancel() {
    play("cancel", &[]).await;
}

/// A chat with a chosen model streams, stops, and tells when it breaks.
#[tokio::test]
async fn playground() {
    play("playground", &[]).await;
}

/// The server is restarted: what is shown is marked as old, and then it is not.
#[tokio::test]
async fn reconnect() {
    play("reconnect", &[]).await;
}

/// Names, models, reasons and ids that want to be more than text.
#[tokio::test]
async fn hostile_texts() {
    play("hostile", &[]).await;
}

/// Everything without a mouse.
#[tokio::test]
async fn keyboard_only() {
    play("keyboard", &[]).await;
}

/// A new server says what to do next, with the right address; nothing is offered that cannot be done.
#[tokio::test]
async fn empty_states() {
    play("empty", &[]).await;
}

/// Every page in light and dark, wide and narrow: nothing for axe to complain about, nothing wider than the screen.
#[tokio::test]
async fn every_page_for_everybody() {
    play("pages", &[]).await;
}

/// What the page says happened is what happened.
#[tokio::test]
async fn every_figure_equals_what_happened() {
    play("figures", &[]).await;
}
