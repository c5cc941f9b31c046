//! Puts the app together: one thread for its tasks, the event loop on the main thread, and what happens between them.

use std::panic;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use llamapool_worker_core::logs;
use llamapool_worker_core::{paths, tls};
use tauri::{AppHandle, Emitter as _, Manager as _, RunEvent};
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::task::TaskTracker;

use crate::checkup::Checkup;
use crate::clipboard::Clipboard;
use crate::colours::{self, Panel};
use crate::desk::{self, Desk, Drafts, OneAtATime};
use crate::join::LastLink;
use crate::launch::Launch;
use crate::logbook::Logbook;
use crate::present::{self, Sources};
use crate::supervisor::{Place, Supervisor};
use crate::updates::Updates;
use crate::{commands, follow, menu, quit, serve, sleep, snapshot, tray, updates, windows};

/// The event by which the first run hears that there is a join link to ask for.
pub const JOIN: &str = "join";

/// Where log files go, below the state folder, on systems that have no custom of their own.
const LOGS: &str = "logs";

/// Runs the app until it is quit.
///
/// # Errors
/// There is no screen, or nothing that a program needs.
pub fn run(launch: Launch) -> anyhow::Result<()> {
    tls::install();
    let tasks = Tasks::start()?;
    let app = tauri::Builder::default()
        // First: a second launch ends here, before it touches anything.
        .plugin(tauri_plugin_single_instance::init(|app, argv, _| again(app, argv)))
        .manage(Early::default())
        .invoke_handler(commands::all())
        .on_menu_event(|app, event| {
            if let Some(click) = menu::click(event.id().as_ref()) {
                desk::clicked(app, click);
            }
        })
        .setup(move |app| {
            #[cfg(target_os = "macos")]
            app.set_activation_policy(tauri::ActivationPolicy::Accessory);
            set_up(app.handle(), launch)
        })
        .build(tauri::generate_context!())
        .context("start the app")?;
    app.run(on_event);
    drop(tasks);
    Ok(())
}

/// The thread of the app's tasks. One is enough: they mostly wait.
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
            .name("desk".to_owned())
            .spawn(move || {
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })
            .context("start the app's thread")?;
        Ok(Self { _end: end })
    }
}

/// Everything that runs as long as the app.
fn set_up(app: &AppHandle, launch: Launch) -> Result<(), Box<dyn std::error::Error>> {
    if launch.quit {
        app.exit(0); // there was none
        return Ok(());
    }
    let place = Place::of_process(launch.config.clone());
    let logbook = Logbook::default();
    let (guard, log_dir) = start_logs(&place, &logbook)?;
    let level = guard.level();
    app.manage(Mutex::new(Some(guard)));
    let own = place.own().clone();
    // It was read before anybody could be told of a mistake in it.
    own.reread();
    let updates = Updates::of_process();
    let (supervisor, life) = Supervisor::new(place.clone(), Some(level.clone()), logbook.clone());
    let facts = supervisor.facts();
    let first =
        snapshot::snapshot(&facts.borrow(), updates.watch().borrow().clone(), tokio::time::Instant::now());
    let (show, shown) = watch::channel(Arc::new(first));
    let refresh = Arc::new(Notify::new());
    let (behind, panel) = watch::channel(Panel::default());
    let sources = Sources {
        facts: facts.clone(),
        update: updates.watch(),
        own: own.watch(),
        panel,
        refresh: refresh.clone(),
    };
    app.manage(Desk {
        place,
        supervisor,
        logbook,
        level: Some(level),
        log_dir,
        own,
        updates,
        link: LastLink::default(),
        tail: OneAtATime::default(),
        visit: OneAtATime::default(),
        checkup: Checkup::default(),
        clipboard: Clipboard::default(),
        drafts: Drafts::default(),
        shown,
        refresh,
        tasks: TaskTracker::new(),
    });
    let desk = app.state::<Desk>();
    // First, so that there is never a worker that could not be told to end.
    desk.spawn(quit::on_signals(app.clone()));
    desk.spawn(life);
    desk.spawn(present::present(app.clone(), sources, show));
    desk.spawn(follow::follow(app.clone()));
    desk.spawn(serve::follow(desk.own.watch(), desk.supervisor.clone()));
    desk.spawn(colours::follow(app.clone(), behind));
    desk.spawn(updates::follow(app.clone()));
    desk.spawn(sleep::follow(desk.supervisor.clone()));
    desk.spawn(sleep::stay_awake(desk.own.watch(), facts.clone()));
    desk.spawn(quit::follow(app.clone(), facts));
    let is_welcome = !desk.updates.is_new();
    let early = app.state::<Early>().end();
    is_welcome.then_some(launch).into_iter().chain(early).for_each(|launch| greet(app, &launch));
    Ok(())
}

