//! The sending of spans: a queue that never holds up whoever ends a span, and the task that empties it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::receiver::Cause;

/// Spans that wait, a kilobyte or two each: what a busy server ends in a second.
const QUEUE: usize = 2_048;

/// Spans sent at once, as the SDK's own sender does it.
const BATCH: usize = 512;

/// So long a span waits for company.
const GATHER: Duration = Duration::from_secs(1);

/// Longest time for a batch to be taken; a receiver that is slower is as good as away.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// The task that sends, and how to end it.
pub(super) struct Sending {
    stop: CancellationToken,
    ended: CancellationToken,
    lost: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

/// Where spans go when they end.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    lost: Arc<AtomicU64>,
}

impl Sending {
    pub(super) fn start<E: SpanExporter + 'static>(exporter: E, cause: Cause) -> (Self, Queue) {
        let (sender, spans) = mpsc::channel(QUEUE);
        let (stop, ended, lost) =
            (CancellationToken::new(), CancellationToken::new(), Arc::<AtomicU64>::default());
        let export =
            Export { exporter, cause, spans, stop: stop.clone(), lost: lost.clone(), is_away: false };
        let guard = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            export.run().await;
            drop(guard);
        });
        let queue = Queue { spans: sender, lost: lost.clone() };
        (Self { stop, ended, lost, _task: AbortOnDropHandle::new(task) }, queue)
    }

    /// Sends what is in the queue, if that takes no longer than `limit`.
    pub(super) async fn finish(&self, limit: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(limit, self.ended.cancelled()).await.is_err() {
            tracing::warn!("Timed out sending the last traces");
        }
        match self.lost() {
            0 => {}
            lost => tracing::warn!(spans.lost = lost, "Dropped {lost} spans of traces"),
        }
    }
}

impl Sending {
    /// Spans that did not arrive, or not surely.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() || self.spans.try_send(span).is_ok() {
            return;
        }
        if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "Dropping spans of traces: the OTLP receiver does not keep up. Logged once; the total is logged at exit"
            );
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends batches, one at a time.
struct Export<E> {
    exporter: E,
    cause: Cause,
    spans: mpsc::Receiver<SpanData>,
    stop: CancellationToken,
    lost: Arc<AtomicU64>,
    /// The last batch did not arrive, and that has been said.
    is_away: bool,
}

impl<E: SpanExporter> Export<E> {
    async fn run(mut self) {
        loop {
            let (batch, is_last) = self.batch().await;
            if !batch.is_empty() {
                self.send(batch).await;
            } else if is_last {
                return;
            }
        }
    }

    /// What ended within [`GATHER`] of the first, or at once what there is when it is time to stop; and whether that was all.
    async fn batch(&mut self) -> (Vec<SpanData>, bool) {
        let Self { spans, stop, .. } = self;
        let mut batch = Vec::new();
        let fill = async {
            if spans.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
            let more = async {
                loop {
                    let room = BATCH - batch.len();
                    if room == 0 || spans.recv_many(&mut batch, room).await == 0 {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(GATHER, more).await;
        };
        if stop.run_until_cancelled(fill).await.is_none() {
            while batch.len() < BATCH
                && let Ok(span) = spans.try_recv()
            {
                batch.push(span);
            }
        }
        (batch, stop.is_cancelled() || spans.is_closed())
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let spans = batch.len() as u64;
        let sent = tokio::time::timeout(EXPORT_TIMEOUT, self.exporter.export(batch)).await;
        let why = match sent {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(self.cause.take().unwrap_or_else(|| error.to_string())),
            Err(_) => Some(format!("no answer in {} s", EXPORT_TIMEOUT.as_secs())),
        };
        let was_away = std::mem::replace(&mut self.is_away, why.is_some());
        match why {
            None if was_away => tracing::info!("The OTLP receiver accepts traces again"),
            None => {}
            Some(why) => {
                self.lost.fetch_add(spans, Ordering::Relaxed);
                if !was_away {
                    tracing::warn!("Cannot export traces: {why}");
                }
            }
        }
    }
}
