//! A worker in this app. It has its own thread and runtime, so that neither its load nor a panic affects the tray.

use std::thread;

use anyhow::Context as _;
use llamapool_worker_core::Worker;
use llamapool_worker_core::config::Config;
use llamapool_worker_core::worker::{Exit, Status, WorkerEnv, WorkerHandle};
use tokio::sync::{oneshot, watch};
use tokio::time::{Duration, Instant};

use super::WorkerExit;
use super::worker_snapshot::WorkerSnapshot;

/// The shortest time between two updates of the request count.
const MIN_INTERVAL: Duration = Duration::from_millis(200);

/// How long to wait for a stopped worker to release its resources.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// A running worker. Dropping it stops the worker and its thread.
pub(super) struct Embedded {
    worker: Worker,
    status: watch::Receiver<Status>,
    jobs: watch::Receiver<u32>,
    next_update: Instant,
    /// Dropping this ends the thread and everything that still runs there.
    thread: oneshot::Sender<()>,
    /// Closes when the thread has ended.
    gone: oneshot::Receiver<()>,
}

impl Embedded {
    /// Starts a worker; see [`Worker::start`] for `home`. `prepare` is called before it accepts requests.
    ///
    /// # Errors
    /// The worker cannot start, or panics while starting.
    pub(super) async fn start(
        config: Config,
        home: WorkerEnv,
        prepare: impl FnOnce(&WorkerHandle) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (started, is_started) = oneshot::channel();
        let (thread, ended) = oneshot::channel::<()>();
        let (here, gone) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || {
                let _here = here;
                run_thread(config, home, prepare, started, ended);
            })
            .context("start the worker's thread")?;
        let worker = is_started.await.context("the worker failed while starting")??;
        let (status, jobs) = (worker.status(), worker.jobs());
        Ok(Self { worker, status, jobs, next_update: Instant::now(), thread, gone })
    }

    /// Waits for a change, or for the end.
    pub(super) async fn changed(&mut self) -> Option<WorkerExit> {
        tokio::select! {
            exit = self.worker.wait() => return Some(match exit {
                Exit::Requested => WorkerExit::Requested,
                Exit::Lost(why) => WorkerExit::Failed(why),
            }),
            Ok(()) = self.status.changed() => {}
            () = jobs_changed(&mut self.jobs, self.next_update) => self.next_update = Instant::now() + MIN_INTERVAL,
        }
        None
    }

    /// Stops it now, and waits until its port and id are released.
    pub(super) async fn end(self) {
        let Self { worker, thread, gone, .. } = self;
        drop((worker, thread));
        let _ = tokio::time::timeout(RELEASE_TIMEOUT, gone).await;
    }

    pub(super) fn snapshot(&self) -> WorkerSnapshot {
        let status = self.status.borrow().clone();
        WorkerSnapshot::of_status(&status, &self.worker.activity())
    }

    pub(super) fn handle(&self) -> &WorkerHandle {
        self.worker.handle()
    }
}

async fn jobs_changed(jobs: &mut watch::Receiver<u32>, not_before: Instant) {
    if jobs.changed().await.is_err() {
        return std::future::pending().await; // the worker has ended, which `wait` reports
    }
    // Changes until then are included: the value counts as changed again only if it changes later.
    jobs.mark_changed();
    tokio::time::sleep_until(not_before).await;
    jobs.mark_unchanged();
}

/// The worker's thread.
fn run_thread(
    config: Config,
    home: WorkerEnv,
    prepare: impl FnOnce(&WorkerHandle),
    started: oneshot::Sender<anyhow::Result<Worker>>,
    ended: oneshot::Receiver<()>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(anyhow::Error::new(error).context("start the worker's runtime")));
            return;
        }
    };
    runtime.block_on(async {
        let worker = Worker::start(config, home).await;
        if let Ok(worker) = &worker {
            prepare(worker.handle());
        }
        if started.send(worker).is_ok() {
            let _ = ended.await;
        }
    });
    // A DNS lookup in progress cannot be cancelled, so do not wait for it.
    runtime.shutdown_background();
}
