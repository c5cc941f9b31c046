//! Recognises the error with which a runtime says that it does not have a model: then its list was wrong, not the request.
//!
//! | runtime | status | error |
//! |---|---|---|
//! | Ollama | 404 | `{"error":{"message":"model 'm' not found",…}}`, formerly `model "m" not found, try pulling it first` |
//! | vLLM | 404 | ``{"error":{"message":"The model `m` does not exist.",…}}``, formerly without the outer object |
//! | llama.cpp | 400, 404 | `{"error":{"message":"model 'm' not found",…}}` |
//! | LM Studio | 400, 404 | `{"error":{"message":"…","code":"model_not_found"}}`, `{"error":"Model not found"}`, `No models loaded` |
//! | our worker | 404 | `{"error":{"code":"model_not_found",…}}` for a hidden model |

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

/// What follows the word "model", and perhaps its name, in such an error.
const PHRASES: [&str; 3] = ["not found", "does not exist", "is not loaded"];

/// A phrase of its own.
const NONE_LOADED: &str = "no models loaded";

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    message: Option<Value>,
}

/// Whether a reply with this status may say so.
pub(super) fn may_say_so(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 404)
}

/// Whether the body of such a reply says so.
pub(super) fn says_so(body: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Body>(body) else { return false };
    let Some(error) = body.error.or(body.message) else { return false };
    if error.get("code").and_then(Value::as_str) == Some("model_not_found") {
        return true;
    }
    let of_another_field = error.get("param").and_then(Value::as_str).is_some_and(|param| param != "model");
    let message = error.as_str().or_else(|| error.get("message")?.as_str()).unwrap_or_default();
    !of_another_field && is_about_the_model(&message.to_ascii_lowercase())
}

/// Whether the message says that a model is missing: the word, at most its name in between, and one of the phrases.
fn is_about_the_model(message: &str) -> bool {
    if message.contains(NONE_LOADED) {
        return true;
    }
    let words = message.match_indices("model").filter(|(at, word)| is_word(message, *at, word.len()));
    words.into_iter().any(|(at, word)| {
        let rest = message[at + word.len()..].trim_start();
        let after_name = rest.split_once(char::is_whitespace).map_or("", |(_, after)| after);
        [rest, after_name].iter().any(|rest| PHRASES.iter().any(|phrase| rest.starts_with(phrase)))
    })
}

/// Whether the text at this place stands for itself: `resp_model_1` does not contain the word "model".
fn is_word(text: &str, at: usize, length: usize) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    !text[..at].ends_with(joins) && !text[at + length..].starts_with(joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_of_runtimes_for_a_missing_model_are_recognised() {
        for body in [
            r#"{"error":{"message":"model 'm:latest' not found","type":"not_found_error","param":null,"code":null}}"#,
            r#"{"error":{"message":"model \"m\" not found, try pulling it first","type":"api_error","param":null,"code":null}}"#,
            r#"{"error":"model 'm' not found"}"#,
            r#"{"error":{"message":"The model `m` does not exist.","type":"NotFoundError","param":"model","code":404}}"#,
            r#"{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
            r#"{"error":{"code":400,"message":"model 'm' not found","type":"invalid_request_error"}}"#,
            r#"{"error":{"message":"Invalid model identifier \"m\".","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#,
            r#"{"error":"Model not found"}"#,
            r#"{"error":{"message":"No models loaded. Please load a model in the developer page.","type":"invalid_request_error"}}"#,
            r#"{"error":{"message":"The model `m` does not exist, or is not offered here.","code":"model_not_found"}}"#,
        ] {
            assert!(says_so(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn other_errors_are_the_callers() {
        for body in [
            "",
            "model not found",
            "{}",
            r#"{"error":null}"#,
            r#"{"error":{"message":"Response with id 'resp_model_1' not found.","param":"response_id","code":404}}"#,
            r#"{"error":{"message":"The requested tool was not found in the model's tools.","param":"tools"}}"#,
            r#"{"error":{"message":"model is required"}}"#,
            r#"{"error":{"message":"This model's maximum context length is 4096 tokens.","code":"context_length_exceeded"}}"#,
            r#"{"error":{"message":"model 'm' does not support tools"}}"#,
            r#"{"error":{"message":"The model does not support images; the file does not exist."}}"#,
            r#"{"error":{"message":"model 'x' not found","param":"draft_model"}}"#,
            r#"{"error":{"message":"404 page not found"}}"#,
        ] {
            assert!(!says_so(body.as_bytes()), "{body}");
        }
    }
}
