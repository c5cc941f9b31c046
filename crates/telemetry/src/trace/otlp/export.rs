//! The export of spans: a queue that never blocks, and the task that empties it.

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

/// Capacity of the queue, a kilobyte or two per span: what a busy server produces in a second.
const QUEUE: usize = 2_048;

/// Most spans in one export, as in the SDK's own exporter.
const BATCH: usize = 512;

/// How long a span waits for more spans.
const GATHER: Duration = Duration::from_secs(1);

/// Timeout of an export; a receiver that is slower counts as unreachable.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// The exporting task, and how to end it.
pub(super) struct Sending {
    stop: CancellationToken,
    ended: CancellationToken,
    lost: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

/// The destination of finished spans.
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

    /// Exports the queue, for at most `limit`.
    pub(super) async fn finish(&self, limit: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(limit, self.ended.cancelled()).await.is_err() {
            tracing::warn!("Timed out exporting the last traces");
        }
        match self.lost() {
            0 => {}
            lost => tracing::warn!(spans.lost = lost, "Dropped {lost} spans of traces"),
        }
    }
}

impl Sending {
    /// Spans that were lost, or may have been.
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
            tracing::warn!("Dropping spans: the OTLP receiver cannot keep up. The total is logged at exit");
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Exports batches, one at a time.
struct Export<E> {
    exporter: E,
    cause: Cause,
    spans: mpsc::Receiver<SpanData>,
    stop: CancellationToken,
    lost: Arc<AtomicU64>,
    /// Whether the last export failed, which has been logged.
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

    /// The spans that end within [`GATHER`] of the first one, or all that are queued when it is time to stop; and whether those were all.
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
            Err(_) => Some(format!("no response within {} s", EXPORT_TIMEOUT.as_secs())),
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
