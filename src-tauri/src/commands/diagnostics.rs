//! Diagnostics and their report.

use tauri::{AppHandle, Emitter as _, Manager as _, State};

use crate::app_state::AppState;
use crate::ipc::{Problem, ReportFile};

/// The event for each finished check.
const CHECK: &str = "check";

/// The event for the results of all checks.
const CHECKED: &str = "checked";

#[tauri::command]
pub fn doctor(app: AppHandle, state: State<'_, AppState>) {
    let run = async move {
        let state = app.state::<AppState>();
        let on_check = |check| drop(app.emit(CHECK, check));
        let checks = state.diagnostics.run(on_check).await;
        let _ = app.emit(CHECKED, checks);
    };
    state.diagnostics_run.replace(run);
}

#[tauri::command]
pub async fn report_preview(state: State<'_, AppState>) -> Result<Vec<ReportFile>, Problem> {
    Ok(state.diagnostics.preview().await)
}

#[tauri::command]
pub async fn save_report(state: State<'_, AppState>) -> Result<String, Problem> {
    Ok(state.diagnostics.save().await?.display().to_string())
}
