//! Assembles the app: one thread for its tasks, the event loop on the main thread, and the glue between modules.

mod sharing_rules;

use std::panic;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use llamapool_settings::paths;
use llamapool_telemetry::logs;
use llamapool_telemetry::tasks::BackgroundTasks;
use llamapool_tunnel::tls;
use tauri::{AppHandle, Emitter as _, Manager as _, RunEvent};
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::task::TaskTracker;

use crate::app_state::{AppState, Drafts, SingleTask};
use crate::cli_args::CliArgs;
use crate::clipboard::Clipboard;
use crate::config_paths::ConfigPaths;
use crate::diagnostics::Diagnostics;
use crate::ipc::Snapshot;
use crate::join::LastLink;
use crate::log_buffer::LogBuffer;
use crate::presenter::{self, Sources};
use crate::supervisor::Supervisor;
use crate::theme::{self, PanelTheme};
use crate::updates::Updates;
use crate::{clicks, commands, config_watcher, menu, quit, sleep, snapshot, tray, windows};

/// The event that tells the first-run window to fetch a join link.
const JOIN: &str = "join";

/// The folder for log files below the state folder, on systems without a customary place for logs.
const LOGS: &str = "logs";

/// Runs the app until it quits.
///
/// # Errors
/// There is no display, or a thread, runtime or window system cannot be started.
pub fn run(args: CliArgs) -> anyhow::Result<()> {
    tls::install();
    let tasks = Tasks::start()?;
    let app = tauri::Builder::default()
        // First: a second launch ends here, before it touches anything.
        .plugin(tauri_plugin_single_instance::init(|app, argv, _| launched_again(app, argv)))
        .manage(PendingLaunches::default())
        .invoke_handler(commands::all())
        .on_menu_event(|app, event| {
            if let Some(click) = menu::click(event.id().as_ref()) {
                clicks::clicked(app, click);
            }
        })
        .setup(move |app| {
            #[cfg(target_os = "macos")]
            app.set_activation_policy(tauri::ActivationPolicy::Accessory);
            set_up(app.handle(), args)
        })
        .build(tauri::generate_context!())
        .context("start the app")?;
    app.run(on_event);
    drop(tasks);
    Ok(())
}

/// The thread that runs the app's tasks. One is enough: they mostly wait.
struct Tasks {
    _end: oneshot::Sender<()>,
}

impl Tasks {
    fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("start the app's runtime")?;
        tauri::async_runtime::set(runtime.handle().clone());
        let (end, ended) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("tasks".to_owned())
            .spawn(move || {
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })
            .context("start the app's thread")?;
        Ok(Self { _end: end })
    }
}

/// Creates the app's state and starts its tasks.
fn set_up(app: &AppHandle, args: CliArgs) -> Result<(), Box<dyn std::error::Error>> {
    if args.quit {
        app.exit(0); // no app was running
        return Ok(());
    }
    let paths = ConfigPaths::of_process(args.config.clone());
    let log_buffer = LogBuffer::default();
    let (guard, log_dir) = start_logs(&paths, &log_buffer)?;
    let logs = guard.running();
    app.manage(Mutex::new(Some(guard)));
    // The file was first read before logging started: report mistakes now.
    paths.app_settings().reread();
    let (supervisor, life) = Supervisor::new(paths.clone(), Some(logs.clone()), log_buffer.clone());
    let updates = Updates::of_process(supervisor.clone(), paths.app_settings().clone());
    let update = updates.watch().borrow().clone();
    let first = snapshot::snapshot(&supervisor.facts().borrow(), update, tokio::time::Instant::now());
    let (show, shown) = watch::channel(Arc::new(first));
    let state = AppState {
        settings: paths.app_settings().clone(),
        supervisor,
        updates: Arc::new(updates),
        diagnostics: Diagnostics::new(paths.clone(), log_dir.clone()),
        paths,
        log_buffer,
        level: Some(logs.level().clone()),
        log_dir,
        link: LastLink::default(),
        log_tail: SingleTask::default(),
        diagnostics_run: SingleTask::default(),
        clipboard: Clipboard::default(),
        drafts: Drafts::default(),
        shown,
        refresh: Arc::new(Notify::new()),
        tasks: TaskTracker::new(),
    };
    app.manage(state);
    start_tasks(app, life, show);
    let opens_window = !app.state::<AppState>().updates.is_first_start();
    let pending = app.state::<PendingLaunches>().take();
    opens_window.then_some(args).into_iter().chain(pending).for_each(|args| greet(app, &args));
    Ok(())
}

