//! Seeing and steering the worker.

use serde::Deserialize;
use tauri::{AppHandle, State};

use crate::desk::Desk;
use crate::ipc::{LoadBin, Problem, Snapshot};
use crate::pause::Span;
use crate::supervisor::Order;
use crate::{actions, quit};

/// What a window can have done.
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
pub fn snapshot(desk: State<'_, Desk>) -> Snapshot {
    (*desk.snapshot()).clone()
}

#[tauri::command]
pub fn load(desk: State<'_, Desk>) -> Vec<LoadBin> {
    let facts = desk.supervisor.facts();
    let facts = facts.borrow();
    facts.seen.as_ref().map(|seen| seen.activity.load.clone()).unwrap_or_default()
}

#[tauri::command]
pub async fn control(app: AppHandle, desk: State<'_, Desk>, action: Control) -> Result<(), Problem> {
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
    desk.supervisor.order(order).await;
    Ok(())
}

#[tauri::command]
pub async fn pause(desk: State<'_, Desk>, until: Span) -> Result<(), Problem> {
    desk.supervisor.order(Order::Pause(until)).await;
    Ok(())
}

#[tauri::command]
pub fn offer(desk: State<'_, Desk>, model: String, offered: bool) -> Result<(), Problem> {
    actions::offer(&desk, &model, offered)
}
