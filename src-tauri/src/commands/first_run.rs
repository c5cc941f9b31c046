//! The first run: join link or address, runtime, settings, and a test request.

use secrecy::SecretString;
use tauri::State;

use crate::app_state::AppState;
use crate::first_run;
use crate::ipc::{FoundRuntime, JoinLink, Problem, ServerTrial, Setup, SetupNow, TestAnswer, Trial};

#[tauri::command]
pub fn setup_now(state: State<'_, AppState>) -> SetupNow {
    first_run::setup_now(&state)
}

#[tauri::command]
pub fn read_join_link(state: State<'_, AppState>, text: String) -> Result<JoinLink, Problem> {
    state.link.paste(&text)
}

/// The link that was opened outside the app and not shown yet, or why it is invalid.
#[tauri::command]
pub fn opened_link(state: State<'_, AppState>) -> Result<Option<JoinLink>, Problem> {
    state.link.take_pending().transpose()
}

#[tauri::command]
pub async fn try_server(state: State<'_, AppState>, trial: Trial) -> Result<ServerTrial, Problem> {
    first_run::try_server(&state, trial).await
}

#[tauri::command]
pub async fn find_runtimes(state: State<'_, AppState>) -> Result<Vec<FoundRuntime>, Problem> {
    Ok(first_run::find_runtimes(&state.paths).await)
}

#[tauri::command]
pub async fn finish_setup(state: State<'_, AppState>, setup: Setup) -> Result<(), Problem> {
    first_run::finish(&state, setup).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn test_request(
    state: State<'_, AppState>,
    model: Option<String>,
    api_key: Option<String>,
) -> Result<TestAnswer, Problem> {
    first_run::test_request(&state, model, api_key.map(SecretString::from)).await
}
