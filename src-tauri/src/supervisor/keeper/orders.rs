//! What a supervisor with a running worker is asked for.

use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use llamapool_worker_core::settings::DrainTimeout;

use super::{After, Keeper};
use crate::pause::Pause;
use crate::serve::Reason;
use crate::supervisor::rules::Rules;
use crate::supervisor::worker::{End, Say, Worker};
use crate::supervisor::{Link, Order, place};

/// A worker that has nothing to do needs a moment to say goodbye; this is more than that.
const GOODBYE: Duration = Duration::from_secs(5);

impl Keeper {
    pub(super) async fn obey(&mut self, order: Order, worker: &mut Worker) -> ControlFlow<End> {
        match order {
            Order::Drain => {
                self.draining = true;
                self.hold_or_release(worker).await;
            }
            Order::Undrain => {
                self.draining = false;
                self.note_pause(None);
                self.hold_or_release(worker).await;
            }
            Order::Pause(span) => {
                self.note_pause(Some(Pause::new(span, SystemTime::now())));
                self.hold_or_release(worker).await;
            }
            Order::Resume => self.resume(worker).await,
            Order::Rules(reasons) => self.follow_rules(reasons, worker).await,
            Order::ShutdownWhenDone => self.end_later(worker, After::Stop, DrainTimeout::Never).await,
            Order::Stop => self.end_later(worker, After::Stop, DrainTimeout::Now).await,
            // A service that is ended is not ours to start.
            Order::Restart if matches!(worker, Worker::Attached(_)) => {}
            Order::Restart => self.end_later(worker, After::Start, self.patience()).await,
            Order::Retry => return self.retry(worker),
            Order::Reload => self.reload(worker).await,
            Order::Start => {}
            Order::Sleep => {
                self.note_sleep(true);
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

    /// Whether the worker is to take nothing new, for whatever reason.
    pub(super) fn is_held(&self) -> bool {
        let facts = self.facts.borrow();
        let is_paused = facts.pause.is_some() || facts.rule.is_some();
        self.draining || is_paused || facts.sleeping || facts.quitting
    }

    fn is_held_by_rules_alone(&self) -> bool {
        let facts = self.facts.borrow();
        facts.rule.is_some() && facts.pause.is_none() && !self.draining
    }

    pub(super) async fn hold_or_release(&self, worker: &mut Worker) {
        if matches!(worker, Worker::Attached(_)) {
            self.memory.note_rule(self.is_held_by_rules_alone());
        }
        let what = if self.is_held() { Say::Drain } else { Say::Undrain };
        worker.say(what).await;
    }

    pub(super) fn note_pause(&self, pause: Option<Pause>) {
        self.memory.write(pause);
        self.facts.send_modify(|facts| facts.pause = pause);
    }

    pub(super) fn note_sleep(&self, sleeping: bool) {
        self.facts.send_modify(|facts| facts.sleeping = sleeping);
    }

    /// A connection from before the sleep is lost, even if it does not look it yet: nobody waits until that is noticed, unless requests are still on it.
    async fn wake(&mut self, worker: &mut Worker) {
        let has_slept = self.facts.borrow().sleeping;
        self.note_sleep(false);
        if has_slept && worker.seen().running == 0 {
            worker.say(Say::Redial).await;
        }
        self.hold_or_release(worker).await;
    }

    pub(super) async fn resume(&mut self, worker: &mut Worker) {
        self.end_pause_or_overrule();
        self.hold_or_release(worker).await;
    }

    /// The end of a pause is not the end of the rules: only who sees that they hold the worker can overrule them.
    pub(super) fn end_pause_or_overrule(&mut self) {
        if self.facts.borrow().pause.is_some() {
            self.note_pause(None);
        } else {
            self.note_rules(Rules::overrule);
        }
    }

    pub(super) fn note_rules(&mut self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.rules);
        let reason = self.rules.reason();
        self.facts.send_if_modified(|facts| {
            let is_news = facts.rule.as_ref() != reason;
            facts.rule = reason.cloned();
            is_news
        });
    }

    /// A service that somebody else has drained stays so, unless it was held here.
    async fn follow_rules(&mut self, reasons: Vec<Reason>, worker: &mut Worker) {
        let was_held = self.is_held();
        self.note_rules(|rules| rules.say(reasons));
        if self.is_held() != was_held {
            self.hold_or_release(worker).await;
        }
    }

    /// Nobody looks at the rules for a service that is left alone: it is free again.
    async fn leave_service(&mut self, service: &mut Worker) -> ControlFlow<End> {
        self.after = After::End;
        if self.is_held_by_rules_alone() {
            service.say(Say::Undrain).await;
        }
        self.memory.note_rule(false);
        ControlFlow::Break(End::Told)
    }

    /// How long requests may go on when the worker is started again.
    fn patience(&self) -> DrainTimeout {
        let facts = self.facts.borrow();
        facts.config.as_ref().map_or(DrainTimeout::Now, |loaded| loaded.config.drain_timeout)
    }

    async fn end_later(&mut self, worker: &mut Worker, after: After, time: DrainTimeout) {
        self.after = after;
        worker.say(Say::Shutdown(time)).await;
    }

    /// A worker that only waits for the next try does that now. There is nothing to lose: it has no connection.
    fn retry(&mut self, worker: &Worker) -> ControlFlow<End> {
        let waits = matches!(worker.seen().link, Link::Waiting { .. });
        if waits && matches!(worker, Worker::Embedded(_)) {
            self.after = After::Start;
            return ControlFlow::Break(End::Told);
        }
        ControlFlow::Continue(())
    }

    /// A hand edit, or one by the preferences. What is wrong is told, and changes nothing.
    async fn reload(&mut self, worker: &mut Worker) {
        let before = self.facts.borrow().config.clone();
        let Some(now) = self.read() else { return };
        if let Some(level) = &self.level
            && let Err(error) = level.set(&now.config.log.level)
        {
            tracing::warn!("The log level stays as it is: {error}");
        }
        let is_other =
            before.is_none_or(|before| !place::is_same_but_for_the_level(&before.config, &now.config));
        if is_other && matches!(worker, Worker::Embedded(_)) {
            tracing::info!("The settings have changed: the worker is started again");
            self.end_later(worker, After::Start, now.config.drain_timeout).await;
        }
    }

    /// The app ends, and the worker does not run any requests: so it may end too.
    pub(super) async fn leave_if_idle(&mut self, worker: &mut Worker) {
        if self.facts.borrow().quitting && worker.seen().running == 0 && self.after != After::End {
            self.end_later(worker, After::End, DrainTimeout::After(GOODBYE)).await;
        }
    }

    /// A worker in this app finishes what runs first. A service goes on without the app.
    async fn quit(&mut self, worker: &mut Worker) -> ControlFlow<End> {
        self.facts.send_modify(|facts| facts.quitting = true);
        if matches!(worker, Worker::Attached(_)) {
            return self.leave_service(worker).await;
        }
        self.hold_or_release(worker).await;
        ControlFlow::Continue(())
    }

    async fn quit_within(&mut self, time: Duration, worker: &mut Worker) -> ControlFlow<End> {
        self.facts.send_modify(|facts| facts.quitting = true);
        self.after = After::End;
        if matches!(worker, Worker::Attached(_)) {
            return self.leave_service(worker).await;
        }
        if time.is_zero() {
            return ControlFlow::Break(End::Told);
        }
        worker.say(Say::Shutdown(DrainTimeout::After(time))).await;
        ControlFlow::Continue(())
    }
}
