//! What a click on the tray icon or a row of its menu does.

use tauri::{AppHandle, Manager as _};

use crate::actions::{self, ExternalLink};
use crate::app_state::AppState;
use crate::ipc::Problem;
use crate::menu::Click;
use crate::pause::Span;
use crate::supervisor::Order;
use crate::windows::{self, View};
use crate::{autostart, quit};

/// A row of the menu was clicked, or the icon.
pub fn clicked(app: &AppHandle, click: Click) {
    let Some(state) = app.try_state::<AppState>() else {
        return; // the app is still starting
    };
    match click {
        Click::PauseHalfAnHour => state.order(Order::Pause(Span::HalfAnHour)),
        Click::PauseHour => state.order(Order::Pause(Span::Hour)),
        Click::PauseUntilTomorrow => state.order(Order::Pause(Span::Tomorrow)),
        Click::PauseUntilResumed => state.order(Order::Pause(Span::Resumed)),
        Click::Resume => state.order(Order::Resume),
        Click::Drain => state.order(Order::Drain),
        Click::Undrain => state.order(Order::Undrain),
        Click::Start => state.order(Order::Start),
        Click::Retry => state.order(Order::Retry),
        Click::ShutdownWhenDone => state.order(Order::ShutdownWhenDone),
        Click::Quit => quit::when_idle(app),
        Click::QuitNow => quit::now(app),
        Click::Stay => {
            state.updates.cancel_restart();
            state.order(Order::Stay);
        }
        Click::Setup => windows::welcome(app),
        Click::Open => open_main_window(app),
        Click::Preferences => windows::open(app, View::Preferences),
        Click::Logs => windows::open(app, View::Logs),
        Click::Diagnostics => windows::open(app, View::Diagnostics),
        Click::About => windows::open(app, View::About),
        Click::Server => open(&state, ExternalLink::Dashboard),
        Click::ConfigFolder => open(&state, ExternalLink::ConfigFolder),
        Click::LogFolder => open(&state, ExternalLink::LogFolder),
        Click::Documentation => open(&state, ExternalLink::Documentation),
        Click::CopyEndpoint => log_failure(actions::copy_endpoint(&state)),
        Click::StartAtLogin => log_failure(state.start_at_login(!autostart::is_on())),
        Click::Model(name) => toggle_model(app, name),
        Click::CheckUpdate => {
            state.updates.check_now();
            windows::open(app, View::About);
        }
        Click::RestartToUpdate => {
            let updates = state.updates.clone();
            state.spawn(async move { updates.restart().await });
        }
        Click::GetUpdate => open(&state, ExternalLink::ReleaseNotes),
    }
    // A click toggles a row's check mark on its own: redraw it in case nothing has changed.
    state.refresh.notify_one();
}

/// Opens the status window, or the first run if the app has no server yet.
pub fn open_main_window(app: &AppHandle) {
    let state = app.state::<AppState>();
    if state.paths.is_configured() { windows::open(app, View::Status) } else { windows::welcome(app) }
}

fn open(state: &AppState, link: ExternalLink) {
    log_failure(actions::open(state, link));
}

/// Shares a model or stops sharing it. Decided by the settings file, which may be newer than the menu.
fn toggle_model(app: &AppHandle, model: String) {
    let app = app.clone();
    app.clone().state::<AppState>().spawn(async move {
        let state = app.state::<AppState>();
        let loaded = state.paths.load();
        let is_hidden = loaded.is_ok_and(|loaded| loaded.config.runtime.withheld.covers(&model));
        log_failure(actions::share_model(&state, &model, is_hidden).await);
        state.refresh.notify_one();
    });
}

/// Logs a failure: a menu has no other place to show it.
fn log_failure(done: Result<(), Problem>) {
    if let Err(problem) = done {
        tracing::warn!("{}{}", problem.what, problem.why.map(|why| format!(": {why}")).unwrap_or_default());
    }
}
