//! Traces of requests: spans recorded at certain points of a request, and exported over OTLP (HTTP, protobuf).
//!
//! If no receiver is configured, there is no [`Tracer`], and nothing here runs. Without the feature `otlp` there is none either; a program with a
//! configured receiver then logs a warning at start.

mod config;
#[cfg(not(feature = "otlp"))]
mod disabled;
#[cfg(feature = "otlp")]
mod otlp;

pub use config::TraceConfig;
#[cfg(not(feature = "otlp"))]
pub use disabled::{KeyValue, Span, SpanKind, Tracer, Value};
#[cfg(feature = "otlp")]
pub use opentelemetry::{KeyValue, Value, trace::SpanKind};
#[cfg(feature = "otlp")]
pub use otlp::{Span, Tracer};

/// The program that records the spans, as shown by the receiver.
pub struct Service<'a> {
    /// The program's name.
    pub name: &'static str,
    /// Its id, if it has a permanent one.
    pub instance: Option<&'a str>,
}

/// The operation of an API path, by the semantic conventions for generative AI; for paths without a convention, a similar name.
pub fn operation(path: &str) -> &'static str {
    match path {
        "/v1/chat/completions" | "/v1/responses" => "chat",
        "/v1/completions" => "text_completion",
        "/v1/embeddings" => "embeddings",
        "/v1/rerank" => "rerank",
        "/v1/moderations" => "moderation",
        "/v1/audio/speech" => "speech",
        "/v1/audio/transcriptions" => "transcription",
        "/v1/audio/translations" => "translation",
        _ => "generate_content",
    }
}
