//! Traces in a build without the feature `otlp`: the same names, but no tracer. Attributes cost nothing; spans cannot exist.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::{Service, TraceConfig};

/// The tracer: there is no value of this type.
#[derive(Debug)]
pub enum Tracer {}

/// A span: there is no value of this type. The field is private so that callers compile without warnings about unreachable code.
#[derive(Debug)]
pub struct Span(Infallible);

/// An attribute of a span.
#[derive(Debug, Clone)]
pub struct KeyValue;

/// The value of an attribute.
#[derive(Debug, Clone)]
pub struct Value;

/// The role of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// A request to another service.
    Client,
    /// A request from another service.
    Server,
    /// Internal.
    Internal,
}

impl KeyValue {
    /// An attribute, which is discarded.
    pub fn new(_: &'static str, _: impl Into<Value>) -> Self {
        Self
    }
}

impl<T: ToValue> From<T> for Value {
    fn from(_: T) -> Self {
        Self
    }
}

/// The types of attribute values.
pub trait ToValue {}
impl ToValue for bool {}
impl ToValue for f64 {}
impl ToValue for i64 {}
impl ToValue for &'static str {}
impl ToValue for String {}

impl Tracer {
    /// No tracer, and a warning if the settings contain a receiver.
    pub fn start(config: &TraceConfig, _: &Service<'_>) -> Option<Arc<Self>> {
        if config.endpoint.is_some() {
            tracing::warn!(
                "otlp_endpoint is set, but this program was built without OTLP export: no traces are sent"
            );
        }
        None
    }

    /// See the feature `otlp`.
    pub fn continued(
        &self,
        _: &HeaderMap,
        _: impl Into<Cow<'static, str>>,
        _: SpanKind,
        _: Vec<KeyValue>,
    ) -> Span {
        match *self {}
    }

    /// See the feature `otlp`.
    pub fn within(&self, _: &Span, _: impl Into<Cow<'static, str>>, _: SpanKind, _: Vec<KeyValue>) -> Span {
        match *self {}
    }

    /// See the feature `otlp`.
    pub async fn finish(&self, _: Duration) {
        match *self {}
    }
}

impl Span {
    /// See the feature `otlp`.
    pub fn trace_id(&self) -> String {
        match self.0 {}
    }

    /// See the feature `otlp`.
    pub fn set(&mut self, _: &'static str, _: impl Into<Value>) {
        match self.0 {}
    }

    /// See the feature `otlp`.
    pub fn rename(&mut self, _: String) {
        match self.0 {}
    }

    /// See the feature `otlp`.
    pub fn event(&mut self, _: &'static str) {
        match self.0 {}
    }

    /// See the feature `otlp`.
    pub fn failed(&mut self, _: impl Into<Value>, _: impl Into<Cow<'static, str>>) {
        match self.0 {}
    }

    /// See the feature `otlp`.
    pub fn pass_on(&self, _: &mut HeaderMap) {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Mutex, PoisonError};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn logged(config: &TraceConfig) -> String {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            assert!(Tracer::start(config, &Service { name: "test", instance: None }).is_none());
        });
        let bytes = lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_receiver_in_the_settings_is_not_ignored_silently() {
        assert_eq!(logged(&TraceConfig::default()), "");
        let endpoint = Some("http://127.0.0.1:4318".parse().unwrap());
        let line = logged(&TraceConfig { endpoint, ..TraceConfig::default() });
        assert!(line.contains("WARN") && line.contains("otlp_endpoint"), "{line}");
    }
}
