//! Counts since the worker started: for [`Activity`](super::Activity), and for Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use super::job::{Ended, Outcome};
use crate::usage::Usage;
use llamapool_telemetry::metrics::{Figures, Histogram, Label, Series, buckets};

/// Models whose tokens are counted separately; those of further models count as `other`. Each model has two series, and few workers have more models.
const MAX_MODELS: usize = 200;

/// The label of requests whose model is unknown or beyond the limit.
const OTHER: &str = "other";

pub(crate) static STARTED: Series = Series::counter(
    "llamapool_worker_jobs_started_total",
    &[],
    "Requests started: those in flight, and those that succeeded, failed or were cancelled.",
);
pub(crate) static SUCCEEDED: Series = Series::counter(
    "llamapool_worker_jobs_succeeded_total",
    &[],
    "Requests whose response was passed on completely and was not a server error (5xx).",
);
pub(crate) static FAILED: Series = Series::counter(
    "llamapool_worker_jobs_failed_total",
    &[],
    "Requests that failed because the runtime was unreachable, responded with a server error (5xx), or broke off.",
);
pub(crate) static CANCELLED: Series = Series::counter(
    "llamapool_worker_jobs_cancelled_total",
    &[],
    "Requests whose client disconnected, or during which the connection to the server was lost.",
);
pub(crate) static DURATION: Series = Series::histogram(
    "llamapool_worker_job_duration_seconds",
    &[],
    buckets::DURATION,
    "Time from getting a slot at the worker to the end of the request.",
);
pub(crate) static FIRST_BYTE: Series = Series::histogram(
    "llamapool_worker_first_byte_seconds",
    &[],
    buckets::FIRST_BYTE,
    "Time from getting a slot at the worker to the first byte of the runtime's response.",
);
pub(crate) static CANCEL_DELAY: Series = Series::histogram(
    "llamapool_worker_cancel_delay_seconds",
    &[],
    buckets::MOMENT,
    "Time from a cancellation to the end of the request at the runtime.",
);
pub(crate) static RECEIVED: Series = Series::counter(
    "llamapool_worker_received_bytes_total",
    &[],
    "Request bodies, by their announced length, counted when the request ends.",
);
pub(crate) static SENT: Series = Series::counter(
    "llamapool_worker_sent_bytes_total",
    &[],
    "Response bodies of the runtime, counted when the request ends.",
);
pub(crate) static TOKENS: Series = Series::counter(
    "llamapool_worker_job_tokens_total",
    &["model", "kind"],
    "Tokens reported in responses: `in` (prompt), `out` (generated). The model is `other` if the server does not send it.",
);

/// The counts.
#[derive(Debug, Clone)]
pub(crate) struct Totals {
    pub(super) started: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    pub(super) longest: Duration,
    pub(super) usage: Usage,
    by_model: BTreeMap<String, Usage>,
    received: u64,
    sent: u64,
    durations: Histogram,
    first_bytes: Histogram,
    cancel_delays: Histogram,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            started: 0,
            succeeded: 0,
            failed: 0,
            cancelled: 0,
            longest: Duration::ZERO,
            usage: Usage::default(),
            by_model: BTreeMap::new(),
            received: 0,
            sent: 0,
            durations: Histogram::of(&DURATION),
            first_bytes: Histogram::of(&FIRST_BYTE),
            cancel_delays: Histogram::of(&CANCEL_DELAY),
        }
    }
}

impl Totals {
    pub(super) fn count(&mut self, ended: &Ended<'_>) {
        match ended.outcome {
            Outcome::Succeeded => self.succeeded += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Cancelled => self.cancelled += 1,
        }
        self.longest = self.longest.max(ended.took);
        self.received += ended.asked.bytes;
        self.sent += ended.sent;
        self.durations.observe_time(ended.took);
        ended.first_byte.into_iter().for_each(|wait| self.first_bytes.observe_time(wait));
        ended.cancel_delay.into_iter().for_each(|delay| self.cancel_delays.observe_time(delay));
        if let Some(usage) = ended.usage {
            self.usage += usage;
            *self.model(ended.asked.model.as_deref()) += usage;
        }
    }

    fn model(&mut self, name: Option<&str>) -> &mut Usage {
        let full = self.by_model.len() >= MAX_MODELS;
        let known = name.filter(|name| !full || self.by_model.contains_key(*name));
        self.by_model.entry(known.unwrap_or(OTHER).to_owned()).or_default()
    }

    /// Adds everything to the figures for Prometheus.
    pub(crate) fn gather(self, figures: &mut Figures) {
        let counters = [
            (&STARTED, self.started),
            (&SUCCEEDED, self.succeeded),
            (&FAILED, self.failed),
            (&CANCELLED, self.cancelled),
            (&RECEIVED, self.received),
            (&SENT, self.sent),
        ];
        counters.into_iter().for_each(|(series, count)| figures.add(series, [], count));
        let histograms = [
            (&DURATION, self.durations),
            (&FIRST_BYTE, self.first_bytes),
            (&CANCEL_DELAY, self.cancel_delays),
        ];
        histograms.into_iter().for_each(|(series, measures)| figures.add(series, [], measures));
        for (model, usage) in self.by_model {
            let label = Label::from(model);
            figures.add(&TOKENS, [label.clone(), "in".into()], usage.tokens_in);
            figures.add(&TOKENS, [label, "out".into()], usage.tokens_out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Asked;

    #[test]
    fn models_beyond_the_limit_are_others() {
        let mut totals = Totals::default();
        let names = (0..MAX_MODELS + 5).map(|n| Some(format!("m{n}"))).chain([None, Some("m0".to_owned())]);
        for model in names {
            let asked = Asked { path: "/".to_owned(), model, bytes: 1 };
            let usage = Some(Usage { tokens_in: 0, tokens_out: 1 });
            let took = Duration::from_secs(1);
            let outcome = Outcome::Succeeded;
            totals.count(&Ended {
                asked: &asked,
                outcome,
                took,
                usage,
                sent: 2,
                first_byte: None,
                cancel_delay: None,
            });
        }
        assert_eq!(totals.by_model.len(), MAX_MODELS + 1);
        assert_eq!((totals.by_model[OTHER].tokens_out, totals.by_model["m0"].tokens_out), (6, 2));
        assert_eq!((totals.received, totals.sent), (207, 414));
    }
}