fn start_tasks(
    app: &AppHandle,
    supervisor_life: impl Future<Output = ()> + Send + 'static,
    show: watch::Sender<Arc<Snapshot>>,
) {
    let state = app.state::<AppState>();
    let facts = state.supervisor.facts();
    let (panel_sender, panel) = watch::channel(PanelTheme::default());
    let sources = Sources {
        facts: facts.clone(),
        update: state.updates.watch(),
        settings: state.settings.watch(),
        panel,
        refresh: state.refresh.clone(),
    };
    let tell_windows = {
        let app = app.clone();
        move || commands::preferences::emit(&app)
    };
    let runtime = tauri::async_runtime::handle();
    let _entered = runtime.inner().enter();
    let mut tasks = BackgroundTasks::default();
    // First, so that there is never a worker that a signal could not end.
    tasks.spawn("signals", quit::on_signals(app.clone()));
    tasks.spawn("supervisor", supervisor_life);
    tasks.spawn("presenter", presenter::run(app.clone(), sources, show));
    tasks.spawn("configuration watcher", config_watcher::run(app.clone()));
    tasks.spawn("sharing rules", sharing_rules::run(state.settings.watch(), state.supervisor.clone()));
    tasks.spawn("theme", theme::run(app.clone(), panel_sender));
    tasks.spawn("updates", state.updates.clone().run(tell_windows));
    tasks.spawn("sleep", sleep::run(state.supervisor.clone()));
    tasks.spawn("stay awake", sleep::stay_awake(state.settings.watch(), facts.clone()));
    tasks.spawn("end", quit::when_ended(app.clone(), facts));
    #[cfg(all(debug_assertions, unix))]
    tasks.spawn("panic for tests", panic_on_signal());
    state.spawn(quit::when_failed(app.clone(), tasks));
}

/// In debug builds, SIGUSR1 makes a task of the app panic, to test that this is noticed.
#[cfg(all(debug_assertions, unix))]
async fn panic_on_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut signal) = signal(SignalKind::user_defined1()) {
        signal.recv().await;
        panic!("panic requested by SIGUSR1");
    }
}

/// Launches that arrive while the app is still starting: two at the same instant, or the link that macOS starts it for.
struct PendingLaunches(Mutex<Option<Vec<CliArgs>>>);

impl Default for PendingLaunches {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl PendingLaunches {
    /// Keeps this for later. Returns it if the app has started.
    fn keep(&self, args: CliArgs) -> Option<CliArgs> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(pending) => {
                pending.push(args);
                None
            }
            None => Some(args),
        }
    }

    /// The app has started: returns what was kept, and keeps nothing from now on.
    fn take(&self) -> Vec<CliArgs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

/// Sends log records to stderr, to files, and to the buffer that the Logs window shows.
fn start_logs(
    config_paths: &ConfigPaths,
    log_buffer: &LogBuffer,
) -> anyhow::Result<(logs::Guard, Option<PathBuf>)> {
    let mut config = config_paths.load().map(|loaded| loaded.config.log).unwrap_or_default();
    let default_dir = || paths::log_dir().unwrap_or_else(|| config_paths.state_dir().join(LOGS));
    config.dir = Some(config.dir.unwrap_or_else(default_dir));
    let guard = logs::start_with_copy(&config, "desktop", Some(Box::new(log_buffer.writer())))?;
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        tracing::error!("Panic: {panicked}");
        before(panicked);
    }));
    tracing::info!("{}", llamapool_settings::build::line("llamapool").trim_end());
    Ok((guard, config.dir))
}

/// Responds to a launch: with a window, unless the app was started hidden.
fn greet(app: &AppHandle, args: &CliArgs) {
    match &args.link {
        _ if args.quit => quit::requested(app),
        Some(link) => open_link(app, link),
        None if !args.hidden => clicks::open_main_window(app),
        None => {}
    }
}

/// The app was launched again while it runs. Invalid arguments count as a plain launch.
fn launched_again(app: &AppHandle, argv: Vec<String>) {
    launched(app, CliArgs::parse(argv.into_iter().skip(1)).unwrap_or_default());
}

fn launched(app: &AppHandle, args: CliArgs) {
    if let Some(args) = app.state::<PendingLaunches>().keep(args) {
        greet(app, &args);
    }
}

/// A join link was opened. If it is invalid, the first-run window says so.
fn open_link(app: &AppHandle, text: &str) {
    if let Err(problem) = app.state::<AppState>().link.open(text) {
        tracing::warn!("Invalid join link: {}", problem.what);
    }
    // An open window fetches the link now, one that is being opened as soon as it has loaded.
    let _ = app.emit_to(windows::WELCOME, JOIN, ());
    windows::welcome(app);
}

fn on_event(app: &AppHandle, event: RunEvent) {
    match event {
        // The last window was closed. The app keeps running in the tray.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        RunEvent::Exit => {
            quit::last_chance(app);
            tray::remove();
            // Dropping the guard flushes the log.
            if let Some(guard) = app.try_state::<Mutex<Option<logs::Guard>>>() {
                drop(guard.lock().map(|mut guard| guard.take()));
            }
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => launched(app, CliArgs::default()),
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => urls.iter().for_each(|url| {
            launched(app, CliArgs { link: Some(url.to_string()), ..CliArgs::default() });
        }),
        _ => {}
    }
}
