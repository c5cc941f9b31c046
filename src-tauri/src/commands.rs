//! What the windows can ask for. Each command converts, calls, converts back; everything else is elsewhere.

pub mod about;
pub mod diagnostics;
pub mod first_run;
pub mod logs;
pub mod preferences;
pub mod worker;

use tauri::Wry;
use tauri::ipc::Invoke;

/// Every command.
pub fn all() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        worker::snapshot,
        worker::load,
        worker::control,
        worker::pause,
        worker::offer,
        preferences::preferences,
        preferences::check_preference,
        preferences::save_preferences,
        preferences::app_preferences,
        preferences::save_app_preferences,
        logs::logs,
        logs::set_log_level,
        diagnostics::doctor,
        diagnostics::report_preview,
        diagnostics::save_report,
        first_run::read_join_link,
        first_run::try_server,
        first_run::find_runtimes,
        first_run::finish_setup,
        first_run::test_request,
        about::open,
        about::copy,
        about::check_update,
        about::restart_to_update,
        about::about,
    ]
}
