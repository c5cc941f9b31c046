//! The worker's settings, and the app's own.

use std::collections::BTreeMap;

use tauri::{AppHandle, Emitter as _, Manager as _, State};

use crate::desk::Desk;
use crate::ipc::{AppPreferences, Preferences, Problem, Saved};
use crate::serve::Rules;
use crate::{autostart, settings, windows};

/// The event by which windows hear of a hand edit.
const PREFERENCES: &str = "preferences";

/// Tells the windows how the settings are now.
pub fn tell(app: &AppHandle) {
    if windows::is_any_open(app) {
        let _ = app.emit(PREFERENCES, shown(&app.state::<Desk>()));
    }
}

fn shown(desk: &Desk) -> Preferences {
    settings::preferences(&desk.place, desk.snapshot().mode)
}

#[tauri::command]
pub fn preferences(desk: State<'_, Desk>) -> Preferences {
    shown(&desk)
}

/// Keeps what was typed and not saved, for the next window: closing one loses nothing. Never secrets, which the window keeps to itself.
#[tauri::command]
pub fn keep_drafts(desk: State<'_, Desk>, drafts: Option<String>) {
    desk.drafts.keep(drafts);
}

#[tauri::command]
pub fn kept_drafts(desk: State<'_, Desk>) -> Option<String> {
    desk.drafts.kept()
}

#[tauri::command]
pub fn check_preference(key: String, value: String) -> Option<String> {
    settings::check(&key, &value)
}

#[tauri::command]
pub async fn save_preferences(
    desk: State<'_, Desk>,
    changes: BTreeMap<String, Option<String>>,
) -> Result<Saved, Problem> {
    settings::change_with_keys(&desk, &changes.into_iter().collect::<Vec<_>>()).await
}

#[tauri::command]
pub async fn app_preferences(desk: State<'_, Desk>) -> Result<AppPreferences, Problem> {
    let own = desk.own.get();
    let keychain_problem = if own.keychain { desk.place.keys().problem().await } else { None };
    Ok(AppPreferences {
        start_at_login: autostart::is_on(),
        notify: own.notify,
        updates: own.updates,
        icon: own.icon,
        hold_sleep: own.hold_sleep,
        keychain: own.keychain,
        keychain_problem,
        serve: own.serve.form(),
        updates_managed_by: desk.updates.managed_by(),
        first_run_done: own.first_run_done,
        file_problem: desk.own.problem(),
    })
}

#[tauri::command]
pub async fn save_app_preferences(desk: State<'_, Desk>, preferences: AppPreferences) -> Result<(), Problem> {
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
    let serve = Rules::of_form(&serve)?;
    let moves = keychain != desk.own.get().keychain;
    desk.own.change(|own| {
        (own.notify, own.updates, own.icon, own.first_run_done) = (notify, updates, icon, first_run_done);
        (own.hold_sleep, own.keychain, own.serve) = (hold_sleep, keychain, serve);
    })?;
    if start_at_login != autostart::is_on() {
        desk.start_at_login(start_at_login)?;
    }
    if moves && desk.place.is_configured() {
        settings::move_keys(&desk).await?;
    }
    Ok(())
}
