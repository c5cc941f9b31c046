//! Measures how soon the tray app's window is there: `cargo run -p llamapool-e2e --example desktop_window`, after `cargo build --bins`; with `--release`
//! for both, of what people install. Prints milliseconds, and decides nothing.
#![expect(clippy::print_stdout, reason = "that is what it is for")]
#![cfg_attr(not(target_os = "linux"), expect(unused, reason = "the app is driven on Linux alone"))]

use std::time::Instant;

/// Each is a new start of the app.
const ROUNDS: usize = 5;

#[cfg(target_os = "linux")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    use llamapool_e2e::desktop::Desktop;
    use llamapool_e2e::desktop::browser::Browser;
    use llamapool_e2e::desktop::session::Session;

    let (mut icons, mut windows, mut pages) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let session = Session::start().await;
        let begun = Instant::now();
        let desktop = Desktop::launch(session, "demo: true\n", &["--hidden"]).await;
        let tray = desktop.tray().await;
        icons.push(begun.elapsed().as_millis());
        tray.until_row("Open llamapool", |row| row.enabled).await;
        let begun = Instant::now();
        tray.click("Open llamapool").await;
        desktop.until_windows(1).await;
        windows.push(begun.elapsed().as_millis());
        drop(desktop);

        let session = Session::start().await;
        session.write_settings("demo: true\n");
        let app = Browser::start(session, &[]).await;
        app.until_text("Running now").await;
        let painted =
            "return Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1)";
        pages.push(u128::try_from(app.run(painted).await.as_i64().unwrap_or(-1)).unwrap_or_default());
    }
    println!("from the start to the icon:           {icons:?} ms");
    println!("from the click to the window:         {windows:?} ms");
    println!("from the window to its first content: {pages:?} ms");
}

#[cfg(not(target_os = "linux"))]
fn main() {}
