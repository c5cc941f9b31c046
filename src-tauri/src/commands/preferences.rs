//! The worker's settings and the app's own.

use std::collections::BTreeMap;

use tauri::{AppHandle, Emitter as _, Manager as _, State};

use crate::app_state::AppState;
use crate::ipc::{AppPreferences, Preferences, Problem, Saved};
use crate::serve::Rules;
use crate::{autostart, settings, windows};

/// The event with settings that were edited by hand.
const PREFERENCES: &str = "preferences";

/// Sends the current settings to the windows.
pub fn emit(app: &AppHandle) {
    if windows::is_any_open(app) {
        let _ = app.emit(PREFERENCES, current(&app.state::<AppState>()));
    }
}

fn current(state: &AppState) -> Preferences {
    let mode = state.supervisor.facts().borrow().mode();
    settings::preferences(&state.paths, mode)
}

#[tauri::command]
pub fn preferences(state: State<'_, AppState>) -> Preferences {
    current(&state)
}

/// Keeps unsaved changes, so that closing the window does not lose them. Windows never send secrets here.
#[tauri::command]
pub fn keep_drafts(state: State<'_, AppState>, drafts: Option<String>) {
    state.drafts.keep(drafts);
}

#[tauri::command]
pub fn kept_drafts(state: State<'_, AppState>) -> Option<String> {
    state.drafts.kept()
}

#[tauri::command]
pub fn check_preference(key: String, value: String) -> Option<String> {
    settings::check(&key, &value)
}

#[tauri::command]
pub async fn save_preferences(
    state: State<'_, AppState>,
    changes: BTreeMap<String, Option<String>>,
) -> Result<Saved, Problem> {
    let changes: Vec<_> = changes.into_iter().collect();
    settings::change_with_keys(&state.paths, &state.supervisor, &changes).await
}

#[tauri::command]
pub async fn app_preferences(state: State<'_, AppState>) -> Result<AppPreferences, Problem> {
    let settings = state.settings.get();
    let keychain_problem = if settings.keychain { state.paths.keys().problem().await } else { None };
    Ok(AppPreferences {
        start_at_login: autostart::is_on(),
        notify: settings.notify,
        updates: settings.updates,
        icon: settings.icon,
        hold_sleep: settings.hold_sleep,
        keychain: settings.keychain,
        keychain_problem,
        serve: settings.serve.form(),
        updates_managed_by: state.updates.managed_by(),
        first_run_done: settings.first_run_done,
        file_problem: state.settings.problem(),
    })
}

#[tauri::command]
pub async fn save_app_preferences(
    state: State<'_, AppState>,
    preferences: AppPreferences,
) -> Result<(), Problem> {
    let AppPreferences {
        start_at_login,
        notify,
        updates,
        icon,
        hold_sleep,
        keychain,
        first_run_done,
        serve,
        ..
    } = preferences;
    let serve = Rules::from_form(&serve)?;
    let moves_keys = keychain != state.settings.get().keychain;
    state.settings.change(|settings| {
        (settings.notify, settings.updates, settings.icon, settings.first_run_done) =
            (notify, updates, icon, first_run_done);
        (settings.hold_sleep, settings.keychain, settings.serve) = (hold_sleep, keychain, serve);
    })?;
    if start_at_login != autostart::is_on() {
        state.start_at_login(start_at_login)?;
    }
    if moves_keys && state.paths.is_configured() {
        settings::move_keys(&state.paths, &state.supervisor).await?;
    }
    Ok(())
}
