//! The supervisor without a worker: waits for orders, a service or the keychain.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Next, SupervisorTask, pause_over};
use crate::keychain::KeyUnavailable;
use crate::pause::Pause;
use crate::supervisor::attached::ServiceLookup;
use crate::supervisor::worker::Worker;
use crate::supervisor::{Order, SupervisorState};

/// How often an unavailable keychain is retried. After login it may take a moment to start.
const KEYCHAIN_INTERVAL: Duration = Duration::from_secs(20);

/// How often a stopped service is looked for. The user or the system may restart it.
const SERVICE_INTERVAL: Duration = Duration::from_secs(5);

impl SupervisorTask {
    /// Handles orders without a worker, until the given time or until an order requires the next step.
    pub(super) async fn idle(&mut self, mut until: Option<(Instant, Next)>) -> Next {
        loop {
            let time = async {
                match &until {
                    Some((until, _)) => tokio::time::sleep_until(*until).await,
                    None => std::future::pending().await,
                }
            };
            let order = tokio::select! {
                () = time => return until.take().map_or(Next::Idle, |(_, next)| next),
                order = self.orders.recv() => order,
                () = pause_over(self.facts.borrow().pause) => Some(Order::Resume),
            };
            match order {
                None | Some(Order::Quit | Order::QuitWithin(_)) => return Next::Quit,
                Some(Order::Start | Order::Restart | Order::Retry) => {
                    self.restarts.reset();
                    self.facts.send_modify(|facts| facts.crash = None);
                    return Next::Start;
                }
                Some(Order::Reload) if !self.has_new_settings() => {}
                Some(Order::Reload) if self.facts.borrow().state == SupervisorState::Stopped => {
                    drop(self.read())
                }
                Some(Order::Reload) => {
                    self.restarts.reset();
                    return Next::Start;
                }
                Some(Order::Stop) => {
                    self.facts.send_modify(|facts| facts.crash = None);
                    return self.stopped();
                }
                Some(Order::Pause(span)) => self.set_pause(Some(Pause::new(span, SystemTime::now()))),
                Some(Order::Sleep) => self.set_sleeping(true),
                Some(Order::Wake) => self.set_sleeping(false),
                Some(Order::Resume) => self.end_pause_or_override(),
                Some(Order::Rules(reasons)) => {
                    self.change_rules(|rules| rules.update(reasons));
                    if self.facts.borrow().state == SupervisorState::Starting {
                        return Next::Start; // the first worker waited for this
                    }
                }
                Some(Order::Drain | Order::Undrain | Order::ShutdownWhenDone | Order::Stay) => {}
            }
        }
    }

    /// Waits a while, then looks for a service that was stopped or rejected our token.
    pub(super) async fn find_service_again(&mut self) -> Next {
        let next = self.idle(Some((Instant::now() + SERVICE_INTERVAL, Next::FindService))).await;
        let config = self.facts.borrow().config.clone();
        let (Next::FindService, Some(loaded)) = (&next, config) else {
            return next;
        };
        let was_foreign = matches!(self.facts.borrow().state, SupervisorState::Foreign(_));
        match self.find(&loaded.config).await {
            ServiceLookup::Ours(service) => self.attach(Worker::Attached(service)).await,
            ServiceLookup::Nothing if was_foreign => Next::Start,
            ServiceLookup::Nothing | ServiceLookup::Foreign(_) => Next::FindService,
        }
    }

    /// Waits a while, then tries the keychain again.
    pub(super) async fn retry_keychain(&mut self) -> Next {
        let next = self.idle(Some((Instant::now() + KEYCHAIN_INTERVAL, Next::Keychain))).await;
        match next {
            Next::Keychain => match self.paths.keys().read().await {
                Err(KeyUnavailable { is_away: true, .. }) => Next::Keychain,
                Ok(()) | Err(_) => Next::Start,
            },
            next => next,
        }
    }
}
