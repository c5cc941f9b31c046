//! Keeps looking at the runtime: what it is, what it has, whether it is there. At once when a request could not reach it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use url::Url;

use super::counted;
use super::status::{Board, Readiness, Trouble};
use crate::config::Config;
use crate::relay::Destination;
use crate::runtime::{Kind, Survey, Surveyor, Target, Unready, Withheld};

/// A runtime that is away is looked for this often at first, then twice as long each time up to the poll interval: restarts are short.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Alarms come with every request that fails; the runtime is looked at no more often than this.
const ALARM_GAP: Duration = Duration::from_secs(1);

/// What was found last.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Finding {
    /// The last survey that succeeded.
    pub(super) survey: Option<Survey>,
    /// Why the last one failed, if it did.
    pub(super) away: Option<String>,
}

pub(super) struct Patrol {
    surveyor: Surveyor,
    interval: Duration,
    withheld: Withheld,
    finding: watch::Sender<Finding>,
    destination: watch::Sender<Option<Destination>>,
    alarm: Arc<Notify>,
    board: Board,
}

impl Patrol {
    pub(super) fn new(config: &Config, demo: Option<&Url>, board: Board) -> Self {
        let runtime = &config.runtime;
        let base = demo.cloned().or_else(|| runtime.base_url.clone());
        let first = Finding { survey: None, away: Some("the runtime has not been looked at yet".to_owned()) };
        Self {
            surveyor: Surveyor::new(
                base.clone(),
                runtime.api_key.clone(),
                runtime.kind,
                runtime.connect_timeout,
            )
            .with_ca(config.server.ca_file.clone()),
            interval: runtime.poll_interval,
            withheld: runtime.withheld.clone(),
            finding: watch::Sender::new(first),
            destination: watch::Sender::new(base.as_ref().map(|base| destination(base, Kind::Auto))),
            alarm: Arc::new(Notify::new()),
            board,
        }
    }

    pub(super) fn finding(&self) -> watch::Receiver<Finding> {
        self.finding.subscribe()
    }

    pub(super) fn destination(&self) -> watch::Receiver<Option<Destination>> {
        self.destination.subscribe()
    }

    pub(super) fn alarm(&self) -> Arc<Notify> {
        self.alarm.clone()
    }

    /// Never ends by itself.
    pub(super) async fn walk(mut self) {
        let mut retry = FIRST_RETRY;
        loop {
            let mut found = self.surveyor.survey().await;
            if let Ok(survey) = &mut found {
                self.withheld.mark(&mut survey.models);
            }
            let next = if found.is_ok() { self.interval } else { retry.min(self.interval) };
            retry = if found.is_ok() { FIRST_RETRY } else { retry.saturating_mul(2).min(self.interval) };
            self.note(found);
            let looked = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                () = self.alarm.notified() => tokio::time::sleep_until(looked + ALARM_GAP).await,
            }
        }
    }

    fn note(&self, found: Result<Survey, Unready>) {
        let base = self.surveyor.base();
        let kind = match &found {
            Ok(survey) => survey.kind,
            Err(_) => self.finding.borrow().survey.as_ref().map_or(Kind::Auto, |survey| survey.kind),
        };
        self.destination.send_if_modified(|current| {
            let found = base.map(|base| destination(base, kind));
            let changed = found.as_ref().map(|to| &to.target) != current.as_ref().map(|to| &to.target);
            *current = found;
            changed
        });
        let changed = self.finding.send_if_modified(|finding| {
            let before = finding.clone();
            match &found {
                Ok(survey) => *finding = Finding { survey: Some(survey.clone()), away: None },
                Err(unready) => finding.away = Some(unready.reason.clone()),
            }
            before != *finding
        });
        match &found {
            _ if !changed => {}
            Ok(survey) => self.tell_ready(survey),
            Err(unready) => self.tell_away(unready),
        }
    }

    fn tell_ready(&self, survey: &Survey) {
        let models = survey.models.len();
        let (title, listed) = (survey.kind.title(), counted(models, "model"));
        tracing::info!(runtime.kind = %survey.kind, runtime.models = models, "{title} is ready with {listed}");
        if let Some(note) = survey.note.as_ref().filter(|note| self.board.is_news(note)) {
            tracing::warn!(runtime.kind = %survey.kind, "{note}");
        }
        self.board.change(|status| {
            status.runtime = Readiness::Ready;
            status.kind = survey.kind;
            status.runtime_version.clone_from(&survey.version);
            status.runtime_note.clone_from(&survey.note);
            status.models.clone_from(&survey.models);
        });
    }

    fn tell_away(&self, unready: &Unready) {
        tracing::warn!("The runtime is not ready: {unready}");
        self.board.change(|status| {
            let before = match &status.runtime {
                Readiness::Away(before) => Some(before),
                Readiness::Unknown | Readiness::Ready => None,
            };
            status.runtime = Readiness::Away(Trouble::found(&unready.reason, before));
        });
    }
}

fn destination(base: &Url, kind: Kind) -> Destination {
    Destination { target: Target::new(base), is_tls: base.scheme() == "https", kind }
}
