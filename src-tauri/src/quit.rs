//! Quitting: current requests finish first, unless the user or the system is in a hurry. At shutdown, systems give programs a few seconds.

use std::time::Duration;

use llamapool_telemetry::signals::{Hangups, Signals};
use llamapool_telemetry::tasks::BackgroundTasks;
use tauri::{AppHandle, Manager as _};
use tokio::sync::watch;

use crate::app_state::AppState;
use crate::supervisor::{Facts, Order, SYSTEM_SHUTDOWN_TIMEOUT, SupervisorState};

/// How long `--quit` lets requests run. Installers wait a little longer before they kill the app (`PATIENCE` in `llamapool.nsi`).
const REQUESTED_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the main thread waits for the worker when the event loop ends unexpectedly.
const LAST_CHANCE_TIMEOUT: Duration = Duration::from_secs(3);

/// Quits as soon as no request is running.
pub fn when_idle(app: &AppHandle) {
    app.state::<AppState>().order(Order::Quit);
}

/// Quits because another program asks for it with `--quit`.
pub fn requested(app: &AppHandle) {
    app.state::<AppState>().order(Order::QuitWithin(REQUESTED_TIMEOUT));
}

/// Quits now, cutting off requests.
pub fn now(app: &AppHandle) {
    app.state::<AppState>().order(Order::QuitWithin(Duration::ZERO));
}

/// Ends the app once the supervisor has ended, for whatever reason.
pub async fn when_ended(app: AppHandle, mut facts: watch::Receiver<Facts>) {
    ended(&mut facts).await;
    if app.state::<AppState>().updates.needs_restart().await {
        tracing::info!("Restarting");
        app.request_restart();
    } else {
        tracing::info!("Stopped");
        app.exit(0);
    }
}

/// Ends the app with an error once one of its tasks has panicked: its icon would no longer be updated, or no longer react to clicks.
pub async fn when_failed(app: AppHandle, mut tasks: BackgroundTasks) {
    let failed = tasks.failed().await;
    tracing::error!("Stopped by an error: {failed}");
    app.exit(1);
    // The other tasks continue meanwhile: the supervisor gives the worker's requests a few seconds.
    std::future::pending().await
}

/// Quits on a termination signal. The second signal quits at once.
pub async fn on_signals(app: AppHandle) {
    let (Ok(mut signals), Ok(mut hangups)) = (Signals::new(), Hangups::new()) else {
        return;
    };
    let mut timeout = SYSTEM_SHUTDOWN_TIMEOUT;
    loop {
        tokio::select! {
            () = signals.next() => {}
            // Unlike a service, the app does not reload on SIGHUP: the session is over.
            _ = hangups.next() => {}
        }
        app.state::<AppState>().supervisor.order(Order::QuitWithin(timeout)).await;
        timeout = Duration::ZERO;
    }
}

/// The event loop has ended. Usually the worker has too; if the system ended the loop, the worker is shut down quickly.
pub fn last_chance(app: &AppHandle) {
    let Some(state) = app.try_state::<AppState>() else {
        return;
    };
    let mut facts = state.supervisor.facts();
    if facts.borrow().state == SupervisorState::Ended {
        return;
    }
    let supervisor = state.supervisor.clone();
    tauri::async_runtime::block_on(async move {
        supervisor.order(Order::QuitWithin(LAST_CHANCE_TIMEOUT)).await;
        let _ = tokio::time::timeout(LAST_CHANCE_TIMEOUT, ended(&mut facts)).await;
    });
}

async fn ended(facts: &mut watch::Receiver<Facts>) {
    // An error means that the supervisor is gone, which is as good.
    let _ = facts.wait_for(|facts| facts.state == SupervisorState::Ended).await;
}
