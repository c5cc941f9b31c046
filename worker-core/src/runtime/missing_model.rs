//! Recognises the error with which a runtime says that it does not have a model: then its list was wrong, not the request.
//!
//! | runtime | status | error |
//! |---|---|---|
//! | Ollama | 404 | `{"error":{"message":"model 'm' not found",…}}`, formerly `model "m" not found, try pulling it first` |
//! | vLLM | 404 | ``{"error":{"message":"The model `m` does not exist.",…}}``, formerly without the outer object |
//! | llama.cpp | 400, 404 | `{"error":{"message":"model 'm' not found",…}}` |
//! | LM Studio | 400, 404 | `{"error":{"message":"…","code":"model_not_found"}}`, `{"error":"Model not found"}`, `No models loaded` |
//! | llama-swap | 400, 404 | `no router for requested model`, formerly `could not find suitable inference handler for m`, as JSON or as plain text |
//! | LocalAI | 404 | `{"error":{"message":"model \"m\" not found. To see available models, …",…}}` |
//! | LiteLLM | 400 | `{"error":{"message":"… Invalid model name passed in model=m. …"}}` |
//! | Anthropic's API | 404 | `{"type":"error","error":{"type":"not_found_error","message":"model: m"}}` |
//! | our worker | 404 | `{"error":{"code":"model_not_found",…}}` for a hidden model |

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

/// Longest error that is read: LM Studio's errors list all of its models. A longer body is something else.
pub const LONGEST_ERROR: usize = 64 * 1024;

/// Longest plain-text error. A longer text is a page, such as a proxy's error.
const LONGEST_SENTENCE: usize = 1024;

/// What follows the word "model", and perhaps its name, in such an error.
const ABOUT_THE_MODEL: [&str; 3] = ["not found", "does not exist", "is not loaded"];

/// Complete phrases, in lower case.
const PHRASES: [&str; 8] = [
    "no models loaded",
    "invalid model identifier",
    "invalid model name passed in",
    "could not find suitable inference handler for",
    "could not find real modelid for",
    "no router for requested model",
    "unknown model",
    "no such model",
];

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    message: Option<Value>,
}

/// Whether a response with this status may contain such an error.
pub fn may_miss_model(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 404)
}

/// Whether the complete body of such a response contains the error.
pub fn misses_model(body: &[u8]) -> bool {
    match serde_json::from_slice::<Body>(body) {
        Ok(body) => body.error.or(body.message).is_some_and(|error| is_in(&error)),
        Err(_) => {
            let sentence = str::from_utf8(body).ok().filter(|text| text.len() <= LONGEST_SENTENCE);
            sentence.is_some_and(|text| !text.trim_start().starts_with(['{', '[', '<']) && says_so(text))
        }
    }
}

/// Whether a JSON body contains such an error.
fn is_in(error: &Value) -> bool {
    let text = |field: &str| error.get(field).and_then(Value::as_str);
    if text("code") == Some("model_not_found") {
        return true;
    }
    if text("param").is_some_and(|param| !matches!(param, "model" | "None")) {
        return false;
    }
    let Some(message) = error.as_str().or_else(|| text("message")) else { return false };
    let names_it_only = text("type") == Some("not_found_error") && message.starts_with("model:");
    names_it_only || says_so(message)
}

fn says_so(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    PHRASES.iter().any(|phrase| message.contains(phrase)) || is_about_the_model(&message)
}

/// Whether the message reports a missing model: the word "model", at most its name, and one of the phrases.
fn is_about_the_model(message: &str) -> bool {
    let mut words = message.match_indices("model").filter(|(at, word)| is_word(message, *at, word.len()));
    words.any(|(at, word)| {
        let rest = message[at + word.len()..].trim_start();
        let after_name = rest.split_once(char::is_whitespace).map_or("", |(_, after)| after);
        [rest, after_name].iter().any(|rest| ABOUT_THE_MODEL.iter().any(|phrase| rest.starts_with(phrase)))
    })
}

