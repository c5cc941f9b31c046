//! The end of the app: what runs is finished first, unless somebody is in a hurry. The system is: it gives programs a few seconds when it shuts down.

use std::time::Duration;

use llamapool_worker_core::signals::{Hangups, Signals};
use tauri::{AppHandle, Manager as _};
use tokio::sync::watch;

use crate::desk::Desk;
use crate::supervisor::{Facts, Order, Stage};

/// What the system gives a program between asking it to end and ending it is 5 s (Windows) to 90 s (systemd); this leaves some of the least.
pub const SYSTEM_PATIENCE: Duration = Duration::from_secs(4);

/// What `--quit` leaves for what runs. Installers wait a little longer before they end the app themselves (`PATIENCE` in `llamapool.nsi`).
const ASKED_PATIENCE: Duration = Duration::from_secs(30);

/// The last chance, on the main thread, if nobody had asked for the end before.
const LAST_CHANCE: Duration = Duration::from_secs(3);

/// Finishes what runs, then ends the app.
pub fn politely(app: &AppHandle) {
    app.state::<Desk>().order(Order::Quit);
}

/// Ends the app because another program wants it.
pub fn asked(app: &AppHandle) {
    app.state::<Desk>().order(Order::QuitWithin(ASKED_PATIENCE));
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
    let (Ok(mut signals), Ok(mut hangups)) = (Signals::new(), Hangups::new()) else {
        return;
    };
    let mut patience = SYSTEM_PATIENCE;
    loop {
        tokio::select! {
            () = signals.next() => {}
            // Nobody has to tell the app that its settings have changed: the session is over.
            _ = hangups.next() => {}
        }
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
