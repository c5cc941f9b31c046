//! Monitors the runtime: probes it at intervals, and immediately after a request could not reach it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use url::Url;

use super::counted;
use super::status::{Problem, Readiness, StatusPublisher};
use crate::config::Config;
use crate::relay::Destination;
use crate::runtime::{self, HiddenModels, Kind, Model, Offered, Prober, RuntimeInfo, Target, Unready};

/// The first interval while the runtime is unavailable. It doubles up to the poll interval; most restarts are short.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Each failed request asks for a probe; this is the shortest interval between two of them.
const ALARM_GAP: Duration = Duration::from_secs(1);

/// The latest results.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Probed {
    /// The result of the last successful probe.
    pub(super) info: Option<RuntimeInfo>,
    /// Why the last probe failed, if it did.
    pub(super) error: Option<String>,
}

pub(super) struct Monitor {
    prober: Prober,
    interval: Duration,
    hidden: HiddenModels,
    offers_remote: bool,
    probed: watch::Sender<Probed>,
    destination: watch::Sender<Option<Destination>>,
    alarm: Arc<Notify>,
    publisher: StatusPublisher,
}

impl Monitor {
    pub(super) fn new(config: &Config, demo: Option<&Url>, publisher: StatusPublisher) -> Self {
        let runtime = &config.runtime;
        let base = demo.cloned().or_else(|| runtime.base_url.clone());
        let (hidden, offers_remote) = (runtime.withheld.clone(), runtime.offer_remote_models);
        let offered = Offered::new(Kind::Auto, hidden.clone(), offers_remote, &[]);
        let first = Probed { info: None, error: Some("the runtime has not been probed yet".to_owned()) };
        Self {
            prober: Prober::new(base.clone(), runtime.api_key.clone(), runtime.kind, runtime.connect_timeout)
                .with_ca(config.server.ca_file.clone()),
            interval: runtime.poll_interval,
            hidden,
            offers_remote,
            probed: watch::Sender::new(first),
            destination: watch::Sender::new(base.as_ref().map(|base| destination(base, Kind::Auto, offered))),
            alarm: Arc::new(Notify::new()),
            publisher,
        }
    }

    pub(super) fn probed(&self) -> watch::Receiver<Probed> {
        self.probed.subscribe()
    }

    pub(super) fn destination(&self) -> watch::Receiver<Option<Destination>> {
        self.destination.subscribe()
    }

    pub(super) fn alarm(&self) -> Arc<Notify> {
        self.alarm.clone()
    }

    /// Probes until it is dropped.
    pub(super) async fn run(mut self) {
        let mut retry = FIRST_RETRY;
        loop {
            let mut found = self.prober.probe().await;
            if let Ok(info) = &mut found {
                runtime::mark(&mut info.models, &self.hidden, self.offers_remote);
            }
            let next = if found.is_ok() { self.interval } else { retry.min(self.interval) };
            retry = if found.is_ok() { FIRST_RETRY } else { retry.saturating_mul(2).min(self.interval) };
            self.note(found);
            let probed_at = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                () = self.alarm.notified() => tokio::time::sleep_until(probed_at + ALARM_GAP).await,
            }
        }
    }

    fn note(&self, found: Result<RuntimeInfo, Unready>) {
        let base = self.prober.base();
        let kind = match &found {
            Ok(info) => info.kind,
            Err(_) => self.probed.borrow().info.as_ref().map_or(Kind::Auto, |info| info.kind),
        };
        self.destination.send_if_modified(|current| {
            let offered = match (&found, &*current) {
                (Err(_), Some(before)) => before.offered.clone(),
                _ => self.offered(kind, found.as_ref().map_or(&[], |info| &info.models)),
            };
            let found = base.map(|base| destination(base, kind, offered));
            let changed = found.as_ref().map(|to| &to.target) != current.as_ref().map(|to| &to.target);
            *current = found;
            changed
        });
        let changed = self.probed.send_if_modified(|probed| {
            let before = probed.clone();
            match &found {
                Ok(info) => *probed = Probed { info: Some(info.clone()), error: None },
                Err(unready) => probed.error = Some(unready.reason.clone()),
            }
            before != *probed
        });
        match &found {
            _ if !changed => {}
            Ok(info) => self.report_ready(info),
            Err(unready) => self.report_unavailable(unready),
        }
    }

    fn offered(&self, kind: Kind, models: &[Model]) -> Offered {
        Offered::new(kind, self.hidden.clone(), self.offers_remote, models)
    }

    fn report_ready(&self, info: &RuntimeInfo) {
        let models = info.models.len();
        let (title, listed) = (info.kind.title(), counted(models, "model"));
        tracing::info!(runtime.kind = %info.kind, runtime.models = models, "{title} is ready with {listed}");
        let remote = info.models.iter().filter(|model| model.remote).count();
        if remote > 0 && !self.offers_remote {
            let remote = counted(remote, "remote model");
            tracing::info!(runtime.kind = %info.kind, "{remote} not offered to the pool (OFFER_REMOTE_MODELS)");
        }
        if let Some(note) = info.note.as_ref().filter(|note| self.publisher.is_news(note)) {
            tracing::warn!(runtime.kind = %info.kind, "{note}");
        }
        self.publisher.change(|status| {
            status.runtime = Readiness::Ready;
            status.kind = info.kind;
            status.runtime_version.clone_from(&info.version);
            status.runtime_note.clone_from(&info.note);
            status.models.clone_from(&info.models);
        });
    }

    fn report_unavailable(&self, unready: &Unready) {
        tracing::warn!("The runtime is not ready: {unready}");
        self.publisher.change(|status| {
            let before = match &status.runtime {
                Readiness::Away(before) => Some(before),
                Readiness::Unknown | Readiness::Ready => None,
            };
            status.runtime = Readiness::Away(Problem::found(&unready.reason, before));
        });
    }
}

fn destination(base: &Url, kind: Kind, offered: Offered) -> Destination {
    Destination { target: Target::new(base), is_tls: base.scheme() == "https", kind, offered }
}
