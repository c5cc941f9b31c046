//! `llamapool-worker service`: the worker as a Windows service.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Arg, Command};
use llamapool_settings::cli::Called;
use llamapool_worker_core::config::Config;
use windows_service::service::{
    ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceFailureActions,
    ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::{remark, say};
use crate::service;

pub(super) const NAME: &str = "service";

const ACTION: &str = "action";
const ACTIONS: [&str; 3] = ["install", "uninstall", "run"];

/// An account with no more rights on this machine than a user; it reads `%ProgramData%\llamapool` and connects.
const ACCOUNT: &str = r"NT AUTHORITY\LocalService";

/// Delays before a failed service is restarted: the first, the second, and all further ones.
const RESTARTS: [Duration; 3] = [Duration::from_secs(3), Duration::from_secs(15), Duration::from_secs(60)];
/// After this long without a failure, counting starts again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60 * 60);

pub(super) fn command() -> Command {
    let action =
        Arg::new(ACTION).required(true).value_parser(ACTIONS).help("The action; Windows itself uses `run`");
    Command::new(NAME)
        .about("Install or remove the worker as a Windows service")
        .long_about(
            "Installs the worker as a Windows service, which starts with Windows, before anyone logs in; or removes the service. \
             Both require administrator rights. The service uses the configuration file given with --config, or the default one, \
             and writes its logs next to it.",
        )
        .arg(action)
}

pub(super) fn run(called: Called<Config>) -> anyhow::Result<ExitCode> {
    match called.args.get_one::<String>(ACTION).map(String::as_str) {
        Some("install") => install(called.file)?,
        Some("uninstall") => uninstall()?,
        _ => return work(called),
    }
    Ok(ExitCode::SUCCESS)
}

fn work(called: Called<Config>) -> anyhow::Result<ExitCode> {
    match called.loaded {
        Ok(loaded) => service::run(loaded).map(|()| ExitCode::SUCCESS),
        Err(mistakes) => anyhow::bail!("{mistakes}"),
    }
}

/// Only a file that was given is kept, because the default path may change.
fn install(config: Option<PathBuf>) -> anyhow::Result<()> {
    let named = config.filter(|_| std::env::args().any(|arg| arg.starts_with("--config")));
    let named = named.map(std::path::absolute).transpose().context("find the configuration file")?;
    let access = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
    let services = ServiceManager::local_computer(None::<&str>, access)
        .context("connect to the service manager; run this as an administrator")?;
    let info = ServiceInfo {
        name: service::NAME.into(),
        display_name: "llamapool worker".into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: std::env::current_exe().context("find out where this program is")?,
        launch_arguments: service::arguments(named.as_deref()),
        dependencies: vec![],
        account_name: Some(OsString::from(ACCOUNT)),
        account_password: None,
    };
    let made = services
        .create_service(&info, ServiceAccess::CHANGE_CONFIG | ServiceAccess::START)
        .context("register the service")?;
    made.set_description("Brings the LLM runtime of this machine into a llamapool")?;
    let actions = RESTARTS.map(|delay| ServiceAction { action_type: ServiceActionType::Restart, delay });
    made.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FORGIVEN_AFTER),
        reboot_msg: None,
        command: None,
        actions: Some(actions.into()),
    })?;
    made.set_failure_actions_on_non_crash_failures(true)?;
    say("The service llamapool-worker starts with Windows. To start it now: sc start llamapool-worker");
    Ok(())
}

fn uninstall() -> anyhow::Result<()> {
    let services = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)
        .context("connect to the service manager; run this as an administrator")?;
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
    let ours = services.open_service(service::NAME, access).context("find the service")?;
    // It disappears once it has stopped, and it stops once its requests are finished.
    ours.delete().context("remove the service")?;
    if ours.query_status()?.current_state != ServiceState::Stopped {
        ours.stop().context("stop the service")?;
        remark("Finishing open requests.");
    }
    say("The service llamapool-worker is removed. Its configuration is kept.");
    Ok(())
}
