//! llamapool: the tray app. It shares this computer's models with a pool, shows what is going on, and lets the user control it.
//!
//! A thin shell around `llamapool-worker-core`, which does the work. [`supervisor`] keeps a worker running and publishes facts. [`worker_state`] and
//! [`snapshot`] turn them into a state, a status line and a value; [`menu`], [`tray_icon`] and [`notifications`] decide what to show, all as pure
//! functions. [`presenter`] publishes it to [`tray`], [`windows`] and notifications. User actions come back through [`clicks`] and [`commands`].
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![expect(unreachable_pub, reason = "a binary has no public API: `pub` marks what other modules use")]

mod actions;
mod app;
mod app_settings;
mod app_state;
mod autostart;
mod cli_args;
mod clicks;
mod clipboard;
mod commands;
mod config_paths;
mod config_watcher;
mod diagnostics;
mod first_run;
mod graphics;
mod ipc;
mod join;
mod keychain;
mod log_buffer;
mod menu;
mod notifications;
mod opener;
mod pause;
mod presenter;
mod quit;
mod serve;
mod server_urls;
mod settings;
mod sleep;
mod snapshot;
mod supervisor;
mod theme;
mod tray;
mod tray_icon;
mod updates;
mod windows;
mod worker_state;

use std::process::ExitCode;

use cli_args::{CliArgs, EarlyExit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code for invalid arguments (`EX_USAGE` of `sysexits.h`).
const BAD_USAGE: u8 = 64;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "command-line output")]
fn main() -> ExitCode {
    if let Some(done) = llamapool_update::watch_if_asked() {
        return done;
    }
    graphics::in_software();
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let args = match CliArgs::parse(args) {
        Ok(args) => args,
        Err(EarlyExit::Version) => {
            print!("{}", llamapool_settings::build::line("llamapool"));
            return ExitCode::SUCCESS;
        }
        Err(EarlyExit::Help(help)) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
        Err(EarlyExit::Invalid(message)) => {
            eprintln!("llamapool: {message}; see llamapool --help");
            return ExitCode::from(BAD_USAGE);
        }
    };
    match app::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("llamapool: {error:#}");
            ExitCode::FAILURE
        }
    }
}
