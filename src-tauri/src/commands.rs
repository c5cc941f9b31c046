//! Commands of the windows. Each converts its arguments, calls, and converts the result; the logic is elsewhere.

pub mod about;
pub mod diagnostics;
pub mod first_run;
pub mod logs;
pub mod preferences;
pub mod worker;

use tauri::Wry;
use tauri::ipc::Invoke;

/// All commands.
pub fn all() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        worker::snapshot,
        worker::load,
        worker::control,
        worker::pause,
        worker::offer,
        preferences::preferences,
        preferences::keep_drafts,
        preferences::kept_drafts,
        preferences::check_preference,
        preferences::save_preferences,
        preferences::app_preferences,
        preferences::save_app_preferences,
        logs::logs,
        logs::set_log_level,
        diagnostics::doctor,
        diagnostics::report_preview,
        diagnostics::save_report,
        first_run::setup_now,
        first_run::read_join_link,
        first_run::opened_link,
        first_run::try_server,
        first_run::find_runtimes,
        first_run::finish_setup,
        first_run::test_request,
        about::open,
        about::copy,
        about::check_update,
        about::restart_to_update,
        about::about,
        about::third_party,
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    const CAPABILITY: &str = include_str!("../capabilities/windows.json");

    #[test]
    fn every_command_is_allowed_by_name_and_nothing_else_is() {
        let capability: Value = serde_json::from_str(CAPABILITY).unwrap();
        let allowed: Vec<_> =
            capability["permissions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let list = include_str!("commands.rs").split("generate_handler![").nth(1).unwrap();
        let list = list.split(']').next().unwrap().split(',').map(str::trim).filter(|path| !path.is_empty());
        let ours = list.map(|path| format!("allow-{}", path.rsplit("::").next().unwrap().replace('_', "-")));
        let core = ["core:event:allow-listen", "core:event:allow-unlisten", "core:window:allow-close"];
        let wanted: Vec<_> = core.map(str::to_owned).into_iter().chain(ours).collect();
        assert_eq!(allowed, wanted);
    }
}
