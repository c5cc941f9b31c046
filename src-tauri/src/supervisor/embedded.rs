//! A worker in this app: a thread of its own with a runtime of its own, so that neither its load nor its death is the tray's.

use std::thread;

use anyhow::Context as _;
use llamapool_worker_core::Worker;
use llamapool_worker_core::config::Config;
use llamapool_worker_core::worker::{Exit, Home, Status, Steer};
use tokio::sync::{oneshot, watch};
use tokio::time::{Duration, Instant};

use super::seen::Seen;
use super::worker::End;

/// Requests come and go far faster than anybody reads: they are counted anew this often at most.
const LOOK: Duration = Duration::from_millis(200);

/// Everything is free long before that, unless the machine is very busy.
const FREED: Duration = Duration::from_secs(2);

/// A running worker. Dropping it ends the worker and its thread.
pub(super) struct Embedded {
    worker: Worker,
    status: watch::Receiver<Status>,
    jobs: watch::Receiver<u32>,
    next_look: Instant,
    /// The thread ends when this is dropped, and with it everything that still runs there.
    thread: oneshot::Sender<()>,
    /// Breaks when it has.
    gone: oneshot::Receiver<()>,
}

impl Embedded {
    /// Starts a worker; see [`Worker::start`] for `home`. `prepare` is done before it takes its first breath.
    ///
    /// # Errors
    /// If it cannot start, or panics while it does.
    pub(super) async fn start(
        config: Config,
        home: Home,
        prepare: impl FnOnce(&Steer) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (started, is_started) = oneshot::channel();
        let (thread, ended) = oneshot::channel::<()>();
        let (here, gone) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || {
                let _here = here;
                live(config, home, prepare, started, ended);
            })
            .context("start the worker's thread")?;
        let worker = is_started.await.context("the worker failed while it was started")??;
        let (status, jobs) = (worker.status(), worker.jobs());
        Ok(Self { worker, status, jobs, next_look: Instant::now(), thread, gone })
    }

    /// Waits for something new, or for the end.
    pub(super) async fn changed(&mut self) -> Option<End> {
        tokio::select! {
            exit = self.worker.wait() => return Some(match exit {
                Exit::Told => End::Told,
                Exit::Lost(why) => End::Failed(why),
            }),
            Ok(()) = self.status.changed() => {}
            () = jobs_changed(&mut self.jobs, self.next_look) => self.next_look = Instant::now() + LOOK,
        }
        None
    }

    /// Ends it now, and waits until everything it held is free: its port, its id.
    pub(super) async fn end(self) {
        let Self { worker, thread, gone, .. } = self;
        drop((worker, thread));
        let _ = tokio::time::timeout(FREED, gone).await;
    }

    pub(super) fn seen(&self) -> Seen {
        let status = self.status.borrow().clone();
        Seen::of_status(&status, &self.worker.activity())
    }

    pub(super) fn steer(&self) -> &Steer {
        self.worker.steer()
    }
}

async fn jobs_changed(jobs: &mut watch::Receiver<u32>, not_before: Instant) {
    if jobs.changed().await.is_err() {
        return std::future::pending().await; // the worker has ended, which is said elsewhere
    }
    // What comes meanwhile is seen with it: the value stays marked as changed only if it changes later.
    jobs.mark_changed();
    tokio::time::sleep_until(not_before).await;
    jobs.mark_unchanged();
}

/// The worker's thread.
fn live(
    config: Config,
    home: Home,
    prepare: impl FnOnce(&Steer),
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
            prepare(worker.steer());
        }
        if started.send(worker).is_ok() {
            tokio::select! {
                _ = ended => {}
                () = provoked() => {}
            }
        }
    });
    // A name that is being looked up cannot be stopped, and nobody waits for it.
    runtime.shutdown_background();
}

/// In debug builds SIGUSR2 makes the worker's thread panic, so that tests can see the app survive it.
async fn provoked() {
    #[cfg(all(debug_assertions, unix))]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut signal) = signal(SignalKind::user_defined2()) {
            signal.recv().await;
            panic!("the worker's thread was told to panic");
        }
    }
    std::future::pending().await
}
