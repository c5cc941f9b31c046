//! Traces of requests: spans made at known points of a request, and exported over OTLP (HTTP, protobuf).
//!
//! Without a receiver in the settings there is no [`Tracer`], and nothing here runs. Without the feature `otlp` there is none either; a program
//! that has a receiver in its settings then warns at start.

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

/// The program that makes the spans, as the receiver shows it.
pub struct Service<'a> {
    /// The program.
    pub name: &'static str,
    /// Its id, if it has a lasting one.
    pub instance: Option<&'a str>,
}

/// The operation of an API path, by the semantic conventions for generative AI; for paths without a convention, a name in their style.
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
