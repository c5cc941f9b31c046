//! The end of the app: what runs is finished first, unless somebody is in a hurry. The system is: it gives programs a few seconds when it shuts down.

use std::time::Duration;

use tauri::{AppHandle, Manager as _};
use tokio::sync::watch;

use crate::desk::Desk;
use crate::supervisor::{Facts, Order, Stage};

/// What the system gives a program between asking it to end and ending it is 5 s (Windows) to 90 s (systemd); this leaves some of the least.
pub const SYSTEM_PATIENCE: Duration = Duration::from_secs(4);

/// The last chance, on the main thread, if nobody had asked for the end before.
const LAST_CHANCE: Duration = Duration::from_secs(3);

/// Finishes what runs, then ends the app.
pub fn politely(app: &AppHandle) {
    app.state::<Desk>().order(Order::Quit);
}

/// Ends the app now. Requests that run are cut off.
pub fn now(app: &AppHandle) {
    app.state::<Desk>().order(Order::QuitWithin(Duration::ZERO));
}

/// Ends the app when the supervisor has ended: whoever asked for it.
pub async fn follow(app: AppHandle, mut facts: watch::Receiver<Facts>) {
    ended(&mut facts).await;
    if app.state::<Desk>().updates.take_over().await {
        tracing::info!("Starting again");
        app.request_restart();
    } else {
        tracing::info!("Ended");
        app.exit(0);
    }
}

/// Listens for the system's word to end, for as long as the app runs. The second one means now.
pub async fn on_signals(app: AppHandle) {
    let mut patience = SYSTEM_PATIENCE;
    while signal().await {
        app.state::<Desk>().supervisor.order(Order::QuitWithin(patience)).await;
        patience = Duration::ZERO;
    }
}

/// The event loop ends. Usually the worker has by now; if the system ended the loop, it is told quickly.
pub fn last_chance(app: &AppHandle) {
    let Some(desk) = app.try_state::<Desk>() else {
        return;
    };
    let mut facts = desk.supervisor.facts();
    if facts.borrow().stage == Stage::Ended {
        return;
    }
    let supervisor = desk.supervisor.clone();
    tauri::async_runtime::block_on(async move {
        supervisor.order(Order::QuitWithin(LAST_CHANCE)).await;
        let _ = tokio::time::timeout(LAST_CHANCE, ended(&mut facts)).await;
    });
}

async fn ended(facts: &mut watch::Receiver<Facts>) {
    // An error means that the supervisor is gone, which is as good.
    let _ = facts.wait_for(|facts| facts.stage == Stage::Ended).await;
}

/// Waits for SIGTERM, SIGINT or SIGHUP. `false` if there are no signals here.
#[cfg(unix)]
async fn signal() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else {
        return false;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    true
}

/// Waits for Ctrl-C, or for the end of the session. `false` if there are no signals here.
#[cfg(windows)]
async fn signal() -> bool {
    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
    let (Ok(mut c), Ok(mut close), Ok(mut logoff), Ok(mut shutdown)) =
        (ctrl_c(), ctrl_close(), ctrl_logoff(), ctrl_shutdown())
    else {
        return false;
    };
    tokio::select! {
        _ = c.recv() => {}
        _ = close.recv() => {}
        _ = logoff.recv() => {}
        _ = shutdown.recv() => {}
    }
    true
}
