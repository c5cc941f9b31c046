//! The first run: a link or an address, a runtime, the settings, and a request that goes all the way round.

use secrecy::SecretString;
use tauri::{AppHandle, State};

use crate::desk::Desk;
use crate::first_run;
use crate::ipc::{FoundRuntime, JoinLink, Problem, ServerTrial, Setup, SetupNow, TestAnswer, Trial};

#[tauri::command]
pub fn setup_now(desk: State<'_, Desk>) -> SetupNow {
    first_run::setup_now(&desk)
}

#[tauri::command]
pub fn read_join_link(desk: State<'_, Desk>, text: String) -> Result<JoinLink, Problem> {
    desk.link.pasted(&text)
}

/// The link that was opened outside and is not shown yet, or why it is none.
#[tauri::command]
pub fn opened_link(desk: State<'_, Desk>) -> Result<Option<JoinLink>, Problem> {
    desk.link.untold().transpose()
}

#[tauri::command]
pub async fn try_server(desk: State<'_, Desk>, trial: Trial) -> Result<ServerTrial, Problem> {
    first_run::try_server(&desk, trial).await
}

#[tauri::command]
pub async fn find_runtimes(desk: State<'_, Desk>) -> Result<Vec<FoundRuntime>, Problem> {
    Ok(first_run::find_runtimes(&desk.place).await)
}

#[tauri::command]
pub async fn finish_setup(_app: AppHandle, desk: State<'_, Desk>, setup: Setup) -> Result<(), Problem> {
    first_run::finish(&desk, setup).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn test_request(
    desk: State<'_, Desk>,
    model: Option<String>,
    api_key: Option<String>,
) -> Result<TestAnswer, Problem> {
    first_run::test_request(&desk, model, api_key.map(SecretString::from)).await
}
