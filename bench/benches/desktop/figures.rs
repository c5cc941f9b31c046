//! The figures, taken from outside: from `/proc` and from the screen.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use llamapool_e2e::desktop::Desktop;
use llamapool_e2e::server::CLIENT_KEY;
use llamapool_e2e::{FakeLlm, MODEL, Server};

/// After its start, and after a window was closed, the app is left alone so long before it is looked at.
const SETTLE: Duration = Duration::from_secs(20);
/// Wake-ups are counted over so long: several rounds of everything that is done at intervals.
const COUNT: Duration = Duration::from_secs(60);
/// Windows that are opened, one after the other. The first one loads the browser's libraries.
const WINDOWS: usize = 5;
/// A page that is drawn has more colours than an empty one: letters are smoothed.
const DRAWN: usize = 24;
/// How often the screen is looked at.
const LOOK: Duration = Duration::from_millis(2);

pub(crate) fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime for the desktop's side").block_on(figures());
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn figures() {
    let unconfigured = Desktop::start("").await;
    unconfigured.tray().await;
    tokio::time::sleep(SETTLE).await;
    println!("without a worker      {}", Idle::of(unconfigured.id()).await);
    drop(unconfigured);

    let (server, llm) = (Server::start().await, FakeLlm::start(&[MODEL]).await);
    let settings = format!(
        "server_url: {}\nclient_key: {CLIENT_KEY}\ncompletion_base_url: {}\n",
        server.worker_url(),
        llm.url()
    );
    let app = Desktop::start(&settings).await;
    let tray = app.tray().await;
    tray.until_status("Ready").await;
    tokio::time::sleep(SETTLE).await;
    println!("with a worker, idle   {}", Idle::of(app.id()).await);
    for n in 1..=WINDOWS {
        let clicked = Instant::now();
        tray.click("Open").await;
        while app.session.colours() < DRAWN {
            tokio::time::sleep(LOOK).await;
        }
        println!("window {n}              drawn after {} ms", clicked.elapsed().as_millis());
        app.session.close_windows();
        app.until_windows(0).await;
    }
    tokio::time::sleep(SETTLE).await;
    println!("after the windows     {}", Idle::of(app.id()).await);
    server.stop().await;
}

/// What an app costs that does nothing.
struct Idle {
    resident: u64,
    proportional: u64,
    wake_ups: u64,
    cpu: Duration,
}

impl Idle {
    async fn of(pid: i32) -> Self {
        let before = threads(pid);
        tokio::time::sleep(COUNT).await;
        let (mut wake_ups, mut cpu) = (0, Duration::ZERO);
        for (thread, now) in threads(pid) {
            let before = before.get(&thread).copied().unwrap_or_default();
            wake_ups += now.switches - before.switches;
            cpu += now.cpu - before.cpu;
        }
        let read = |file: &str, name: &str| field(&proc(pid, file), name) * 1024;
        Self { resident: read("status", "VmRSS:"), proportional: read("smaps_rollup", "Pss:"), wake_ups, cpu }
    }
}

impl std::fmt::Display for Idle {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let Self { resident, proportional, wake_ups, cpu } = self;
        let (resident, proportional) = (mib(*resident), mib(*proportional));
        write!(
            out,
            "{resident:.0} MiB RSS, {proportional:.0} MiB PSS, {wake_ups} wake-ups a minute, {} ms of CPU",
            cpu.as_millis()
        )
    }
}

/// What a thread has done so far.
#[derive(Clone, Copy, Default)]
struct Thread {
    /// How often it has gone to sleep, and was woken again.
    switches: u64,
    cpu: Duration,
}

fn threads(pid: i32) -> HashMap<OsString, Thread> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the app runs").flatten();
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default(); // it may have ended
    let thread = |task: fs::DirEntry| {
        let switches = field(&read(task.path().join("status")), "voluntary_ctxt_switches:");
        let nanos = number(read(task.path().join("schedstat")).split_whitespace().next());
        (task.file_name(), Thread { switches, cpu: Duration::from_nanos(nanos) })
    };
    tasks.map(thread).collect()
}

fn proc(pid: i32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).expect("the app runs")
}

/// The number after a name at the beginning of a line.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    number(line.and_then(|line| line.split_whitespace().next()))
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}
