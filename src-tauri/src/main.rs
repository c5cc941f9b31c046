//! llamapool: the tray app. It brings this machine into a pool, shows how that goes, and obeys.
//!
//! A thin shell: what a worker does is in `llamapool-worker-core`. [`supervisor`] keeps one running and tells the facts; [`phase`] and [`snapshot`] say
//! in a word, a line and a value what they mean; [`menu`], [`face`] and [`notices`] say how that is shown, all as pure functions. [`present`] puts
//! it in front of people: through [`tray`], [`windows`] and the events of [`ipc`]. Clicks come back through [`desk`] and [`commands`].
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![expect(unreachable_pub, reason = "a program has no outside: `pub` means that other parts of it use this")]

mod actions;
mod app;
mod autostart;
mod checkup;
mod clipboard;
mod colours;
mod commands;
mod desk;
mod face;
mod first_run;
mod follow;
mod graphics;
mod ipc;
mod join;
mod keychain;
mod launch;
mod leftovers;
mod logbook;
mod menu;
mod notices;
mod opener;
mod own;
mod pause;
mod phase;
mod present;
mod quit;
mod serve;
mod settings;
mod sleep;
mod snapshot;
mod supervisor;
mod tray;
mod updates;
mod windows;

use std::process::ExitCode;

use launch::{Launch, Other};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a program says of a command line that makes no sense (`sysexits.h`).
const BAD_USAGE: u8 = 64;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is asked for on the command line is answered there"
)]
fn main() -> ExitCode {
    if let Some(done) = llamapool_worker_core::update::watch_if_asked() {
        return done;
    }
    graphics::in_software();
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let launch = match Launch::read(args) {
        Ok(launch) => launch,
        Err(Other::Version) => {
            print!("{}", llamapool_worker_core::settings::build::line("llamapool"));
            return ExitCode::SUCCESS;
        }
        Err(Other::Help(help)) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
        Err(Other::Wrong(why)) => {
            eprintln!("llamapool: {why}; see llamapool --help");
            return ExitCode::from(BAD_USAGE);
        }
    };
    match app::run(launch) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("llamapool: {error:#}");
            ExitCode::FAILURE
        }
    }
}
