//! What a supervisor without a worker does: it waits, for orders and for whoever may come.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Keeper, Next, pause_over};
use crate::keychain::Unread;
use crate::pause::Pause;
use crate::supervisor::attached::Found;
use crate::supervisor::worker::Worker;
use crate::supervisor::{Order, Stage};

/// A keychain that is not there when somebody logs in is there soon. One that never comes is asked for this often.
const KEYCHAIN_LOOK: Duration = Duration::from_secs(20);

/// A service that has gone may be started again, by people or by the system: it is looked for this often.
const SERVICE_LOOK: Duration = Duration::from_secs(5);

impl Keeper {
    /// No worker runs, until the time has come for what is next or somebody says so.
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
                None | Some(Order::Quit | Order::QuitWithin(_)) => return Next::End,
                Some(Order::Start | Order::Restart | Order::Retry) => {
                    self.restarts.forget();
                    self.facts.send_modify(|facts| facts.crash = None);
                    return Next::Start;
                }
                Some(Order::Reload) if !self.has_new_settings() => {}
                Some(Order::Reload) if self.facts.borrow().stage == Stage::Stopped => drop(self.read()),
                Some(Order::Reload) => {
                    self.restarts.forget();
                    return Next::Start;
                }
                Some(Order::Stop) => {
                    self.facts.send_modify(|facts| facts.crash = None);
                    return self.stopped();
                }
                Some(Order::Pause(span)) => self.note_pause(Some(Pause::new(span, SystemTime::now()))),
                Some(Order::Sleep) => self.note_sleep(true),
                Some(Order::Wake) => self.note_sleep(false),
                Some(Order::Resume) => self.end_pause_or_overrule(),
                Some(Order::Rules(reasons)) => {
                    self.note_rules(|rules| rules.say(reasons));
                    if self.facts.borrow().stage == Stage::Starting {
                        return Next::Start; // it is what the first worker waited for
                    }
                }
                Some(Order::Drain | Order::Undrain | Order::ShutdownWhenDone | Order::Stay) => {}
            }
        }
    }

    /// The service has gone, or is somebody else's. Looks whether that is so still, in a while.
    pub(super) async fn look(&mut self) -> Next {
        let next = self.idle(Some((Instant::now() + SERVICE_LOOK, Next::Look))).await;
        let config = self.facts.borrow().config.clone();
        let (Next::Look, Some(loaded)) = (&next, config) else {
            return next;
        };
        let was_foreign = matches!(self.facts.borrow().stage, Stage::Foreign(_));
        match self.find(&loaded.config).await {
            Found::Ours(service) => self.attach(Worker::Attached(service)).await,
            Found::Nobody if was_foreign => Next::Start,
            Found::Nobody | Found::Foreign(_) => Next::Look,
        }
    }

    /// There is no keychain. Looks whether that is so still, in a while.
    pub(super) async fn await_keychain(&mut self) -> Next {
        let next = self.idle(Some((Instant::now() + KEYCHAIN_LOOK, Next::Keychain))).await;
        match next {
            Next::Keychain => match self.place.keys().read().await {
                Err(Unread { is_away: true, .. }) => Next::Keychain,
                Ok(()) | Err(_) => Next::Start,
            },
            next => next,
        }
    }
}
