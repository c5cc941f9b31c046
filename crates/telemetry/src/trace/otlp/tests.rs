use http::HeaderValue;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::sync::mpsc;

use super::*;

/// A receiver that passes on what it gets, or fails, or hangs.
#[derive(Debug)]
struct Collector {
    got: mpsc::Sender<Vec<SpanData>>,
    mood: Mood,
}

#[derive(Debug, Clone, Copy)]
enum Mood {
    Good,
    Refusing,
    Hanging,
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self.mood {
            Mood::Good => self.got.send(batch).await.expect("the test listens"),
            Mood::Refusing => return Err(OTelSdkError::InternalFailure("no".to_owned())),
            Mood::Hanging => std::future::pending().await,
        }
        Ok(())
    }
}

fn tracer(mood: Mood) -> (Tracer, mpsc::Receiver<Vec<SpanData>>) {
    let (got, batches) = mpsc::channel(16);
    let (sending, queue) = Sending::start(Collector { got, mood }, Cause::default());
    let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
    (Tracer { sdk: provider.tracer("test"), sending }, batches)
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    pairs.collect()
}

#[tokio::test(start_paused = true)]
async fn spans_that_end_together_arrive_together() {
    let (tracer, mut batches) = tracer(Mood::Good);
    let request = tracer.continued(&HeaderMap::new(), "chat", SpanKind::Server, Vec::new());
    let mut part = tracer.within(&request, "queue", SpanKind::Internal, Vec::new());
    part.failed("timeout", "nobody came");
    drop(part);
    drop(request);
    let batch = batches.recv().await.unwrap();
    let names: Vec<_> = batch.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["queue", "chat"]);
    assert_eq!(batch[0].parent_span_id, batch[1].span_context.span_id());
    assert_eq!(batch[0].status, Status::error("nobody came"));
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_sent_before_the_end() {
    let (tracer, mut batches) = tracer(Mood::Good);
    drop(tracer.continued(&HeaderMap::new(), "chat", SpanKind::Server, Vec::new()));
    let before = tokio::time::Instant::now();
    tracer.finish(Duration::from_secs(60)).await;
    assert_eq!(before.elapsed(), Duration::ZERO, "nothing is waited for");
    assert_eq!(batches.recv().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_fails_or_hangs_costs_spans_and_no_time() {
    for mood in [Mood::Refusing, Mood::Hanging] {
        let (tracer, _batches) = tracer(mood);
        let before = tokio::time::Instant::now();
        for _ in 0..5_000 {
            drop(tracer.continued(&HeaderMap::new(), "chat", SpanKind::Server, Vec::new()));
        }
        assert_eq!(before.elapsed(), Duration::ZERO);
        tracer.finish(Duration::from_secs(2)).await;
        assert!(before.elapsed() <= Duration::from_secs(2), "{mood:?}: {:?}", before.elapsed());
        assert!(tracer.sending.lost() > 2_000, "{mood:?}: {} are lost", tracer.sending.lost());
    }
}

/// The passed-on context is the caller's trace with our span, or a trace of our own if the caller's is invalid.
#[tokio::test]
async fn a_context_is_continued() {
    let (tracer, _batches) = tracer(Mood::Good);
    let check = |given: &[(&'static str, &'static str)], begins: &str, ends: &str, state: Option<&str>| {
        let mut headers = headers(given);
        let span = tracer.continued(&headers, "chat", SpanKind::Server, Vec::new());
        span.pass_on(&mut headers);
        let context = headers["traceparent"].to_str().unwrap();
        assert!(context.starts_with(begins) && context.ends_with(ends), "{given:?}: {context}");
        assert!(context.contains(&span.trace_id()), "{context}");
        assert_ne!(given.first().map(|(_, given)| *given), Some(context), "our span is the parent now");
        assert_eq!(headers.get("tracestate").map(|state| state.to_str().unwrap()), state, "{given:?}");
    };
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let quiet = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-";
    check(&[("traceparent", theirs), ("tracestate", "a=1,b=2")], trace, "-01", Some("a=1,b=2"));
    check(&[("traceparent", quiet)], trace, "-00", None);
    check(&[("traceparent", "rubbish"), ("tracestate", "a=1")], "00-", "-01", None);
    check(&[], "00-", "-01", None);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_not_traced_costs_no_span() {
    let (tracer, mut batches) = tracer(Mood::Good);
    let quiet = headers(&[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]);
    drop(tracer.continued(&quiet, "unseen", SpanKind::Server, Vec::new()));
    drop(tracer.continued(&HeaderMap::new(), "seen", SpanKind::Server, Vec::new()));
    tracer.finish(Duration::from_secs(1)).await;
    let batch = batches.recv().await.unwrap();
    assert_eq!(batch.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["seen"]);
}