/// Whether the text at this position is a word of its own: `resp_model_1` does not contain the word "model".
fn is_word(text: &str, at: usize, length: usize) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    !text[..at].ends_with(joins) && !text[at + length..].starts_with(joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_of_runtimes_for_a_missing_model_are_recognised() {
        for (runtime, body) in [
            (
                "Ollama",
                r#"{"error":{"message":"model 'm:latest' not found","type":"not_found_error","param":null,"code":null}}"#,
            ),
            (
                "Ollama before 0.4",
                r#"{"error":{"message":"model \"m\" not found, try pulling it first","type":"api_error","param":null,"code":null}}"#,
            ),
            ("Ollama's own API", r#"{"error":"model 'm' not found"}"#),
            (
                "Ollama's messages",
                r#"{"type":"error","error":{"type":"not_found_error","message":"model 'm' not found"},"request_id":"r"}"#,
            ),
            (
                "vLLM",
                r#"{"error":{"message":"The model `m` does not exist.","type":"NotFoundError","param":"model","code":404}}"#,
            ),
            (
                "vLLM before 0.10",
                r#"{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
            ),
            (
                "llama.cpp",
                r#"{"error":{"code":400,"message":"model 'm' not found","type":"invalid_request_error"}}"#,
            ),
            (
                "llama.cpp without autoload",
                r#"{"error":{"code":400,"message":"model is not loaded","type":"invalid_request_error"}}"#,
            ),
            (
                "LM Studio",
                r#"{"error":{"message":"Invalid model identifier \"m\". Please specify a valid downloaded model (e.g., a, b).","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#,
            ),
            (
                "LM Studio 0.3.5",
                r#"{"error":{"message":"Model \"m m\" not found. Please specify a valid model.\n\nYour models:\n\na","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#,
            ),
            (
                "LM Studio, as text",
                r#"{"error":"Invalid model identifier \"m\". Please specify a valid downloaded model (e.g., a)."}"#,
            ),
            ("LM Studio's own API", r#"{"error":"Model not found"}"#),
            (
                "LM Studio without a model",
                r#"{"error":"No models loaded. Please load a model in the developer page or use the 'lms load' command."}"#,
            ),
            ("llama-swap", r#"{"error":"no router for requested model","src":"llama-swap"}"#),
            ("llama-swap v239", r#"{"error":{"message":"no router for requested model"}}"#),
            ("llama-swap v150", r#"{"error":"could not find suitable inference handler for m"}"#),
            ("llama-swap v120", r#"{"error":"could not find real modelID for m"}"#),
            (
                "llama-swap to a client that does not ask for JSON",
                "could not find suitable inference handler for m\n",
            ),
            (
                "LocalAI",
                r#"{"error":{"code":404,"message":"model \"m\" not found. To see available models, call GET /v1/models","type":""}}"#,
            ),
            (
                "LiteLLM",
                r#"{"error":{"message":"/chat/completions: Invalid model name passed in model=m. Call `/v1/models` to view available models for your key.","type":"None","param":"None","code":"400"}}"#,
            ),
            (
                "Anthropic's API",
                r#"{"type":"error","error":{"type":"not_found_error","message":"model: m"}}"#,
            ),
            (
                "our worker",
                r#"{"error":{"message":"The model `m` does not exist, or is not offered here.","code":"model_not_found"}}"#,
            ),
        ] {
            assert!(misses_model(body.as_bytes()), "{runtime}: {body}");
        }
    }

    #[test]
    fn other_errors_are_the_callers() {
        let page =
            format!("<html><title>404 Not Found</title><body>the model not found{}</body>", " ".repeat(900));
        let essay = format!("model not found{}", " and so on".repeat(200));
        for body in [
            "",
            "404 page not found",
            "{}",
            r#"{"error":null}"#,
            r#"{"error":{"message":"model 'm' not found""#,
            r#"{"content":"model not found"}"#,
            r#"{"error":{"message":"Response with id 'resp_model_1' not found.","param":"response_id","code":404}}"#,
            r#"{"error":{"message":"The requested tool was not found in the model's tools.","param":"tools"}}"#,
            r#"{"error":{"message":"model is required"}}"#,
            r#"{"error":"missing or invalid 'model' key"}"#,
            r#"{"error":{"message":"This model's maximum context length is 4096 tokens.","code":"context_length_exceeded"}}"#,
            r#"{"error":{"message":"model 'm' does not support tools"}}"#,
            r#"{"error":{"message":"The model does not support images; the file does not exist."}}"#,
            r#"{"error":{"message":"model 'x' not found","param":"draft_model"}}"#,
            r#"{"error":{"message":"404 page not found"}}"#,
            r#"{"error":"Agent not found"}"#,
            &page,
            &essay,
        ] {
            assert!(!misses_model(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn only_a_refusal_may_say_so() {
        for (status, expect) in [(200, false), (400, true), (404, true), (422, false), (500, false)] {
            assert_eq!(may_miss_model(StatusCode::from_u16(status).unwrap()), expect, "{status}");
        }
    }
}
