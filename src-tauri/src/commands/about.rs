//! About the app: version, licences, updates; opening and copying things.

use llamapool_settings::build;
use serde::Deserialize;
use tauri::State;

use crate::actions::{self, ExternalLink};
use crate::app_state::AppState;
use crate::ipc::{About, Problem};

const THIRD_PARTY: &str = include_str!(concat!(env!("OUT_DIR"), "/third-party.txt"));

/// Something that can be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Copyable {
    /// The address of the OpenAI-compatible API.
    Endpoint,
    /// Results of the diagnostics, with versions.
    Diagnostics,
}

#[tauri::command]
pub async fn open(state: State<'_, AppState>, what: ExternalLink) -> Result<(), Problem> {
    actions::open(&state, what)
}

#[tauri::command]
pub async fn copy(state: State<'_, AppState>, what: Copyable) -> Result<(), Problem> {
    match what {
        Copyable::Endpoint => actions::copy_endpoint(&state),
        Copyable::Diagnostics => actions::copy(&state, diagnostics(&state)),
    }
}

fn diagnostics(state: &AppState) -> String {
    let shown = state.snapshot();
    let trouble = shown.trouble.as_ref().map_or("none", |trouble| &trouble.what);
    let about = build::line("llamapool");
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let checks = state.diagnostics.text();
    format!("{about}{system}\nState: {}\nProblem: {trouble}\n{checks}", shown.headline)
}

#[tauri::command]
pub fn check_update(state: State<'_, AppState>) {
    state.updates.check_now();
}

#[tauri::command]
pub async fn restart_to_update(state: State<'_, AppState>) -> Result<(), Problem> {
    state.updates.restart().await;
    Ok(())
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

/// The licences of the libraries in the app: almost a megabyte.
#[tauri::command]
pub fn third_party() -> &'static str {
    THIRD_PARTY
}