/// Launches that come while the app is only starting: two at the same instant, or the link that macOS starts it for.
struct Early(Mutex<Option<Vec<Launch>>>);

impl Default for Early {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl Early {
    /// Keeps this for later. Gives it back if there is no need.
    fn keep(&self, launch: Launch) -> Option<Launch> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(early) => {
                early.push(launch);
                None
            }
            None => Some(launch),
        }
    }

    /// The app has started.
    fn end(&self) -> Vec<Launch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

/// What is logged goes to the standard error, to files, and into the book that the Logs window shows.
fn start_logs(place: &Place, logbook: &Logbook) -> anyhow::Result<(logs::Guard, Option<PathBuf>)> {
    let mut config = place.load().map(|loaded| loaded.config.log).unwrap_or_default();
    let usual = || paths::log_dir().unwrap_or_else(|| place.state_dir().join(LOGS));
    config.dir = Some(config.dir.unwrap_or_else(usual));
    let guard = logs::start_with_copy(&config, "desktop", Some(Box::new(logbook.writer())))?;
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        tracing::error!("A part of the app panicked: {panicked}");
        before(panicked);
    }));
    tracing::info!("{}", llamapool_worker_core::settings::build::line("llamapool").trim_end());
    Ok((guard, config.dir))
}

/// A launch shows something, unless the system has started the app.
fn greet(app: &AppHandle, launch: &Launch) {
    match &launch.link {
        _ if launch.quit => quit::asked(app),
        Some(link) => joined(app, link),
        None if !launch.hidden => desk::open_something(app),
        None => {}
    }
}

/// The app was started again while it runs. What makes no sense still wants to see it.
fn again(app: &AppHandle, argv: Vec<String>) {
    launched(app, Launch::read(argv.into_iter().skip(1)).unwrap_or_default());
}

fn launched(app: &AppHandle, launch: Launch) {
    if let Some(launch) = app.state::<Early>().keep(launch) {
        greet(app, &launch);
    }
}

/// A join link was opened. What is wrong with it is shown where a good one would be.
fn joined(app: &AppHandle, text: &str) {
    if let Err(problem) = app.state::<Desk>().link.opened(text) {
        tracing::warn!("A link was opened that is none: {}", problem.what);
    }
    // One that is open asks for it now, one that is only being opened as soon as it can.
    let _ = app.emit_to(windows::WELCOME, JOIN, ());
    windows::welcome(app);
}

fn on_event(app: &AppHandle, event: RunEvent) {
    match event {
        // The last window was closed: that is not the end of the app.
        RunEvent::ExitRequested { code: None, api, .. } => {
            api.prevent_exit();
            windows::closed(app);
        }
        RunEvent::Exit => {
            quit::last_chance(app);
            tray::remove();
            // What is left of the log is written when its guard goes.
            if let Some(guard) = app.try_state::<Mutex<Option<logs::Guard>>>() {
                drop(guard.lock().map(|mut guard| guard.take()));
            }
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => launched(app, Launch::default()),
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => urls.iter().for_each(|url| {
            launched(app, Launch { link: Some(url.to_string()), ..Launch::default() });
        }),
        _ => {}
    }
}
