//! The log, as it grows.

use std::time::Duration;

use serde::Deserialize;
use tauri::{AppHandle, Emitter as _, State};

use crate::desk::Desk;
use crate::ipc::{LogBatch, Problem};
use crate::windows;

/// The event that brings new lines.
const LOG: &str = "log";

/// Four times a second is as fast as anybody reads.
const GAP: Duration = Duration::from_millis(250);

/// How much is logged.
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
pub fn logs(app: AppHandle, desk: State<'_, Desk>, after: Option<u64>) -> LogBatch {
    let batch = desk.logbook.after(after);
    desk.tail.follow(tell(app, desk.logbook.clone(), batch.next));
    batch
}

/// Sends new lines as long as there is a window.
async fn tell(app: AppHandle, logbook: crate::logbook::Logbook, mut next: u64) {
    let mut news = logbook.news();
    while windows::is_any_open(&app) {
        if news.wait_for(|newest| *newest > next).await.is_err() {
            return;
        }
        let batch = logbook.after(Some(next));
        next = batch.next;
        let _ = app.emit(LOG, batch);
        tokio::time::sleep(GAP).await;
    }
}

#[tauri::command]
pub fn set_log_level(desk: State<'_, Desk>, level: Level) -> Result<(), Problem> {
    let name = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    match &desk.level {
        Some(dial) => {
            dial.set(name).map_err(|error| Problem::new("The log level stays").because(error.to_string()))
        }
        None => Err(Problem::new("Nothing is logged")),
    }
}
