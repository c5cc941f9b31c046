//! Watching and controlling the worker.

use serde::Deserialize;
use tauri::{AppHandle, State};

use crate::app_state::AppState;
use crate::ipc::{LoadBin, Problem, Snapshot};
use crate::pause::Span;
use crate::supervisor::Order;
use crate::{actions, quit};

/// An order from a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    Drain,
    Undrain,
    Start,
    Stop,
    Restart,
    Resume,
    ShutdownWhenDone,
    QuitNow,
    RetryNow,
}

#[tauri::command]
pub fn snapshot(state: State<'_, AppState>) -> Snapshot {
    (*state.snapshot()).clone()
}

#[tauri::command]
pub fn load(state: State<'_, AppState>) -> Vec<LoadBin> {
    let facts = state.supervisor.facts();
    let facts = facts.borrow();
    facts.worker.as_ref().map(|worker| worker.activity.load.clone()).unwrap_or_default()
}

#[tauri::command]
pub async fn control(app: AppHandle, state: State<'_, AppState>, action: Control) -> Result<(), Problem> {
    let order = match action {
        Control::Drain => Order::Drain,
        Control::Undrain => Order::Undrain,
        Control::Start => Order::Start,
        Control::Stop => Order::Stop,
        Control::Restart => Order::Restart,
        Control::Resume => Order::Resume,
        Control::ShutdownWhenDone => Order::ShutdownWhenDone,
        Control::RetryNow => Order::Retry,
        Control::QuitNow => {
            quit::now(&app);
            return Ok(());
        }
    };
    state.supervisor.order(order).await;
    Ok(())
}

#[tauri::command]
pub async fn pause(state: State<'_, AppState>, until: Span) -> Result<(), Problem> {
    state.supervisor.order(Order::Pause(until)).await;
    Ok(())
}

#[tauri::command]
pub async fn offer(state: State<'_, AppState>, model: String, offered: bool) -> Result<(), Problem> {
    actions::share_model(&state, &model, offered).await
}
