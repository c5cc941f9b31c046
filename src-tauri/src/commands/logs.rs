//! The log and its level.

use std::time::Duration;

use serde::Deserialize;
use tauri::{AppHandle, Emitter as _, State};

use crate::app_state::AppState;
use crate::ipc::{LogBatch, Problem};
use crate::log_buffer::LogBuffer;
use crate::windows;

/// The event with new lines.
const LOG: &str = "log";

/// The shortest time between two events: four a second are as many as people can read.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

/// A log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[tauri::command]
pub fn logs(app: AppHandle, state: State<'_, AppState>, after: Option<u64>) -> LogBatch {
    let batch = state.log_buffer.after(after);
    state.log_tail.replace(emit_new_lines(app, state.log_buffer.clone(), batch.next));
    batch
}

/// Emits new lines while a window is open.
async fn emit_new_lines(app: AppHandle, log_buffer: LogBuffer, mut next: u64) {
    let mut next_seq = log_buffer.next_seq();
    while windows::is_any_open(&app) {
        if next_seq.wait_for(|newest| *newest > next).await.is_err() {
            return;
        }
        let batch = log_buffer.after(Some(next));
        next = batch.next;
        let _ = app.emit(LOG, batch);
        tokio::time::sleep(MIN_INTERVAL).await;
    }
}

#[tauri::command]
pub fn set_log_level(state: State<'_, AppState>, level: Level) -> Result<(), Problem> {
    let name = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    let level = state.level.as_ref().ok_or_else(|| Problem::new("Logging is off"))?;
    level.set(name).map_err(|error| Problem::new("Couldn’t change the log level").because(error.to_string()))
}
