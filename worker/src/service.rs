//! The worker as a Windows service, which starts with Windows before anyone logs in. Windows starts the program, which reports that it is running
//! from a thread of Windows; stopping the service drains the worker, like a signal.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use llamapool_settings::paths;
use llamapool_settings::{DrainTimeout, Loaded};
use llamapool_telemetry::logs;
use llamapool_worker_core::config::Config;
use tokio::sync::mpsc;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::{define_windows_service, service_dispatcher};

use crate::orders::Orders;

/// The name of the service.
pub(crate) const NAME: &str = "llamapool-worker";

/// Capacity of the queue of stop requests: the first drains, the second ends the worker immediately, further ones add nothing.
const WAITING_STOPS: usize = 2;

/// The time that Windows is told to wait for a drain without limit: it requires a number.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// Time needed besides the drain: closing connections, writing logs.
const MARGIN: Duration = Duration::from_secs(10);

/// Passes the configuration to the function that Windows calls, which takes no arguments of ours. A process runs one service.
static HANDED_OVER: Mutex<Option<Loaded<Config>>> = Mutex::new(None);

define_windows_service!(windows_calls, serve_or_log);

/// Runs as a service until Windows stops it.
///
/// # Errors
/// The program was not started by Windows.
pub(crate) fn run(mut loaded: Loaded<Config>) -> anyhow::Result<()> {
    // A service has no terminal.
    loaded.config.log.dir = loaded.config.log.dir.or_else(paths::log_dir);
    *HANDED_OVER.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
    service_dispatcher::start(NAME, windows_calls)
        .context("this command is for Windows itself; start the service with: sc start llamapool-worker")
}

fn serve_or_log(_: Vec<OsString>) {
    let Some(loaded) = HANDED_OVER.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let log = loaded.config.log.clone();
    logs::around(&log, "worker", |logs| {
        let (orders, stops) = mpsc::channel(WAITING_STOPS);
        let obey = move |control| match control {
            ServiceControl::Stop | ServiceControl::Preshutdown => {
                let _ = orders.try_send(());
                ServiceControlHandlerResult::NoError
            }
            ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
            _ => ServiceControlHandlerResult::NotImplemented,
        };
        let windows = service_control_handler::register(NAME, obey).context("run as a Windows service")?;
        windows.set_service_status(status(ServiceState::Running))?;
        let patience = patience(loaded.config.drain_timeout);
        let worked = crate::run(loaded, logs, || {
            Ok(Orders::of_windows(stops, move || say_stopping(windows, patience)))
        });
        // Windows restarts a service that ends with an error, see `service install`.
        let exit_code = ServiceExitCode::ServiceSpecific(u32::from(worked.is_err()));
        windows.set_service_status(ServiceStatus { exit_code, ..status(ServiceState::Stopped) })?;
        worked
    });
}

/// Reports to Windows that the service is about to stop, and within what time.
fn say_stopping(windows: ServiceStatusHandle, patience: Duration) {
    let stopping = ServiceStatus { wait_hint: patience, ..status(ServiceState::StopPending) };
    if let Err(error) = windows.set_service_status(stopping) {
        tracing::warn!("Cannot report to Windows that the worker is stopping: {error}");
    }
}

fn patience(drain_timeout: DrainTimeout) -> Duration {
    match drain_timeout {
        DrainTimeout::Now => MARGIN,
        DrainTimeout::After(time) => time.min(LONGEST_WAIT) + MARGIN,
        DrainTimeout::Never => LONGEST_WAIT,
    }
}

fn status(current_state: ServiceState) -> ServiceStatus {
    let controls_accepted = match current_state {
        ServiceState::Stopped => ServiceControlAccept::empty(),
        _ => ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN,
    };
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state,
        controls_accepted,
        exit_code: ServiceExitCode::NO_ERROR,
        checkpoint: 0,
        wait_hint: Duration::ZERO,
        process_id: None,
    }
}

/// The command line with which Windows starts the program.
pub(crate) fn arguments(config: Option<&Path>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["service", "run"].map(OsString::from).into();
    if let Some(file) = config {
        arguments.extend(["--config".into(), file.into()]);
    }
    arguments
}
