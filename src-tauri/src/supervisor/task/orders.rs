//! Orders while a worker is running.

use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use llamapool_settings::DrainTimeout;
use llamapool_telemetry::logs::RunningLogs;

use super::{After, SupervisorTask};
use crate::pause::Pause;
use crate::serve::Reason;
use crate::supervisor::active_rules::ActiveRules;
use crate::supervisor::worker::{Worker, WorkerCommand};
use crate::supervisor::{ConnectionState, Order, WorkerExit};

/// How long an idle worker gets to disconnect.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl SupervisorTask {
    pub(super) async fn handle(&mut self, order: Order, worker: &mut Worker) -> ControlFlow<WorkerExit> {
        match order {
            Order::Drain => {
                self.draining = true;
                self.hold_or_release(worker).await;
            }
            Order::Undrain => {
                self.draining = false;
                self.set_pause(None);
                self.hold_or_release(worker).await;
            }
            Order::Pause(span) => {
                self.set_pause(Some(Pause::new(span, SystemTime::now())));
                self.hold_or_release(worker).await;
            }
            Order::Resume => self.resume(worker).await,
            Order::Rules(reasons) => self.apply_rules(reasons, worker).await,
            Order::ShutdownWhenDone => self.end_later(worker, After::Stop, DrainTimeout::Never).await,
            Order::Stop => self.end_later(worker, After::Stop, DrainTimeout::Now).await,
            // The app could stop a service but not start it again.
            Order::Restart if matches!(worker, Worker::Attached(_)) => {}
            Order::Restart => self.end_later(worker, After::Start, self.drain_timeout()).await,
            Order::Retry => return self.retry(worker),
            Order::Reload if !self.has_new_settings() => {}
            Order::Reload => self.reload(worker).await,
            Order::Start => {}
            Order::Sleep => {
                self.set_sleeping(true);
                self.hold_or_release(worker).await;
            }
            Order::Wake => self.wake(worker).await,
            Order::Quit => return self.quit(worker).await,
            Order::Stay => {
                self.facts.send_modify(|facts| facts.quitting = false);
                self.hold_or_release(worker).await;
            }
            Order::QuitWithin(time) => return self.quit_within(time, worker).await,
        }
        ControlFlow::Continue(())
    }

    /// Whether the worker is to accept no new requests, for whatever reason.
    pub(super) fn is_held(&self) -> bool {
        let facts = self.facts.borrow();
        let is_paused = facts.pause.is_some() || facts.rule.is_some();
        self.draining || is_paused || facts.sleeping || facts.quitting
    }

    fn is_held_by_rule_only(&self) -> bool {
        let facts = self.facts.borrow();
        facts.rule.is_some() && facts.pause.is_none() && !self.draining
    }

    pub(super) async fn hold_or_release(&self, worker: &mut Worker) {
        if matches!(worker, Worker::Attached(_)) {
            self.memory.set_rule(self.is_held_by_rule_only());
        }
        let command = if self.is_held() { WorkerCommand::Drain } else { WorkerCommand::Undrain };
        worker.send(command).await;
    }

    pub(super) fn set_pause(&self, pause: Option<Pause>) {
        self.memory.write(pause);
        self.facts.send_modify(|facts| facts.pause = pause);
    }

    pub(super) fn set_sleeping(&self, sleeping: bool) {
        self.facts.send_modify(|facts| facts.sleeping = sleeping);
    }

    /// Reconnects after sleep: the old connection is most likely lost, which takes a while to detect. It is kept if requests are still running on it.
    async fn wake(&mut self, worker: &mut Worker) {
        let has_slept = self.facts.borrow().sleeping;
        self.set_sleeping(false);
        if has_slept && worker.snapshot().running == 0 {
            worker.send(WorkerCommand::Redial).await;
        }
        self.hold_or_release(worker).await;
    }

    pub(super) async fn resume(&mut self, worker: &mut Worker) {
        self.end_pause_or_override();
        self.hold_or_release(worker).await;
    }

    /// Ends the pause if there is one, and leaves the rules alone: only when they are what holds the worker does the user override them.
    pub(super) fn end_pause_or_override(&mut self) {
        if self.facts.borrow().pause.is_some() {
            self.set_pause(None);
        } else {
            self.change_rules(ActiveRules::override_all);
        }
    }

    pub(super) fn change_rules(&mut self, change: impl FnOnce(&mut ActiveRules)) {
        change(&mut self.rules);
        let reason = self.rules.reason();
        self.facts.send_if_modified(|facts| {
            let has_changed = facts.rule.as_ref() != reason;
            facts.rule = reason.cloned();
            has_changed
        });
    }

    /// A service that was drained by someone else stays drained, unless it was held by this app.
    async fn apply_rules(&mut self, reasons: Vec<Reason>, worker: &mut Worker) {
        let was_held = self.is_held();
        self.change_rules(|rules| rules.update(reasons));
        if self.is_held() != was_held {
            self.hold_or_release(worker).await;
        }
    }

    /// Leaves a service running. It is released from rules, since the app no longer evaluates them.
    async fn detach(&mut self, service: &mut Worker) -> ControlFlow<WorkerExit> {
        self.after = After::Quit;
        if self.is_held_by_rule_only() {
            service.send(WorkerCommand::Undrain).await;
        }
        self.memory.set_rule(false);
        ControlFlow::Break(WorkerExit::Requested)
    }

    /// How long requests may run when the worker restarts.
    fn drain_timeout(&self) -> DrainTimeout {
        let facts = self.facts.borrow();
        facts.config.as_ref().map_or(DrainTimeout::Now, |loaded| loaded.config.drain_timeout)
    }

    async fn end_later(&mut self, worker: &mut Worker, after: After, time: DrainTimeout) {
        self.after = after;
        worker.send(WorkerCommand::Shutdown(time)).await;
    }

    /// Restarts a worker that waits for the next connection attempt. It has no connection, so nothing is lost.
    fn retry(&mut self, worker: &Worker) -> ControlFlow<WorkerExit> {
        let waits = matches!(worker.snapshot().connection, ConnectionState::Waiting { .. });
        if waits && matches!(worker, Worker::Embedded(_)) {
            self.after = After::Start;
            return ControlFlow::Break(WorkerExit::Requested);
        }
        ControlFlow::Continue(())
    }

    /// Applies changed settings. If they are invalid, the mistakes are published and the worker keeps running.
    async fn reload(&mut self, worker: &mut Worker) {
        let before = self.facts.borrow().config.clone();
        let Some(now) = self.read() else { return };
        if let Some(level) = self.logs.as_ref().map(RunningLogs::level)
            && let Err(error) = level.set(&now.config.log.level)
        {
            tracing::warn!("Couldn't change the log level: {error}");
        }
        let needs_restart = before
            .is_none_or(|before| llamapool_settings::changes(&before.config, &now.config).need_restart());
        if needs_restart && matches!(worker, Worker::Embedded(_)) {
            tracing::info!("Settings changed, restarting the worker");
            self.end_later(worker, After::Start, now.config.drain_timeout).await;
        }
    }

    /// Stops an idle worker if the app is quitting.
    pub(super) async fn quit_if_idle(&mut self, worker: &mut Worker) {
        if self.facts.borrow().quitting && worker.snapshot().running == 0 && self.after != After::Quit {
            self.end_later(worker, After::Quit, DrainTimeout::After(DISCONNECT_TIMEOUT)).await;
        }
    }

    /// An embedded worker finishes its requests first. A service keeps running without the app.
    async fn quit(&mut self, worker: &mut Worker) -> ControlFlow<WorkerExit> {
        self.facts.send_modify(|facts| facts.quitting = true);
        if matches!(worker, Worker::Attached(_)) {
            return self.detach(worker).await;
        }
        self.hold_or_release(worker).await;
        ControlFlow::Continue(())
    }

    async fn quit_within(&mut self, time: Duration, worker: &mut Worker) -> ControlFlow<WorkerExit> {
        self.facts.send_modify(|facts| facts.quitting = true);
        self.after = After::Quit;
        if matches!(worker, Worker::Attached(_)) {
            return self.detach(worker).await;
        }
        if time.is_zero() {
            return ControlFlow::Break(WorkerExit::Requested);
        }
        worker.send(WorkerCommand::Shutdown(DrainTimeout::After(time))).await;
        ControlFlow::Continue(())
    }
}
