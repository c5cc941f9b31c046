//! What the app is, its updates, and the ways out of it.

use llamapool_worker_core::settings::build;
use serde::Deserialize;
use tauri::{AppHandle, State};

use crate::actions::{self, Place};
use crate::desk::Desk;
use crate::ipc::{About, Problem};

const THIRD_PARTY: &str = include_str!(concat!(env!("OUT_DIR"), "/third-party.txt"));

/// What can be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The address of the OpenAI API.
    Endpoint,
    /// What the doctor found, and which versions these are.
    Diagnostics,
}

#[tauri::command]
pub async fn open(desk: State<'_, Desk>, what: Place) -> Result<(), Problem> {
    actions::open(&desk, what)
}

#[tauri::command]
pub async fn copy(desk: State<'_, Desk>, what: What) -> Result<(), Problem> {
    match what {
        What::Endpoint => actions::copy_endpoint(&desk),
        What::Diagnostics => actions::copy(&desk, diagnostics(&desk)),
    }
}

fn diagnostics(desk: &Desk) -> String {
    let shown = desk.snapshot();
    let trouble = shown.trouble.as_ref().map_or("nothing", |trouble| &trouble.what);
    let about = build::line("llamapool");
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let checks = desk.checkup.text();
    format!("{about}{system}\nState: {}\nWrong: {trouble}\n{checks}", shown.headline)
}

#[tauri::command]
pub fn check_update(desk: State<'_, Desk>) {
    desk.updates.look();
}

#[tauri::command]
pub fn restart_to_update(app: AppHandle, desk: State<'_, Desk>) {
    desk.updates.restart(&app);
}

#[tauri::command]
pub fn about() -> About {
    About {
        version: build::VERSION.to_owned(),
        build_sha: build::SHA.to_owned(),
        build_date: build::DATE.to_owned(),
        licence: env!("CARGO_PKG_LICENSE").to_owned(),
    }
}

/// The notices of what the app is made of: close to a megabyte.
#[tauri::command]
pub fn third_party() -> &'static str {
    THIRD_PARTY
}
