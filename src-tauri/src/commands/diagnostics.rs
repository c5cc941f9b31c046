//! The doctor and its report.

use tauri::{AppHandle, Emitter as _, Manager as _, State};

use crate::desk::Desk;
use crate::ipc::{Problem, ReportFile};

/// The event for each check that is done.
const CHECK: &str = "check";

/// The event for all of them.
const CHECKED: &str = "checked";

#[tauri::command]
pub fn doctor(app: AppHandle, desk: State<'_, Desk>) {
    let visit = async move {
        let desk = app.state::<Desk>();
        let tell = |check| drop(app.emit(CHECK, check));
        let checks = desk.checkup.run(&desk, tell).await;
        let _ = app.emit(CHECKED, checks);
    };
    desk.visit.follow(visit);
}

#[tauri::command]
pub async fn report_preview(desk: State<'_, Desk>) -> Result<Vec<ReportFile>, Problem> {
    Ok(desk.checkup.preview(&desk).await)
}

#[tauri::command]
pub async fn save_report(desk: State<'_, Desk>) -> Result<String, Problem> {
    Ok(desk.checkup.save(&desk).await?.display().to_string())
}
